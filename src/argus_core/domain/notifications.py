"""What is told to people: one message about the newest state of an incident, and what happened to it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from argus_core.domain.ids import EventId, IncidentId, SourceId, UserId
from argus_core.domain.incidents import FOREVER, Event, EventType, Incident, Level
from argus_core.domain.limits import url_problem
from argus_core.domain.sources import Source

MOST_SUBJECT = 200
MOST_DESCRIPTION = 20_000
"""So many characters of a description are told; the rest can be read in Argus."""

_CUT = "\N{HORIZONTAL ELLIPSIS}"


class Profile(Protocol):
    """What a message says of a profile that asked for it."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def name(self) -> str | None:
        """Its name, if it has one."""
        ...


@dataclass(frozen=True, slots=True)
class AskedBy:
    """A profile that asked for a message: its name, and where it can be changed; the link may be empty."""

    name: str
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    One message to one destination.

    `id` is the same in every repetition, so that a receiver can drop those it has. `events` are what the message is about, oldest first;
    `incident` is the state after the last of them. `subject` and `text` say everything; the rest is for media that can show it better:
    `news` are sentences about the events, `state` one about the incident, `facts` its particulars under their names, `details` the absolute
    address of the source's own page. `link` leads to the incident in Argus. Links may be empty.
    """

    id: str
    incident: Incident
    events: tuple[Event, ...]
    subject: str
    text: str
    link: str = ""
    details: str = ""
    state: str = ""
    news: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    profiles: tuple[AskedBy, ...] = ()
    test: bool = False


def compose(
    *,
    id: str,  # noqa: A002 - it is called so in the notification
    incident: Incident,
    events: Sequence[Event],
    zone: str = "UTC",
    frontend: str = "",
    profiles: Sequence[Profile] = (),
    test: bool = False,
) -> Notification:
    """
    Write a message about some events of an incident, oldest first; `incident` is the state after the last of them.

    Times are told in `zone`. `frontend` is the address that links lead to, if there is one.
    """
    tell = _Clock(zone)
    newest = events[-1]
    state = _state(incident, newest.received, tell)
    news = tuple(_news(event, tell) for event in events)
    details = details_of(incident)
    facts = tuple((name, value) for name, value in _facts(incident, details, tell) if value)
    link = f"{frontend.rstrip('/')}/incidents/{incident.id}/" if frontend and not test else ""
    asked_by = tuple(
        AskedBy(profile.name or f"#{profile.id}", f"{frontend.rstrip('/')}/notificationprofiles/{profile.id}/" if frontend else "")
        for profile in profiles
    )
    return Notification(
        id=id,
        incident=incident,
        events=tuple(events),
        subject=_subject(incident, newest, test=test),
        text="\n".join(_text(incident, state=state, news=news, facts=facts, link=link, asked_by=asked_by, test=test)),
        link=link,
        details=details,
        state=state,
        news=news,
        facts=facts,
        profiles=asked_by,
        test=test,
    )


def sample(*, id: str, now: datetime, zone: str = "UTC", frontend: str = "", profiles: Sequence[Profile] = ()) -> Notification:  # noqa: A002
    """A message that tries a destination: it is about an incident that never was, and says so."""
    argus = Source(id=SourceId(0), name="argus", type="argus", user_id=UserId(0))
    incident = Incident(
        id=IncidentId(0),
        version=1,
        source=argus,
        start_time=now,
        stateful=False,
        level=Level.INFORMATION,
        description="Nothing has happened. Somebody has asked Argus to try whether messages arrive here.",
        received=now,
    )
    event = Event(id=EventId(0), incident_id=incident.id, version=1, type=EventType.STATELESS, actor=None, timestamp=now, received=now)
    return compose(id=id, incident=incident, events=[event], zone=zone, frontend=frontend, profiles=profiles, test=True)


def details_of(incident: Incident) -> str:
    """Where the source shows the incident, seen from the source's address; as it was posted when that makes no address."""
    base, posted = incident.source.base_url, incident.details_url
    if not base or not posted:
        return posted
    try:
        address = urljoin(base, posted)
    except ValueError:
        return posted
    return posted if url_problem(address) else address


def _subject(incident: Incident, event: Event, *, test: bool) -> str:
    first = next((line for line in incident.description.splitlines() if line.strip()), "") or f"incident {incident.id}"
    what = f"[{incident.level.value} {incident.level.name.lower()}] {incident.source.name}: {_happened(incident, event)}"
    return _cut(" ".join(f"{'TEST ' if test else ''}{what} \N{EN DASH} {first}".split()), MOST_SUBJECT)


def _happened(incident: Incident, event: Event) -> str:  # noqa: C901, PLR0911 - one case for each type
    """What the event did, and whether the incident is still open, in a few words."""
    still = ", still open" if incident.is_open(event.received) else ""
    who = f" by {event.actor.username}" if event.actor else ""
    match event.type:
        case EventType.START:
            return "new"
        case EventType.STATELESS:
            return "has happened"
        case EventType.END:
            return f"ended{still}"
        case EventType.CLOSE:
            return f"closed{who}"
        case EventType.REOPEN:
            return f"open again{who}"
        case EventType.ACKNOWLEDGE:
            return f"acknowledged{who}{still}"
        case EventType.CHANGE:
            return f"changed{who}{still}"
        case EventType.OTHER:
            return f"note{who}{still}"
        case EventType.END_REACHED:
            return "end reached"
        case EventType.ACK_EXPIRED:
            return f"acknowledgement expired{still}"
        case _:
            assert_never(event.type)


def _news(event: Event, tell: "_Clock") -> str:
    """Who did what when, and what they said."""
    who = event.actor.username if event.actor else "Argus"
    said = f": {event.description}" if event.description and event.type is not EventType.START else ""
    idle = "" if event.effect else " (without effect)"
    return f"{tell(event.timestamp)}  {who} {_did(event, tell)}{idle}{said}"


def _did(event: Event, tell: "_Clock") -> str:  # noqa: C901, PLR0911 - one case for each type
    match event.type:
        case EventType.START:
            return "reported it"
        case EventType.STATELESS:
            return "reported a moment"
        case EventType.END:
            return "reported its end"
        case EventType.CLOSE:
            return "closed it"
        case EventType.REOPEN:
            return "opened it again"
        case EventType.ACKNOWLEDGE:
            ack = event.changes.ack
            return f"acknowledged it until {tell(ack.new)}" if ack and ack.new else "acknowledged it"
        case EventType.CHANGE:
            return "changed it"
        case EventType.OTHER:
            return "noted"
        case EventType.END_REACHED:
            return "saw that its end has come"
        case EventType.ACK_EXPIRED:
            return "saw an acknowledgement expire"
        case _:
            assert_never(event.type)


def _state(incident: Incident, now: datetime, tell: "_Clock") -> str:
    if not incident.stateful:
        lasting = "A single moment"
    elif not incident.is_open(now):
        lasting = f"Closed since {tell(incident.end_time)}" if incident.end_time else "Closed"
    elif incident.end_time is not None:
        lasting = f"Open until {tell(incident.end_time)}"
    else:
        lasting = "Still open"
    until = incident.acked_until
    if until is None or until <= now:
        return f"{lasting}, not acknowledged"
    return f"{lasting}, acknowledged" if until == FOREVER else f"{lasting}, acknowledged until {tell(until)}"


def _facts(incident: Incident, details: str, tell: "_Clock") -> Iterator[tuple[str, str]]:
    yield "Level", f"{incident.level.value} ({incident.level.name.lower()})"
    yield "Source", f"{incident.source.name} ({incident.source.type})"
    yield "Known there as", incident.source_incident_id
    yield "Started", tell(incident.start_time)
    yield "Ended", tell(incident.end_time) if incident.end_time else ""
    yield "Tags", ", ".join(tag.tag for tag in incident.tags)
    yield "Ticket", incident.ticket_url
    yield "Details", details


def _text(
    incident: Incident,
    *,
    state: str,
    news: Sequence[str],
    facts: Iterable[tuple[str, str]],
    link: str,
    asked_by: Sequence[AskedBy],
    test: bool,
) -> Iterator[str]:
    if test:
        yield "This is a test of Argus."
        yield ""
    yield _cut(incident.description, MOST_DESCRIPTION)
    yield ""
    yield f"{state}."
    yield ""
    if not test:
        yield from news
        yield ""
        yield from (f"{f'{name}:':<16}{value}" for name, value in facts)
        yield ""
    if link:
        yield f"In Argus: {link}"
    for profile in asked_by:
        yield f"Sent for the notification profile {profile.name}" + (f": {profile.link}" if profile.link else "")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_CUT)] + _CUT


class _Clock:
    """Moments as people of one zone read them."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def __call__(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M:%S %z}"
