"""What people do about many incidents at once, each by the rules of a single one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from adapters.web.forms import Form
from adapters.web.incident.acts import ending, expiration
from adapters.web.services import Web
from argus_core.domain.actors import Actor
from argus_core.domain.errors import DomainError, Invalid, NotAllowed, NotFound
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import EventType
from argus_core.domain.transitions import Change, Edit
from argus_core.ports.tickets import TicketFailed

MOST = 1_000
"""So many incidents may be chosen at once."""

MOST_TICKETS = 20
"""So many tickets are made at once, because that asks somebody else, one after the other."""

GONE = "There is no such incident."


class Refusal(NamedTuple):
    """An incident to which it was not done, and why."""

    incident_id: IncidentId
    why: str


class Outcome(NamedTuple):
    """What was done to how many incidents, what was refused, and what was wrong with the form as a whole."""

    done: str
    number: int
    refused: Sequence[Refusal]
    problem: str = ""

    @property
    def status(self) -> int:
        """200 if anything was done."""
        return 200 if self.number else 400

    @property
    def words(self) -> str:
        """What was done, as people say it."""
        return f"{self.done} {self.number} incident{'' if self.number == 1 else 's'}."


class Asked(NamedTuple):
    """Who wants it done to which incidents; `origin` is the address of this server."""

    web: Web
    actor: Actor
    ids: Sequence[IncidentId]
    form: Form
    zone: ZoneInfo
    origin: str


_Results: TypeAlias = Sequence[Change | DomainError | None]
_Act: TypeAlias = Callable[[Asked], Awaitable[_Results]]


async def do(asked: Asked) -> Outcome:
    """Do what the form asks for; what is refused of one incident leaves the others alone."""
    act, done = ACTS.get(asked.form.get("act").partition(":")[0], (None, ""))
    if act is None:
        return Outcome("", 0, (), "Choose what to do.")
    if not asked.ids:
        return Outcome("", 0, (), "Choose at least one incident.")
    if len(asked.ids) > MOST:
        return Outcome("", 0, (), f"Choose at most {MOST:,} incidents at once.")
    try:
        results = await act(asked)
    except (Invalid, NotAllowed, TicketFailed) as error:
        return Outcome("", 0, (), _why(error))
    refused = [Refusal(id_, _why(result)) for id_, result in zip(asked.ids, results, strict=True) if not isinstance(result, Change)]
    return Outcome(done, len(results) - len(refused), refused)


async def _acknowledge(asked: Asked) -> _Results:
    _, _, until = asked.form.get("act").partition(":")
    choice = Form({"until": [until or asked.form.get("until", "good")]})
    ends, why = ending(choice), asked.form.text("why")
    holds = None if ends else expiration(choice, asked.web.clock(), asked.zone)
    return await asked.web.incidents.acknowledge_each(asked.ids, actor=asked.actor, why=why, expiration=holds, until=ends)


def _post(type_: EventType) -> _Act:
    async def post(asked: Asked) -> _Results:
        return await asked.web.incidents.post_to_each(asked.ids, type_, actor=asked.actor, why=asked.form.text("why"))

    return post


async def _ticket(asked: Asked) -> _Results:
    return await asked.web.incidents.edit_each(asked.ids, Edit(ticket_url=asked.form.text("ticket_url")), actor=asked.actor)


async def _new_tickets(asked: Asked) -> _Results:
    if len(asked.ids) > MOST_TICKETS:
        raise Invalid({"": f"At most {MOST_TICKETS} tickets are made at once."})
    return [await _new_ticket(asked, id_) for id_ in asked.ids]


async def _new_ticket(asked: Asked, incident_id: IncidentId) -> Change | DomainError:
    try:
        await asked.web.tickets.ticket_for(incident_id, actor=asked.actor, link=f"{asked.origin}/incidents/{incident_id}/")
        return Change(incident=await asked.web.incidents.get(incident_id, actor=asked.actor), events=())
    except (DomainError, TicketFailed) as error:
        return error if isinstance(error, DomainError) else DomainError(str(error))


ACTS: Mapping[str, tuple[_Act, str]] = {
    "ack": (_acknowledge, "You have acknowledged"),
    "close": (_post(EventType.CLOSE), "You have closed"),
    "reopen": (_post(EventType.REOPEN), "You have reopened"),
    "ticket": (_ticket, "You have noted the ticket of"),
    "new-ticket": (_new_tickets, "There is a ticket now for"),
}
"""By what the button says of itself: what is done, and how it is told."""


def _why(result: Change | Exception | None) -> str:
    match result:
        case None | NotFound():
            return GONE
        case Invalid() as error:
            return " ".join(error.errors.values())
        case _:
            return getattr(result, "message", str(result))
