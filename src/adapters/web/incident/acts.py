"""What people do about one incident: from a form to a use case."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.web.forms import Form, number_in
from adapters.web.services import Web
from argus_core.domain.actors import Actor
from argus_core.domain.errors import ForeignTags, Invalid, NotFound
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import EventType, Level, Until
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit

UNTIL = {
    "good": "for good",
    "1h": "for 1 hour",
    "2h": "for 2 hours",
    "8h": "for 8 hours",
    "tomorrow": "until tomorrow, 08:00",
    "moment": "until …",
}
ENDINGS = {"level": "until the level rises", "resolved": "until resolved"}
MORNING = 8
_HOURS = {"1h": 1, "2h": 2, "8h": 8}
_ENDS = {"level": Until.LEVEL_RISES, "resolved": Until.RESOLVED}


class Asked(NamedTuple):
    """Who wants what done about which incident; `link` leads to it."""

    web: Web
    actor: Actor
    incident_id: IncidentId
    form: Form
    link: str


_Act: TypeAlias = Callable[[Asked], Awaitable[object]]


def ending(form: Form) -> Until | None:
    """What shall end an acknowledgement, other than a moment."""
    return _ENDS.get(form.get("until"))


def zone_of(form: Form, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone that the browser names, so that its morning is meant; ours when there is none of this name."""
    try:
        return ZoneInfo(form.text("zone")) if form.text("zone") else otherwise
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return otherwise


def expiration(form: Form, now: datetime, zone: ZoneInfo) -> datetime | None:
    """
    Until when an acknowledgement shall hold; None is for good. The field for a moment names our zone, and the browser's morning is meant.

    Raises:
        Invalid: under `moment`, or `until`.
    """
    choice = form.get("until", "good")
    if choice in _HOURS:
        return now + timedelta(hours=_HOURS[choice])
    if choice == "tomorrow":
        morning = now.astimezone(zone_of(form, zone)).replace(hour=MORNING, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return morning.astimezone(UTC)
    if choice == "moment":
        moment = local_moment(form.text("moment"), zone, "moment")
        if moment <= now:
            raise Invalid({"moment": "Give a moment that is still to come."})
        return moment
    if choice != "good":
        raise Invalid({"until": "Choose one of these."})
    return None


def local_moment(text: str, zone: ZoneInfo, name: str) -> datetime:
    """
    The moment that a field for date and time tells by the clock of this zone.

    Raises:
        Invalid: under this name: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid({name: "Give a date and a time, like 2026-03-31T08:00."}) from None


async def _acknowledge(asked: Asked) -> None:
    web, form = asked.web, asked.form
    until = ending(form)
    expires = None if until else expiration(form, web.clock(), web.zone)
    try:
        await web.incidents.acknowledge(asked.incident_id, actor=asked.actor, why=form.text("why"), expiration=expires, until=until)
    except Invalid as error:
        raise _renamed(error, {"expiration": "moment", "description": "why"}) from None


def _post(type_: EventType, *, needs_words: bool = False) -> _Act:
    async def post(asked: Asked) -> None:
        why = asked.form.text("why")
        if needs_words and not why:
            raise Invalid({"why": "Say something."})
        try:
            await asked.web.incidents.post(asked.incident_id, type_, actor=asked.actor, why=why)
        except Invalid as error:
            raise _renamed(error, {"description": "why"}) from None

    return post


async def _level(asked: Asked) -> None:
    chosen = asked.form.get("level")
    level = next((level for level in Level if str(level.value) == chosen), None)
    if level is None:
        raise Invalid({"level": "Choose one of these."})
    await asked.web.incidents.edit(asked.incident_id, Edit(level=level), actor=asked.actor)


async def _move(asked: Asked) -> None:
    web, form = asked.web, asked.form
    ack_id = number_in(form.get("ack"))
    until = expiration(form, web.clock(), web.zone)
    try:
        await web.incidents.move_expiration(asked.incident_id, EventId(ack_id), until, actor=asked.actor)
    except Invalid as error:
        raise _renamed(error, {"expiration": "moment"}) from None
    except NotFound:
        # That there is no incident is told as everywhere; what is chosen in vain, at its field.
        if not (await web.incidents.get(asked.incident_id, actor=asked.actor)).ack(EventId(ack_id)):
            raise Invalid({"ack": "Choose one of these."}) from None
        raise


async def _tag(asked: Asked) -> None:
    tag = Tag.parse(asked.form.text("tag"))
    try:
        await asked.web.incidents.retag(asked.incident_id, lambda present: (*present, tag), actor=asked.actor)
    except Invalid as error:
        raise _renamed(error, {"tags": "tag"}) from None


async def _untag(asked: Asked) -> None:
    unwanted = frozenset(asked.form.all("tag"))
    if not unwanted:
        raise Invalid({"tag": "Choose at least one tag."})

    def without(present: tuple[Tag, ...]) -> tuple[Tag, ...]:
        return tuple(tag for tag in present if str(tag) not in unwanted)

    try:
        await asked.web.incidents.retag(asked.incident_id, without, actor=asked.actor)
    except ForeignTags as error:
        raise Invalid({"tag": f"{error.message} These are: {', '.join(error.tags)}."}) from None


async def _ticket(asked: Asked) -> None:
    await asked.web.incidents.edit(asked.incident_id, Edit(ticket_url=asked.form.text("ticket_url")), actor=asked.actor)


async def _new_ticket(asked: Asked) -> None:
    await asked.web.tickets.ticket_for(asked.incident_id, actor=asked.actor, link=asked.link)


ACTS: Mapping[str, tuple[_Act, str]] = {
    "ack": (_acknowledge, "You have acknowledged it."),
    "close": (_post(EventType.CLOSE), "You have closed it."),
    "reopen": (_post(EventType.REOPEN), "You have reopened it."),
    "expiration": (_move, "The acknowledgement has another end now."),
    "tag": (_tag, "It has the tag now."),
    "untag": (_untag, "The tags are gone."),
    "note": (_post(EventType.OTHER, needs_words=True), "Your note is in the journal."),
    "level": (_level, "It has another level now."),
    "ticket": (_ticket, "The ticket is noted."),
    "new-ticket": (_new_ticket, "There is a ticket now."),
}
"""By the last part of the address: what is done, and what is said when it is."""


def _renamed(error: Invalid, names: Mapping[str, str]) -> Invalid:
    return Invalid({names.get(name, name): text for name, text in error.errors.items()})
