"""Rows become domain values, here and nowhere else; the columns are named beside the functions that read them."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adapters.db import codec
from argus_core.domain.accounts import Credential, User
from argus_core.domain.actors import Actor, Person, Scope
from argus_core.domain.ids import EventId, IncidentId, SessionId, SourceId, TokenId, UserId
from argus_core.domain.incidents import Acknowledgement, Event, EventType, Incident, Level
from argus_core.domain.sessions import Device, Session
from argus_core.domain.sources import Source
from argus_core.domain.tags import TagOn
from argus_core.domain.transitions import Timer, TimerKind
from argus_core.ports.incidents import AckRow, EventRow, IncidentRow

# In the order of IncidentRow: lists take rows as they come from the wire.
INCIDENT_COLUMNS = (
    "i.id, i.version, i.start_time, i.end_time, i.stateful, "
    "s.id, s.name, s.type, s.user_id, s.base_url, "
    "i.source_incident_id, i.details_url, i.description, i.level, i.ticket_url, i.metadata, "
    "i.tags, i.tags_by, i.tags_at, i.acked_until"
)

WHOLE_INCIDENT_COLUMNS = f"""{INCIDENT_COLUMNS}, i.received, i.ended,
    array(select a.event_id from ack a where a.incident_id = i.id order by a.version),
    array(select a.expiration from ack a where a.incident_id = i.id order by a.version),
    array(select a.until from ack a where a.incident_id = i.id order by a.version)"""

EVENT_COLUMNS = "e.id, e.incident_id, e.actor_id, u.username, e.timestamp, e.received, e.type, e.description"

WHOLE_EVENT_COLUMNS = f"{EVENT_COLUMNS}, e.version, e.effect, e.changes"

USER_COLUMNS = "u.id, u.username, u.password, u.first_name, u.last_name, u.email, u.active, u.staff, u.superuser"

SESSION_COLUMNS = "s.id, s.user_id, s.begun, s.used, s.address, s.agent, s.provider, s.proof"

_EVENT_TYPES = {type_.value: type_ for type_ in EventType}


def incident_from(columns: Sequence[Any]) -> Incident:
    """WHOLE_INCIDENT_COLUMNS as an incident."""
    flat = IncidentRow._make(columns[:20])
    received, ended, ack_ids, expirations, untils = columns[20:]
    source = Source(
        id=flat.source_id, name=flat.source_name, type=flat.source_type, user_id=flat.source_user_id, base_url=flat.source_base_url
    )
    return Incident(
        id=flat.id,
        version=flat.version,
        source=source,
        source_incident_id=flat.source_incident_id,
        start_time=flat.start_time,
        end_time=flat.end_time,
        stateful=flat.stateful,
        level=Level(flat.level),
        description=flat.description,
        details_url=flat.details_url,
        ticket_url=flat.ticket_url,
        metadata=flat.metadata,
        tags=tuple(map(TagOn, flat.tags, flat.tags_by, flat.tags_at)),
        acks=tuple(map(_ack_from, ack_ids, expirations, untils)),
        ended=ended,
        received=received,
    )


def _ack_from(id_: int, expiration: datetime | None, until: str | None) -> Acknowledgement:
    return Acknowledgement(EventId(id_), expiration, *codec.to_until(until))


def event_from(columns: Sequence[Any]) -> Event:
    """WHOLE_EVENT_COLUMNS as an event."""
    id_, incident_id, actor_id, username, timestamp, received, type_, description, version, effect, changes = columns
    return Event(
        id=EventId(id_),
        incident_id=IncidentId(incident_id),
        version=version,
        type=_EVENT_TYPES[type_],
        actor=None if actor_id is None else Person(UserId(actor_id), username),
        timestamp=timestamp,
        received=received,
        description=description,
        effect=effect,
        changes=codec.from_json(changes),
    )


def event_row_from(columns: Sequence[Any]) -> EventRow:
    """EVENT_COLUMNS as a row of a list."""
    id_, incident_id, actor_id, username, timestamp, received, type_, description = columns
    return EventRow(id_, incident_id, actor_id, username, timestamp, received, _EVENT_TYPES[type_], description)


def ack_row_from(columns: Sequence[Any]) -> AckRow:
    """EVENT_COLUMNS and an expiration as a row of a list."""
    return AckRow(event_row_from(columns[:-1]), columns[-1])


def timer_from(columns: Sequence[Any]) -> Timer:
    """The columns of a timer as one."""
    incident_id, kind, subject_id, due = columns
    return Timer(IncidentId(incident_id), TimerKind(kind), subject_id, due)


def credential_from(columns: Sequence[Any]) -> Credential:
    """A token, its user and, if there is one, the user's source as a credential."""
    token_id, expires, scope, user_id, username, staff, superuser, source_id, name, type_, base_url = columns
    source = None
    if source_id is not None:
        source = Source(id=SourceId(source_id), name=name, type=type_, user_id=UserId(user_id), base_url=base_url)
    actor = Actor(id=UserId(user_id), username=username, source=source, staff=staff, superuser=superuser, scope=Scope(scope))
    return Credential(TokenId(token_id), actor, expires)


def user_from(columns: Sequence[Any]) -> User:
    """USER_COLUMNS as a user."""
    id_, username, password, first_name, last_name, email, active, staff, superuser = columns
    return User(
        id=UserId(id_),
        username=username,
        password=password,
        first_name=first_name,
        last_name=last_name,
        email=email,
        active=active,
        staff=staff,
        superuser=superuser,
    )


def session_from(columns: Sequence[Any]) -> Session:
    """SESSION_COLUMNS as a session."""
    id_, user_id, begun, used, address, agent, provider, proof = columns
    return Session(
        id=SessionId(id_),
        user_id=UserId(user_id),
        begun=begun,
        used=used,
        device=Device(address, agent),
        provider=provider,
        proof=proof,
    )
