"""The journal: where incidents and their events are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Generic, NamedTuple, Protocol, TypeAlias, TypeVar, assert_never

from argus_core.domain.errors import DomainError
from argus_core.domain.filters import Condition
from argus_core.domain.ids import EventId, IncidentId, SourceId, TokenId, UserId
from argus_core.domain.incidents import FOREVER, Event, EventType, Incident
from argus_core.domain.limits import Json
from argus_core.domain.transitions import Change, EventIds, Timer

_Row = TypeVar("_Row")


class Appended(Enum):
    """What became of a change."""

    STORED = auto()
    CONFLICT = auto()
    """The incident no longer has the version that the change was decided on (or never existed)."""
    DUPLICATE_KEY = auto()
    """The source has another incident with this source_incident_id."""
    UNAUTHENTICATED = auto()
    """The token that warrants the change is no longer live."""


class IncidentRow(NamedTuple):
    """An incident as lists need it, flat: the columns in the order stores give them, nothing computed but `acked_until`."""

    id: IncidentId
    version: int
    start_time: datetime
    end_time: datetime | None
    stateful: bool
    source_id: SourceId
    source_name: str
    source_type: str
    source_user_id: UserId
    source_base_url: str
    source_incident_id: str
    details_url: str
    description: str
    level: int
    ticket_url: str
    metadata: Json
    tags: Sequence[str]
    tags_by: Sequence[UserId]
    tags_at: Sequence[datetime]
    acked_until: datetime | None


class EventRow(NamedTuple):
    """An event as lists need it."""

    id: EventId
    incident_id: IncidentId
    actor_id: UserId
    username: str
    timestamp: datetime
    received: datetime
    type: EventType
    description: str


class AckRow(NamedTuple):
    """An acknowledgement as lists need it: its event, and until when it holds."""

    event: EventRow
    expiration: datetime | None


def incident_row(incident: Incident) -> IncidentRow:
    """The incident, flat."""
    source = incident.source
    return IncidentRow(
        incident.id,
        incident.version,
        incident.start_time,
        incident.end_time,
        incident.stateful,
        source.id,
        source.name,
        source.type,
        source.user_id,
        source.base_url,
        incident.source_incident_id,
        incident.details_url,
        incident.description,
        incident.level,
        incident.ticket_url,
        incident.metadata,
        [tag.tag for tag in incident.tags],
        [tag.added_by for tag in incident.tags],
        [tag.added_time for tag in incident.tags],
        incident.acked_until,
    )


def event_row(event: Event) -> EventRow:
    """
    The event, flat.

    Raises:
        ValueError: it is an internal one, which lists do not show.
    """
    if event.actor is None:
        raise ValueError(f"Event {event.id} is internal and never listed.")
    actor = event.actor
    return EventRow(event.id, event.incident_id, actor.id, actor.username, event.timestamp, event.received, event.type, event.description)


Rank: TypeAlias = datetime | int | None
"""What an incident is sorted by before its start and id: its end, how bad it is, or nothing."""


class By(Enum):
    """What lists are sorted by; incidents that are alike in this are sorted by start, and then by id."""

    START = auto()
    END = auto()
    """One without an end ends later than any other."""
    LEVEL = auto()
    """The worse, the greater."""

    def rank(self, incident: "IncidentRow | Incident") -> Rank:
        """Where in such a list the incident has its place."""
        match self:
            case By.START:
                return None
            case By.END:
                return incident.end_time or FOREVER
            case By.LEVEL:
                return -incident.level
            case _:
                assert_never(self)

    def place(self, incident: "IncidentRow | Incident", *, backwards: bool = False) -> "Position":
        """The place after (or before) this incident."""
        return Position(incident.start_time, incident.id, backwards, self.rank(incident))


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: the greatest first (the newest, the one that ends last, the worst); `reverse` is the smallest first."""

    by: By = By.START
    reverse: bool = False


NEWEST = Order()


@dataclass(frozen=True, slots=True)
class Position:
    """A place between the rows of a list: after (or `backwards`: before) the incident with this start, this id and this rank."""

    start_time: datetime
    id: IncidentId
    backwards: bool = False
    rank: Rank = None


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """Some rows of a list, and where its neighbours begin; None when there is nothing there."""

    rows: Sequence[_Row]
    next: Position | None
    previous: Position | None


Decide: TypeAlias = Callable[[Incident, datetime, EventIds], Change]
"""Decides on an incident at a moment. It is called again when somebody was faster, so it must be pure but for taking ids."""


class Incidents(Protocol):
    """
    The journal of all incidents.

    A store promises: a change is stored whole (incident, events, acknowledgements, timers, one outbox row for each event) or not at all;
    only when the incident still has the expected version; and once, even when the way to the store breaks in between.
    `warrant` is the token on whose behalf a change is made: it and its user must be live at the moment of storing.
    Every method may raise `Unavailable`.
    """

    async def incident_ids(self, count: int) -> Sequence[IncidentId]:
        """Take so many ids for new incidents; none is ever given twice."""
        ...

    async def event_ids(self, count: int) -> EventIds:
        """An iterator over at least `count` new event ids; those not taken from it before the next `await` may go to others."""
        ...

    async def get(self, incident_id: IncidentId) -> Incident:
        """
        The incident as it is now.

        Raises:
            NotFound: there is none with this id.
        """
        ...

    async def append(self, change: Change, *, warrant: TokenId | None = None) -> Appended:
        """
        Store one change if the incident still has the version it was decided on; a change without events is stored already.

        Raises:
            TooOften: more of its source wait to be stored than the store takes.
        """
        ...

    async def append_each(
        self, incident_ids: Sequence[IncidentId], decide: Decide, clock: Callable[[], datetime], *, warrant: TokenId | None = None
    ) -> Sequence[Change | DomainError | None]:
        """
        Lock these incidents in id order, decide on each, store what was decided; for each id, in the order given: the change, the
        `DomainError` its decision raised, or None where no such incident exists.

        What is refused for one incident leaves the others alone. `clock` is asked after the locks are held.
        At most 1,000 are locked at once; more go in several chunks, each atomic.

        Raises:
            Unauthenticated: the warrant is not live; nothing of the chunk was stored.
        """
        ...

    async def row(self, incident_id: IncidentId) -> IncidentRow:
        """
        The incident as it is now, flat.

        Raises:
            NotFound: there is none with this id.
        """
        ...

    async def page(
        self, condition: Condition, now: datetime, size: int, position: Position | None = None, order: Order = NEWEST
    ) -> Page[IncidentRow]:
        """
        At most `size` incidents for which the condition holds, in this order, from `position` on.

        Usually the newest start comes first, then the highest id. A position is one of a list in the same order.
        """
        ...

    async def count(self, condition: Condition, now: datetime, most: int | None = None) -> int:
        """For how many incidents the condition holds; nobody counts further than to `most`, if that is given."""
        ...

    async def journal(self, incident_id: IncidentId) -> Sequence[Event]:
        """Every event of the incident in version order, internal ones too; empty when there is no such incident."""
        ...

    async def events(self, incident_id: IncidentId) -> Sequence[EventRow]:
        """
        The events that may be listed, newest timestamp first, then highest id.

        Raises:
            NotFound: there is no such incident.
        """
        ...

    async def event(self, incident_id: IncidentId, event_id: EventId) -> EventRow:
        """
        One event that may be listed.

        Raises:
            NotFound: the incident has none with this id.
        """
        ...

    async def acks(self, incident_id: IncidentId) -> Sequence[AckRow]:
        """
        All acknowledgements, newest timestamp first, then highest id.

        Raises:
            NotFound: there is no such incident.
        """
        ...

    async def ack(self, incident_id: IncidentId, ack_id: EventId) -> AckRow:
        """
        One acknowledgement.

        Raises:
            NotFound: the incident has none with this id.
        """
        ...

    async def due_timers(self, now: datetime, most: int) -> Sequence[Timer]:
        """
        Some timers that are due, earliest first.

        They stay until `forget` takes them; taking care of one twice is harmless, because the domain confirms it.
        """
        ...

    async def forget(self, timers: Sequence[Timer]) -> None:
        """Take these timers away, unless they have been set to another moment meanwhile."""
        ...
