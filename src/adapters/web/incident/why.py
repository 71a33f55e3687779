"""Why somebody is told of an event or not, in words: oneself, or for staff anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from adapters.web.forms import number_in
from adapters.web.notifications.hub import name_of, profile_name
from adapters.web.services import Web
from adapters.web.wording import Names, say_why
from argus_core.domain.accounts import User
from argus_core.domain.decisions import Verdict
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import EventId
from argus_core.domain.incidents import Event
from argus_core.domain.limits import storable
from argus_core.domain.notifications import tell
from argus_core.usecases.administration import Administrator
from argus_core.usecases.incidents import History

MOST_PEOPLE = 10
"""So many are named who may be meant."""

MOST_SOUGHT = 1_000
"""So many characters of a name are looked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """Of which event somebody asks, and about whom: an empty name is oneself."""

    event_id: int
    name: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], history: History) -> "Question":
        """What an address asks; whoever names somebody, but no event, means the first one."""
        name = storable(query.get("who", "").strip(), MOST_SOUGHT)
        asked = number_in(query.get("why", "")) or (history.events[0].id if name else 0)
        return cls(asked if any(event.id == asked for event in history.events) else 0, name)


async def why(web: Web, history: History, by: Administrator, question: Question) -> dict[str, Any]:
    """
    What the page says of the question: `why`, if it has an answer, and `who` may be meant, if that is not clear.

    Raises:
        NotAllowed: only staff may ask about others.
    """
    if not question.event_id:
        return {"why": None, "who": None}
    if not question.name:
        return {"why": await _answer(web, history, by, question, None), "who": None}
    user, perhaps = await _meant(web, by, question.name)
    answer = await _answer(web, history, by, question, user) if user else None
    return {"why": answer, "who": {"name": question.name, "perhaps": perhaps, "event": question.event_id}}


async def people_like(web: Web, by: Administrator, text: str) -> Sequence[User]:
    """
    Some who have this in their names or their address.

    Raises:
        NotAllowed: only staff may ask.
    """
    return (await web.administration.users(by, text, MOST_PEOPLE)).items


async def _meant(web: Web, by: Administrator, name: str) -> tuple[User | None, Sequence[User]]:
    """Who has exactly this name, else the only one who has it in any name; without either, those who have it."""
    found = await people_like(web, by, name)
    try:
        return await web.accounts.user_named(name), ()
    except NotFound:
        return (found[0], ()) if len(found) == 1 else (None, found)


async def _answer(web: Web, history: History, by: Administrator, question: Question, user: User | None) -> dict[str, Any]:
    """By the profiles of that user, or of whoever asks."""
    explained = await web.notifications.explain(history.incident.id, EventId(question.event_id), by.actor, user.id if user else None)
    names: Names = {source.id: source.name for source in await web.accounts.sources()}
    return {
        "event": explained.event,
        "told": tell(explained.event, web.zone.key),
        "zone": web.zone,
        "of": user.username if user and user.id != by.actor.id else "",
        "inactive": user is not None and not user.active,
        "verdicts": [_verdict(web, verdict, explained.event, names) for verdict in explained.verdicts],
        "deliveries": explained.deliveries,
        "maintenance": explained.maintenance,
    }


def _verdict(web: Web, verdict: Verdict, event: Event, names: Names) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "name": profile_name(verdict.profile.profile),
        "clock": f"{event.received.astimezone(ZoneInfo(verdict.profile.timeslot.zone)):%A %H:%M}",
        "filters": [(one.filter.name, one.held, say_why(one.explanation, names) if one.explanation else None) for one in verdict.filters],
        "places": [(name_of(web, one), web.media.why_waits(one.medium)) for one in verdict.profile.destinations],
    }
