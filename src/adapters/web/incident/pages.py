"""Under `/incidents/<pk>/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web.answers import go, page
from adapters.web.forms import Form, filled_in, number_in, pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.incident.acts import ACTS, ENDINGS, UNTIL, Asked
from adapters.web.incident.timeline import drawn
from adapters.web.incident.why import Question, people_like, why
from adapters.web.links import list_link, web_link
from adapters.web.services import Web
from adapters.web.wording import EVENTS, LEVELS
from argus_core.domain.actors import Actor
from argus_core.domain.deliveries import Delivery
from argus_core.domain.errors import Invalid, NotAllowed, NotAllowedNow, NotFound
from argus_core.domain.ids import IncidentId, UserId
from argus_core.domain.incidents import Incident
from argus_core.domain.notifications import headline, tell
from argus_core.domain.sources import details_address
from argus_core.domain.tags import tags_said
from argus_core.ports.tickets import TicketFailed
from argus_core.usecases.administration import Administrator
from argus_core.usecases.incidents import History

MOST_EVENTS = 200
"""So many events are listed, up to the one that is asked for."""

MOST_DELIVERIES = 100


@dataclass(frozen=True, slots=True)
class Attempted:
    """What somebody tried in vain: which act, with what, and why not."""

    act: str = ""
    form: Form = field(default_factory=Form)
    status: int = 200


def incident_page_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Looking at one incident, and doing something about it."""

    async def shown(
        request: PageRequest, guest: Guest, actor: Actor, incident_id: IncidentId, attempted: Attempted = Attempted()
    ) -> Response[bytes]:
        history = await web.incidents.history(incident_id, actor=actor)
        query = request.query_params
        deliveries = await web.notifications.of_incident(incident_id, actor)
        names = await _names(web, actor, deliveries)
        present, is_open = history.incident, history.incident.is_open(web.clock())
        _, news = ACTS.get(query.get("done", ""), (None, ""))
        return page(
            "incident/page.html",
            guest,
            status=attempted.status,
            **_state(web, history, query.get("at", "")),
            **await _marks(web, actor, present),
            present=present,
            can_close=is_open,
            can_reopen=present.stateful and not is_open,
            own_tags=[tag.tag for tag in present.tags if actor.superuser or tag.added_by == actor.id],
            holding=_holding(history, web.clock()),
            title=headline(present),
            timeline=drawn(history.events, present.source, web.clock(), web.zone),
            journal=_journal(web, history, query.get("at", "")),
            maintained=await web.maintenance.over(history),
            deliveries=[_delivery(one, names) for one in deliveries[:MOST_DELIVERIES]],
            everybodys=actor.administers,
            **await why(web, history, Administrator(actor, guest.device.address), Question.of(query, history)),
            ticket_system=web.tickets.system,
            news=news,
            attempted=attempted,
            until=UNTIL,
            endings=ENDINGS,
            levels=LEVELS,
        )

    @get("/incidents/{pk:int}/")
    async def one(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        return await shown(request, guest, await web.accounts.acting(guest.user), _incident_id(pk))

    @get("/incidents/{pk:int}/state/")
    async def state(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        actor = await web.accounts.acting(guest.user)
        history = await web.incidents.history(_incident_id(pk), actor=actor)
        marks = await _marks(web, actor, history.incident)
        return page("incident/state.html", guest, **marks, **_state(web, history, request.query_params.get("at", "")))

    @get("/incidents/people/")
    async def people(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        by = Administrator(await web.accounts.acting(guest.user), guest.device.address)
        return page("incident/people.html", guest, people=await people_like(web, by, request.query_params.get("who", "")))

    @post("/incidents/{pk:int}/{act:str}/")
    async def do(request: PageRequest, pk: FromPath[int], act: FromPath[str]) -> Response[bytes]:
        guest = await guests.known(request)
        form = await filled_in(request, guests, guest)
        if act not in ACTS:
            raise NotFound
        incident_id, actor = _incident_id(pk), await web.accounts.acting(guest.user)
        path = f"/incidents/{incident_id}/"
        try:
            await ACTS[act][0](Asked(web, actor, incident_id, form, f"{guest.place.origin}{path}"))
        except Invalid as error:
            refused = Attempted(act, form.wrong(error.errors), 400)
        except NotAllowedNow as error:
            refused = Attempted(act, form.wrong({"": error.message}), 409)
        except NotAllowed as error:
            refused = Attempted(act, form.wrong({"": error.message}), 403)
        except TicketFailed as error:
            refused = Attempted(act, form.wrong({"": str(error)}), 502)
        else:
            return go(f"{path}?done={act}")
        return await shown(request, guest, actor, incident_id, refused)

    return [one, state, people, do]


def _incident_id(pk: int) -> IncidentId:
    if not pk_in(pk):
        raise NotFound
    return IncidentId(pk)


def _state(web: Web, history: History, at: str) -> dict[str, Any]:
    """What the incident is like now, or was like after one of its events."""
    last = history.incident.version
    version = min(number_in(at), last)
    incident = history.until(version).incident if version else history.incident
    now = history.events[version - 1].received if version else web.clock()
    details = details_address(incident.source.base_url, incident.details_url)
    return {
        "incident": incident,
        "version": version or last,
        "rewound": tell(history.events[version - 1], web.zone.key) if version and version < last else None,
        "rewound_event": history.events[(version or last) - 1],
        "last": last,
        "open": incident.is_open(now),
        "acked": incident.is_acked(now),
        "level": LEVELS[incident.level],
        "acks": _acks(incident, history),
        "now": now,
        "zone": web.zone,
        "details": details,
        "details_link": web_link(details),
        "ticket_link": web_link(incident.ticket_url),
        "source_link": list_link(source__id__in=incident.source.id, open=True),
        "tags": [(tag.tag, _tag_link(tag.tag)) for tag in incident.tags],
    }


async def _marks(web: Web, actor: Actor, incident: Incident) -> dict[str, Any]:
    """What keeps back what happens to it now: maintenances that run, and that it flaps."""
    under = await web.maintenance.covering(web.reading.seen_by(actor), [incident.id])
    return {"maintenances": under.get(incident.id, ()), "flaps": await web.notifications.flaps(incident)}


def _tag_link(tag: str) -> str:
    said = tags_said([tag])
    return list_link(tags=said, open=True) if said else ""


def _acks(incident: Incident, history: History) -> list[dict[str, Any]]:
    made = {event.id: event for event in history.events}
    return [{"ack": ack, "event": made[ack.id]} for ack in reversed(incident.acks) if ack.id in made]


def _holding(history: History, now: datetime) -> list[dict[str, Any]]:
    """The acknowledgements that hold at present, the newest first: an end that has come cannot be moved."""
    return [one for one in _acks(history.incident, history) if one["ack"].holds(now)]


def _journal(web: Web, history: History, at: str) -> dict[str, Any]:
    until = number_in(at) or history.incident.version
    events = history.events[max(until - MOST_EVENTS, 0) : until]
    lines = [{"event": event, "told": tell(event, web.zone.key)} for event in reversed(events)]
    return {"lines": lines, "older": until - len(events), "newer": history.incident.version - until}


async def _names(web: Web, actor: Actor, deliveries: Sequence[Delivery]) -> Mapping[UserId, str]:
    """What those are called who were told; whoever sees only what was told to them knows that."""
    others = {delivery.owner for delivery in deliveries} - {actor.id}
    return {user.id: user.username for user in await web.accounts.users()} if others else {actor.id: actor.username}


def _delivery(delivery: Delivery, names: Mapping[UserId, str]) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "owner": names.get(delivery.owner, f"user {delivery.owner}"),
        "profiles": [asking.name or f"Profile {asking.id}" for asking in delivery.profiles],
        "event": EVENTS.get(delivery.event_type) if delivery.event_type else "",
    }
