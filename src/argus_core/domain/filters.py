"""
Conditions on incidents: one small expression tree, evaluated here in Python and compiled to SQL by the store.

Every front end turns its own spelling of a filter into this tree; a property test holds the two evaluations together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from argus_core.domain.ids import IncidentId, SourceId, UserId
from argus_core.domain.incidents import Event, EventType, Incident
from argus_core.domain.news import kinds


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these; none at all is true."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these; none at all is false."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class IsOpen:
    """Stateful, and the end is not reached."""


@dataclass(frozen=True, slots=True)
class IsClosed:
    """Stateful, and the end is reached."""


@dataclass(frozen=True, slots=True)
class IsAcked:
    """At least one acknowledgement holds."""


@dataclass(frozen=True, slots=True)
class IsStateful:
    """It has, or will have, an end."""


@dataclass(frozen=True, slots=True)
class HasTicket:
    """It has a ticket URL."""


@dataclass(frozen=True, slots=True)
class LevelAtMost:
    """At least as bad as this; any number will do."""

    level: float


@dataclass(frozen=True, slots=True)
class SourceIn:
    """From one of these sources."""

    ids: frozenset[SourceId]


@dataclass(frozen=True, slots=True)
class SourceNamed:
    """From a source with one of these names."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class SourceTyped:
    """From a source of one of these types."""

    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class SourceOf:
    """From the source whose user this is."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class KeyIs:
    """Known to its source by this id."""

    source_incident_id: str


@dataclass(frozen=True, slots=True)
class HasTag:
    """Has at least one of these tags, each `key=value`."""

    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class TagsAre:
    """Has exactly these tags, each `key=value`, and no others."""

    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class StartedSince:
    """Started then or later."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class StartedUntil:
    """Started then or earlier."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class EndsSince:
    """Ended, or will end, then or later; an open one without end does. Stateless ones never."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class EndsUntil:
    """Ended, or will end, then or earlier. Stateless ones never."""

    moment: datetime


@dataclass(frozen=True, slots=True)
class LastedAtLeast:
    """Is or was open for so long: an open one until now, a closed one until its end. Stateless ones never."""

    duration: timedelta


@dataclass(frozen=True, slots=True)
class IdIn:
    """One of these incidents."""

    ids: frozenset[IncidentId]


@dataclass(frozen=True, slots=True)
class TextHas:
    """Its description, or what one of its later events says, holds this text; case does not matter."""

    text: str


@dataclass(frozen=True, slots=True)
class DescriptionHas:
    """Its description holds this text; case does not matter."""

    text: str


@dataclass(frozen=True, slots=True)
class LaterTextHas:
    """What one of its events says but the first, which is its description, holds this text; case does not matter."""

    text: str


@dataclass(frozen=True, slots=True)
class EventTypeIn:
    """The event is of one of these types, or counts as one of them. It says nothing of an incident alone."""

    types: frozenset[EventType]


Condition: TypeAlias = (
    All
    | Either
    | Not
    | IsOpen
    | IsClosed
    | IsAcked
    | IsStateful
    | HasTicket
    | LevelAtMost
    | SourceIn
    | SourceNamed
    | SourceTyped
    | SourceOf
    | KeyIs
    | HasTag
    | TagsAre
    | StartedSince
    | StartedUntil
    | EndsSince
    | EndsUntil
    | LastedAtLeast
    | IdIn
    | TextHas
    | DescriptionHas
    | LaterTextHas
    | EventTypeIn
)

EVERYTHING = All(())


def tags_match(tags: Iterable[str]) -> Condition:
    """Alternatives for the same key, conjunction between keys (API document, `tags=`)."""
    by_key: dict[str, set[str]] = {}
    for tag in map(trimmed, tags):
        by_key.setdefault(tag.partition("=")[0], set()).add(tag)
    return All(tuple(HasTag(frozenset(group)) for group in by_key.values()))


def trimmed(tag: str) -> str:
    """The tag as incidents have it: nothing blank around key and value."""
    key, delimiter, value = tag.partition("=")
    return f"{key.strip()}{delimiter}{value.strip()}"


def size(condition: Condition) -> int:
    """How many clauses it has."""
    match condition:
        case All(of) | Either(of):
            return 1 + sum(map(size, of))
        case Not(part):
            return 1 + size(part)
        case _:
            return 1


def holds(  # noqa: C901, PLR0911, PLR0912 - one case for each clause
    condition: Condition, incident: Incident, now: datetime, event: Event | None = None, texts: Sequence[str] = ()
) -> bool:
    """
    Whether the condition is true of the incident at that moment, and of the event if one is given.

    `texts` are the descriptions of all its events in order; they need not be loaded unless the condition `reads_texts`.
    """
    match condition:
        case All(of):
            return all(holds(part, incident, now, event, texts) for part in of)
        case Either(of):
            return any(holds(part, incident, now, event, texts) for part in of)
        case Not(part):
            return not holds(part, incident, now, event, texts)
        case IsOpen():
            return incident.is_open(now)
        case IsClosed():
            return incident.stateful and not incident.is_open(now)
        case IsAcked():
            return incident.is_acked(now)
        case IsStateful():
            return incident.stateful
        case HasTicket():
            return incident.ticket_url != ""
        case LevelAtMost(level):
            return incident.level <= level
        case SourceIn(ids):
            return incident.source.id in ids
        case SourceNamed(names):
            return incident.source.name in names
        case SourceTyped(types):
            return incident.source.type in types
        case SourceOf(user_id):
            return incident.source.user_id == user_id
        case KeyIs(key):
            return incident.source_incident_id == key
        case HasTag(tags):
            return any(tag.tag in tags for tag in incident.tags)
        case TagsAre(tags):
            return {tag.tag for tag in incident.tags} == tags
        case StartedSince(moment):
            return incident.start_time >= moment
        case StartedUntil(moment):
            return incident.start_time <= moment
        case EndsSince(moment):
            return incident.stateful and (incident.end_time is None or incident.end_time >= moment)
        case EndsUntil(moment):
            return incident.end_time is not None and incident.end_time <= moment
        case LastedAtLeast(duration):
            until = now if incident.is_open(now) else incident.end_time
            return incident.stateful and until is not None and until - incident.start_time >= duration
        case IdIn(incident_ids):
            return incident.id in incident_ids
        case TextHas(text):
            return _any_has(text, (incident.description, *texts[1:]))
        case DescriptionHas(text):
            return _any_has(text, (incident.description,))
        case LaterTextHas(text):
            return _any_has(text, texts[1:])
        case EventTypeIn(event_types):
            return event is not None and not event_types.isdisjoint(kinds(incident, event))
        case _:
            assert_never(condition)


def _any_has(text: str, texts: Iterable[str]) -> bool:
    wanted = folded(text)
    return any(wanted in folded(told) for told in texts)


def folded(text: str) -> str:
    """The text in lower case, letter by letter: what stores compare too."""
    return "".join(map(str.lower, text.replace("\u0130", "i")))


def reads_texts(condition: Condition) -> bool:
    """Whether the texts of events matter to it."""
    return any(True for _ in texts_in(condition))


def texts_in(condition: Condition) -> Iterator[str]:
    """The texts that it looks for among those of events."""
    match condition:
        case All(of) | Either(of):
            for part in of:
                yield from texts_in(part)
        case Not(part):
            yield from texts_in(part)
        case TextHas(text) | LaterTextHas(text):
            yield text
        case _:
            return


def about_incidents(condition: Condition) -> Condition | None:
    """The condition without what it says of events, for previews; None when nothing is left."""
    match condition:
        case All(of) | Either(of):
            left = tuple(part for part in map(about_incidents, of) if part is not None)
            return type(condition)(left) if left or not of else None
        case Not(part):
            inner = about_incidents(part)
            return None if inner is None else Not(inner)
        case EventTypeIn():
            return None
        case _:
            return condition


@dataclass(frozen=True, slots=True)
class Explanation:
    """A clause, whether it held, the same of its parts, and what is to be said of it beyond that."""

    clause: Condition
    held: bool
    parts: "tuple[Explanation, ...]" = ()
    note: str = ""


def explain(condition: Condition, incident: Incident, now: datetime, event: Event | None = None, texts: Sequence[str] = ()) -> Explanation:
    """Which clauses of the condition hold. The whole holds exactly when `holds` says so."""
    held = holds(condition, incident, now, event, texts)
    match condition:
        case All(of) | Either(of):
            return Explanation(condition, held, tuple(explain(part, incident, now, event, texts) for part in of))
        case Not(part):
            return Explanation(condition, held, (explain(part, incident, now, event, texts),))
        case HasTag(tags) if lame := sorted(tag for tag in tags if "=" not in tag):
            return Explanation(condition, held, note=f"No tag can match {', '.join(lame)}: a tag has the form key=value.")
        case _:
            return Explanation(condition, held)
