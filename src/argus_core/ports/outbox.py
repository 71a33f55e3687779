"""The outbox: what nobody has decided about yet, what waits to be sent, and the ledger of what became of it."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from argus_core.domain.audit import Entry
from argus_core.domain.budgets import Budget
from argus_core.domain.deliveries import Delivery, DeliveryStatus, LaneKey, Order, Report
from argus_core.domain.destinations import Destination
from argus_core.domain.escalation import Heard
from argus_core.domain.flapping import FlapKey, Flaps
from argus_core.domain.ids import DeliveryId, DestinationId, IncidentId, MaintenanceId, UserId
from argus_core.domain.incidents import Happening
from argus_core.domain.roundups import Roundup
from argus_core.domain.transitions import Timer

Note: TypeAlias = Callable[[DeliveryId], Entry]
"""What the audit log is told of a delivery, in the unit of work that changes it."""

NO_FLAPS: Mapping[FlapKey, Flaps] = {}
NO_ROOM: Mapping[str, int] = {}

Place: TypeAlias = tuple[IncidentId, int]
"""An event by its incident and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """An event about which nobody could decide so far: how often that was tried, what came of it last, and when it is tried again."""

    incident_id: IncidentId
    version: int
    failures: int
    reason: str
    due: datetime


class Undecided(Protocol):
    """Some events about which nobody has decided yet, claimed by one unit of work: all of it is decided, or nothing."""

    places: Sequence[Place]
    """Which these are; at most one of each incident, its earliest."""

    async def happenings(self) -> Sequence[Happening]:
        """The events, each with the incident as it was right after it."""
        ...

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        """Of each of these incidents the descriptions of its events, in order, up to the one that is here."""
        ...

    async def told(self, incident_ids: Sequence[IncidentId]) -> AbstractSet[LaneKey]:
        """The lanes of these incidents in which anything was told, or will be; what is kept back counts only once it is in a roundup."""
        ...

    async def heard(self, incident_ids: Sequence[IncidentId]) -> Heard:
        """What each profile told last of these incidents at each destination; what is kept back counts only once it is in a roundup."""
        ...

    async def flaps(self, ended: AbstractSet[FlapKey], opened: AbstractSet[FlapKey]) -> Mapping[FlapKey, Flaps]:
        """
        What is known of these, without those that only opened and of which nothing is known; it does not change until all is decided.
        """
        ...

    async def decide(self, orders: Sequence[Order], timers: Sequence[Timer] = (), flaps: Mapping[FlapKey, Flaps] = NO_FLAPS) -> None:
        """
        Keep the deliveries that follow from all the events, let their lanes be due, and take the events out of the outbox.

        The timers are set with that; one of the same incident, kind and subject is set to the new moment. Kept is also what is known now
        of what flaps.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """
    One message to send: a lane that was claimed, and what goes.

    `deliveries` are oldest first, `happenings` in the same order; those of a test are empty. `destination` is as it is now, None when it
    is gone or its owner is locked out. `failures` are those in a row before this `attempt`; it `repeats` a message that may have arrived.
    What is `damaged` cannot be sent for this reason; its `happenings` are empty. A `roundup` is about incidents as they are now, in place
    of happenings. It was `counted` at that moment, if the budget counts it.
    """

    incident_id: IncidentId | None
    destination_id: DestinationId
    route: str
    attempt: int
    failures: int
    repeats: bool
    deliveries: tuple[Delivery, ...]
    happenings: tuple[Happening, ...]
    destination: Destination | None
    damaged: str = ""
    roundup: Roundup | None = None
    counted: datetime | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether any of it is."""
        return any(delivery.urgent for delivery in self.deliveries)

    @property
    def newest(self) -> Delivery:
        """The delivery that carries the others."""
        return self.deliveries[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """How much a maintenance has kept back so far: deliveries, of which nothing has told `untold`; about how many incidents, from where."""

    deliveries: int = 0
    untold: int = 0
    incidents: int = 0
    destinations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much waits: events to be decided, deliveries to be sent, and for how long the oldest of each has waited."""

    undecided: int = 0
    undecided_for: timedelta = timedelta()
    waiting: int = 0
    waiting_for: timedelta = timedelta()


class Outbox(Protocol):
    """
    Where notifications wait, and the ledger of all that were decided.

    Due times and leases are by the store's own clock. Every method may raise `Unavailable`.
    """

    def claim(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        """
        Claim some events, of each incident only the earliest that is left; nobody else gets them until the block ends.

        Incidents with an event of level 1 that is undecided come before others, as far as their share of all goes (`urgent_share`).

        An event that was put aside is left alone until its time has come, and the later ones of its incident with it.

        What the block has not decided when it ends, or what it ends with an exception, stays in the outbox.
        """
        ...

    def claim_urgent(self, most: int) -> AbstractAsyncContextManager[Undecided]:
        """The same, of incidents with an undecided event of level 1 alone: beside `claim`, so that they wait for no others."""
        ...

    async def put_aside(self, place: Place, why: str) -> None:
        """Let an undecided event wait, and with it the later ones of its incident: for as long as the failures in a row say."""
        ...

    async def aside(self, most: int) -> Sequence[Setback]:
        """Events that were put aside and are still undecided, those of the longest-known incidents first."""
        ...

    async def order_tests(self, orders: Sequence[Order], most: int, within: timedelta) -> Sequence[DeliveryId]:
        """
        Keep test deliveries to destinations of one user, and let their lanes be due at once; however many ask at the same time.

        Raises:
            TooOften: so many tests, or more, to this user were ordered within this time. No test at all is kept.
        """
        ...

    async def kept_back(self) -> AbstractSet[MaintenanceId]:
        """The maintenances that keep deliveries back of which nothing has told yet."""
        ...

    async def is_decided(self, age: timedelta) -> bool:
        """Whether everything was decided about that happened so long ago, but for what was put aside and what waits behind it."""
        ...

    async def round_up(self, maintenance_id: MaintenanceId, title: str, routes: Mapping[DestinationId, str]) -> int:
        """
        Order one roundup for each destination that something was kept back from, and merge that into it; how many roundups that were.

        A roundup waits in a lane of its own. All of it happens, or nothing; what was told once is not told again.
        """
        ...

    async def has_due(self) -> bool:
        """Whether any roundup is due by its hold."""
        ...

    async def round_up_due(self, most: int, routes: Mapping[DestinationId, str]) -> int:
        """
        Order at most so many roundups that are due by their hold, each with all that its keeper keeps back from its destination.

        Gives how many were due. All of it happens, or nothing; what was told once is not told again. What a digest leaves out is dropped,
        and when nothing is left there is no roundup.
        """
        ...

    async def flapping(self, keys: Sequence[FlapKey]) -> AbstractSet[FlapKey]:
        """Which of these flap by the store's clock."""
        ...

    async def routes(self) -> Sequence[str]:
        """The routes of all lanes."""
        ...

    async def take(
        self, free: Mapping[str, int], lease: timedelta, budget: Budget | None = None, spare: Mapping[str, int] = NO_ROOM
    ) -> Sequence[Sending]:
        """
        Claim lanes that are due for so long, of each route at most as many as it has room for, the longest due first.

        Those that are urgent come before others, as far as their share of the room goes (`urgent_share`). Besides, a route in `free` may
        have `spare` room, for them alone.

        What waits in a lane goes as one message, unless an earlier one may have arrived: then that one goes once more.

        With a budget each destination gets what the budget lets go, whoever else takes lanes at the same time; what it holds is kept back.
        What goes is counted before it goes, and no longer if it was let go again or has certainly not arrived.
        """
        ...

    async def finish(self, sending: Sending, report: Report) -> bool:
        """
        Note what came of a send, and let the lane go; false, and nothing but the attempt noted, when the lease has passed to somebody else.

        After a failure the lane is due again when the report says, or sooner for what has come meanwhile.
        """
        ...

    async def release(self, sendings: Sequence[Sending]) -> None:
        """Let lanes go in which nothing was tried."""
        ...

    async def drop(self, delivery_ids: Sequence[DeliveryId], why: str, note: Note | None = None) -> Sequence[DeliveryId]:
        """Take waiting deliveries away which nobody is sending, and note each; gives those that are gone now."""
        ...

    async def retry(
        self, delivery_ids: Sequence[DeliveryId], routes: Mapping[DestinationId, str], note: Note | None = None
    ) -> Sequence[DeliveryId]:
        """
        Let deliveries wait again that were given up or dropped, and those that wait be due at once; gives those that wait now, each noted.
        """
        ...

    async def give_up(self, after: timedelta, why: Mapping[str, str]) -> int:
        """
        Give up what has waited for so long and is not being sent; how many that were.

        The reason is what `why` says of the route, else the answer to the last attempt.
        """
        ...

    async def of_incident(self, incident_id: IncidentId, owner: UserId | None = None) -> Sequence[Delivery]:
        """The deliveries of an incident, to this owner or to everybody, newest first, with their attempts."""
        ...

    async def listed(
        self,
        status: DeliveryStatus | None = None,
        owner: UserId | None = None,
        most: int = 100,
        before: DeliveryId | None = None,
        incident_id: IncidentId | None = None,
        *,
        maintenance_id: MaintenanceId | None = None,
    ) -> Sequence[Delivery]:
        """
        Deliveries, newest first, with their attempts: of this status, of this owner, before that one, about this incident.

        Those of a maintenance are what it has kept back, and the roundups that told it.
        """
        ...

    async def withheld(self, maintenance_id: MaintenanceId, owner: UserId | None = None) -> Withheld:
        """How much a maintenance has kept back from this owner, or from everybody."""
        ...

    async def happened(self, since: datetime, most: int) -> Sequence[Happening]:
        """The newest events that were received then or later, newest first, each with the incident as it was right after it."""
        ...

    async def texts(self, incident_ids: Sequence[IncidentId]) -> Mapping[IncidentId, Sequence[str]]:
        """Of each of these incidents the descriptions of all its events, in order of version."""
        ...

    async def backlog(self) -> Backlog:
        """How much waits."""
        ...

    async def prune(self, older_than: timedelta, most: int, *, dry_run: bool = False) -> int:
        """
        Forget at most so many deliveries that were finished so long ago, with their attempts; how many that were (or would be).

        What has not flapped for a long time is forgotten, too.
        """
        ...
