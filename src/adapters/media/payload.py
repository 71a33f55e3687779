"""What a receiver of webhooks is told, as JSON with the names of the API of Argus. `docs/media.md` describes it field by field."""

import json
from datetime import UTC, datetime

from adapters.media.signature import webhook_id
from argus_core.domain.incidents import Event, Incident
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification

VERSION = 1
"""Of the shape: a receiver may count on all that is in it. It goes up when something is taken away or means something else."""


def as_json(notification: Notification) -> bytes:
    """The whole notification; two of the same are the same bytes."""
    incident, events = notification.incident, notification.events
    payload: dict[str, Json] = {
        "type": "argus.notification",
        "version": VERSION,
        "id": webhook_id(notification.id),
        "timestamp": _moment(events[-1].received if events else incident.received),
        "data": {
            "subject": notification.subject,
            "text": notification.text,
            "link": notification.link,
            "test": notification.test,
            "roundup": notification.roundup,
            "incident": _incident(incident),
            "events": [_event(event) for event in events],
        },
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _incident(incident: Incident) -> dict[str, Json]:
    end = "infinity" if incident.stateful else None
    return {
        "pk": incident.id,
        "version": incident.version,
        "start_time": _moment(incident.start_time),
        "end_time": _moment(incident.end_time) if incident.end_time else end,
        "stateful": incident.stateful,
        "source": {"pk": incident.source.id, "name": incident.source.name, "type": {"name": incident.source.type}},
        "source_incident_id": incident.source_incident_id,
        "level": int(incident.level),
        "description": incident.description,
        "details_url": incident.details_url,
        "ticket_url": incident.ticket_url,
        "tags": [{"tag": tag.tag} for tag in incident.tags],
        "metadata": incident.metadata,
    }


def _event(event: Event) -> dict[str, Json]:
    return {
        "pk": event.id,
        "type": {"value": event.type.value},
        "actor": {"pk": event.actor.id, "username": event.actor.username} if event.actor else None,
        "timestamp": _moment(event.timestamp),
        "received": _moment(event.received),
        "description": event.description,
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
