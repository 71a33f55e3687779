"""Incidents, their events and acknowledgements: values and questions. Changes are in `transitions`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, IntEnum
from typing import Generic, TypeVar

from argus_core.domain.actors import Person
from argus_core.domain.ids import EventId, IncidentId, SourceId
from argus_core.domain.limits import Json
from argus_core.domain.sources import Source
from argus_core.domain.tags import TagOn

FOREVER = datetime.max.replace(tzinfo=UTC)
"""When an acknowledgement without expiration ends. It lies beyond every time that can be stored otherwise."""

_T = TypeVar("_T")


class Level(IntEnum):
    """How bad it is; smaller is worse."""

    CRITICAL = 1
    HIGH = 2
    MODERATE = 3
    LOW = 4
    INFORMATION = 5


class EventType(Enum):
    """What can happen to an incident. The last three are internal: the journal has them, API v1 and v2 do not list them."""

    START = "STA"
    END = "END"
    CHANGE = "CHI"
    CLOSE = "CLO"
    REOPEN = "REO"
    ACKNOWLEDGE = "ACK"
    OTHER = "OTH"
    STATELESS = "LES"
    END_REACHED = "end-reached"
    ACK_EXPIRED = "ack-expired"
    ESCALATION_DUE = "escalation-due"

    @property
    def internal(self) -> bool:
        """Whether Argus itself caused it by the passing of time."""
        return self in (EventType.END_REACHED, EventType.ACK_EXPIRED, EventType.ESCALATION_DUE)


ENDS = frozenset({EventType.END, EventType.CLOSE, EventType.END_REACHED})
"""What may end an incident."""


class Until(Enum):
    """What ends an acknowledgement besides its expiration."""

    LEVEL_RISES = "level-rises"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """
    Somebody has taken notice, until `expiration` or for good. Its id is that of its ACK event.

    It ends earlier with what it is made `until`: when the incident gets worse than the `level` that it had then, or is resolved.
    """

    id: EventId
    expiration: datetime | None
    until: Until | None = None
    level: Level | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expiration is None or self.expiration > now


@dataclass(frozen=True, slots=True)
class Replaced(Generic[_T]):
    """The whole old and the whole new value of a field."""

    old: _T
    new: _T


@dataclass(frozen=True, slots=True)
class AckChange:
    """
    An acknowledgement was made (`made`), its expiration moved from `old` to `new` (None is never), or it ran out (both are the same).

    `until` and `level`, as it has them, are said when it is made or moved.
    """

    id: EventId
    old: datetime | None
    new: datetime | None
    made: bool
    until: Until | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """An incident had been open and unacknowledged for so long (`after`): since then, and since the event of this version (`begun`)."""

    after: timedelta
    begun: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial:
    """What an incident was like when it was reported."""

    source_id: SourceId
    source_incident_id: str
    start_time: datetime
    end_time: datetime | None
    stateful: bool
    level: Level
    description: str
    details_url: str
    ticket_url: str
    metadata: Json = field(hash=False)
    tags: tuple[TagOn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """
    What one event changed; whatever is None or empty stayed as it was.

    `initial` is set in the first event only. `ended` says that the source reported the end, which it can do once with effect.
    `acks_ended` are those that were made until this happens. An `escalation` changes nothing; the event says what is due.
    """

    initial: Initial | None = None
    end_time: Replaced[datetime | None] | None = None
    level: Replaced[Level] | None = None
    description: Replaced[str] | None = None
    details_url: Replaced[str] | None = None
    ticket_url: Replaced[str] | None = None
    metadata: Replaced[Json] | None = field(default=None, hash=False)
    tags_added: tuple[TagOn, ...] = ()
    tags_removed: tuple[TagOn, ...] = ()
    ack: AckChange | None = None
    acks_ended: tuple[AckChange, ...] = ()
    escalation: Escalation | None = None
    ended: bool = False

    @property
    def ack_changes(self) -> tuple[AckChange, ...]:
        """All that it changes of acknowledgements."""
        return self.acks_ended if self.ack is None else (self.ack, *self.acks_ended)


NOTHING = Changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    Something that happened to an incident; never changed or deleted.

    `version` is its place in the incident's journal, from 1 without gaps. `timestamp` is when it is said to have happened, `received` when
    Argus heard of it; only the latter never decreases. `actor` is None when Argus itself caused it. Without `effect` it is merely recorded.
    """

    id: EventId
    incident_id: IncidentId
    version: int
    type: EventType
    actor: Person | None
    timestamp: datetime
    received: datetime
    description: str = ""
    effect: bool = True
    changes: Changes = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """
    An unplanned interruption in a source system, as it is after `version` events.

    A stateful incident without `end_time` is open; one with an end in the future is still open. A stateless one is a moment and never open.
    `received` is when Argus heard of the latest event, `ended` whether the source has reported an end.
    """

    id: IncidentId
    version: int
    source: Source
    source_incident_id: str = ""
    start_time: datetime
    end_time: datetime | None = None
    stateful: bool = True
    level: Level = Level.INFORMATION
    description: str = ""
    details_url: str = ""
    ticket_url: str = ""
    metadata: Json = field(default_factory=dict, hash=False)
    tags: tuple[TagOn, ...] = ()
    acks: tuple[Acknowledgement, ...] = ()
    ended: bool = False
    received: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether it has an end that has not been reached."""
        return self.stateful and (self.end_time is None or self.end_time > now)

    def is_acked(self, now: datetime) -> bool:
        """Whether at least one acknowledgement has not expired."""
        return self.acked_until is not None and self.acked_until > now

    @property
    def acked_until(self) -> datetime | None:
        """The greatest expiration of all acknowledgements: `FOREVER` if one never expires, None if there is none."""
        return max((ack.expiration or FOREVER for ack in self.acks), default=None)

    def ack(self, ack_id: EventId) -> Acknowledgement | None:
        """The acknowledgement with that id."""
        return next((ack for ack in self.acks if ack.id == ack_id), None)

    def after(self, event: Event) -> "Incident":
        """
        The incident as the event leaves it: the only way an incident changes.

        Raises:
            ValueError: the event is not the next one of this incident.
        """
        if event.incident_id != self.id or event.version != self.version + 1 or event.changes.initial:
            raise ValueError(f"Event {event.id} is not the next one of incident {self.id}.")
        changed = event.changes
        if changed is NOTHING:
            return replace(self, version=event.version, received=event.received)
        return replace(
            self,
            version=event.version,
            received=event.received,
            end_time=_new(changed.end_time, self.end_time),
            level=_new(changed.level, self.level),
            description=_new(changed.description, self.description),
            details_url=_new(changed.details_url, self.details_url),
            ticket_url=_new(changed.ticket_url, self.ticket_url),
            metadata=_new(changed.metadata, self.metadata),
            tags=_tags_after(self.tags, changed),
            acks=_acks_after(self.acks, changed),
            ended=self.ended or changed.ended,
        )


def born(event: Event, source: Source) -> Incident:
    """
    The incident as its first event describes it. The journal knows only the source's id: a name may change.

    Raises:
        ValueError: this is no first event, or not of that source.
    """
    initial = event.changes.initial
    if initial is None or event.version != 1 or initial.source_id != source.id:
        raise ValueError(f"Event {event.id} does not begin an incident of source {source.id}.")
    return Incident(
        id=event.incident_id,
        version=1,
        source=source,
        source_incident_id=initial.source_incident_id,
        start_time=initial.start_time,
        end_time=initial.end_time,
        stateful=initial.stateful,
        level=initial.level,
        description=initial.description,
        details_url=initial.details_url,
        ticket_url=initial.ticket_url,
        metadata=initial.metadata,
        tags=initial.tags,
        received=event.received,
    )


def fold(events: Iterable[Event], source: Source) -> Incident:
    """
    The state that a journal, in version order, leads to.

    Raises:
        ValueError: it is empty, does not begin with the first event, or has a gap.
    """
    journal = iter(events)
    first = next(journal, None)
    if first is None:
        raise ValueError("An empty journal describes no incident.")
    incident = born(first, source)
    for event in journal:
        incident = incident.after(event)
    return incident


def as_of(events: Iterable[Event], source: Source, moment: datetime) -> Incident | None:
    """The state as Argus knew it at that moment, or None when it had not heard of the incident yet."""
    known = [event for event in events if event.received <= moment]
    return fold(known, source) if known else None


def rewound(incident: Incident, later: Sequence[Event], to: Event) -> Incident:
    """
    The incident as it was right after the event `to`: what `later` events changed, oldest first, is taken back.

    It is what the journal up to `to` folds to, but for the order of tags: where a removed one stood is not kept.

    Raises:
        ValueError: the events are not those that lead from there to here.
    """
    if [event.version for event in later] != list(range(to.version + 1, incident.version + 1)):
        raise ValueError(f"These are not the events of incident {incident.id} after version {to.version}.")
    for event in reversed(later):
        incident = _before(incident, event)
    return replace(incident, version=to.version, received=to.received)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event, and the incident as it was right after it."""

    incident: Incident
    event: Event


def _before(incident: Incident, event: Event) -> Incident:
    changed = event.changes
    if changed is NOTHING:
        return incident
    return replace(
        incident,
        end_time=_old(changed.end_time, incident.end_time),
        level=_old(changed.level, incident.level),
        description=_old(changed.description, incident.description),
        details_url=_old(changed.details_url, incident.details_url),
        ticket_url=_old(changed.ticket_url, incident.ticket_url),
        metadata=_old(changed.metadata, incident.metadata),
        tags=(*(tag for tag in incident.tags if tag not in changed.tags_added), *changed.tags_removed),
        acks=_acks_before(incident.acks, changed),
        ended=incident.ended and not changed.ended,
    )


def _new(change: Replaced[_T] | None, present: _T) -> _T:
    return present if change is None else change.new


def _old(change: Replaced[_T] | None, present: _T) -> _T:
    return present if change is None else change.old


def _acks_before(acks: tuple[Acknowledgement, ...], changed: Changes) -> tuple[Acknowledgement, ...]:
    for change in reversed(changed.ack_changes):
        if change.made:
            acks = tuple(ack for ack in acks if ack.id != change.id)
        else:
            acks = tuple(replace(ack, expiration=change.old) if ack.id == change.id else ack for ack in acks)
    return acks


def _tags_after(tags: tuple[TagOn, ...], changed: Changes) -> tuple[TagOn, ...]:
    if not (changed.tags_added or changed.tags_removed):
        return tags
    return (*(tag for tag in tags if tag not in changed.tags_removed), *changed.tags_added)


def _acks_after(acks: tuple[Acknowledgement, ...], changed: Changes) -> tuple[Acknowledgement, ...]:
    for change in changed.ack_changes:
        if change.made:
            acks = (*acks, Acknowledgement(change.id, change.new, change.until, change.level))
        else:
            acks = tuple(replace(ack, expiration=change.new) if ack.id == change.id else ack for ack in acks)
    return acks
