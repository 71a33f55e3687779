"""
Deliveries: the way of each notification to one destination, and the lanes in which they wait.

A lane is one incident and one destination, with one send in flight. When it is due, all that waits in it goes as one message about the
newest state, and the earlier ones are merged into the newest. A failing one is tried again and given up after a while; that never keeps
back what comes later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from math import ceil
from typing import TypeAlias

from argus_core.domain.decisions import Told
from argus_core.domain.errors import TooOften
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import DeliveryId, DestinationId, EventId, IncidentId, MaintenanceId, ProfileId, UserId
from argus_core.domain.incidents import EventType

PAUSES = (timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(minutes=30))
"""So long after so many failures in a row it is tried again; the last one stays."""

SPREAD = 0.2
"""Each pause is so much shorter or longer by chance, so that what failed together is not repeated together."""

SWITCHED_OFF = "Notifications are switched off (ARGUS_SEND_NOTIFICATIONS)."

TESTS = 0
"""Stands for the incident in the lanes of tests; in that of a roundup its own number with a minus does."""

LaneKey: TypeAlias = tuple[int, DestinationId]
"""Which lane it is: what it is about, and where that goes."""

AT_MOST_EVERY = timedelta(minutes=1)
"""A new event makes a lane that waits due at once, but not more often than this."""


class DeliveryStatus(Enum):
    """What has become of a delivery."""

    WAITING = "waiting"
    SENT = "sent"
    MERGED = "merged"
    """A later message to the same destination told it too: the one it was merged into."""
    GIVEN_UP = "given-up"
    DROPPED = "dropped"
    """An operator, or the loss of its destination, has taken it away."""
    OFF = "off"
    """Sending was switched off when it was decided."""
    SUPPRESSED = "suppressed"
    """Something has kept it back, see `holds`: a roundup tells it later, the one it was merged into."""


RETRIED = frozenset({DeliveryStatus.WAITING, DeliveryStatus.GIVEN_UP, DeliveryStatus.DROPPED, DeliveryStatus.OFF})
"""What an operator may let be tried again."""


class Outcome(Enum):
    """What has become of one attempt."""

    SENT = "sent"
    FAILED = "failed"
    """It may work later."""
    REFUSED = "refused"
    """It never will."""
    UNKNOWN = "unknown"
    """It may have arrived; the same message goes once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to send a delivery: when it ended, what came of it, what the provider answered, and how many seconds it took."""

    number: int
    at: datetime
    outcome: Outcome
    answer: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Asking:
    """A profile that asked for a delivery, by the name that it had then."""

    id: ProfileId
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """
    One event on its way to one destination; a row of the ledger, which outlives profiles and destinations.

    A test has neither incident nor event. Neither has a roundup, which tells what others were merged into it for; it has a `title`.
    `keeper` and `subject` are what kept it back, or what the roundup is about. `address` is what the destination was called, without
    secrets. `since` is when it began to wait: when it was `created`, or told to wait again. It is `urgent` when the incident was of
    level 1. `event_type` is known where the ledger is read.
    """

    id: DeliveryId
    incident_id: IncidentId | None
    event_id: EventId | None
    version: int
    destination_id: DestinationId
    owner: UserId
    medium: str
    address: str
    profiles: tuple[Asking, ...]
    created: datetime
    since: datetime
    status: DeliveryStatus = DeliveryStatus.WAITING
    reason: str = ""
    merged_into: DeliveryId | None = None
    finished: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    keeper: Keeper | None = None
    subject: int = 0
    title: str = ""
    urgent: bool = False
    event_type: EventType | None = None

    @property
    def maintenance_id(self) -> MaintenanceId | None:
        """The planned maintenance that kept it back, or that the roundup is about."""
        return MaintenanceId(self.subject) if self.keeper is Keeper.MAINTENANCE else None

    @property
    def is_roundup(self) -> bool:
        """Whether it tells of what was kept back."""
        return bool(self.title)

    @property
    def lane(self) -> LaneKey:
        """Where it waits; a roundup has a lane of its own."""
        return -self.id if self.is_roundup else self.incident_id or TESTS, self.destination_id

    @property
    def is_kept_back(self) -> bool:
        """Whether nothing has told it, and something will."""
        return self.status is DeliveryStatus.SUPPRESSED and self.merged_into is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """
    A delivery to be: whom an event shall be told, and where that leads.

    `route` is the medium and the provider's host, `email:smtp.example.org:587`: those who share one wait for each other. A test has no
    incident. `status` is WAITING or OFF, or with a `hold` that keeps it back SUPPRESSED. It is `urgent` when the incident is of level 1.
    """

    incident_id: IncidentId | None
    event_id: EventId | None
    version: int
    told: Told
    address: str
    route: str
    status: DeliveryStatus = DeliveryStatus.WAITING
    urgent: bool = False
    hold: Hold | None = None

    @property
    def reason(self) -> str:
        """Why it does not wait to be sent."""
        if self.hold is not None:
            return self.hold.reason
        return SWITCHED_OFF if self.status is DeliveryStatus.OFF else ""

    def kept_back(self, hold: Hold) -> "Order":
        """The same, kept back."""
        return replace(self, status=DeliveryStatus.SUPPRESSED, hold=hold)

    @property
    def lane(self) -> LaneKey:
        """Where it waits."""
        return self.incident_id or TESTS, self.told.destination.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a send: `again` is how long to wait when it goes once more."""

    outcome: Outcome
    answer: str
    seconds: float
    again: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """
    Where the deliveries of one incident to one destination wait.

    It may be claimed when it is `due` and its lease has run out. `attempt` counts the claims, and tells a late answer from the present one;
    `failures` those in a row that did not succeed. `upto` is the newest delivery of a message that may be under way or may have arrived:
    until that is known, the next claim is for the same message. It is `urgent` as long as it lasts once anything urgent was in it.
    """

    due: datetime
    leased_until: datetime
    tried: datetime
    attempt: int = 0
    failures: int = 0
    upto: DeliveryId | None = None
    urgent: bool = False

    def heard(self, now: datetime, *, urgent: bool = False) -> "Lane":
        """After a new event: due at once, unless it has just been tried."""
        return replace(self, due=min(self.due, max(now, self.tried + AT_MOST_EVERY)), urgent=self.urgent or urgent)

    def may_be_claimed(self, now: datetime) -> bool:
        """Whether it is due, and nobody is at it."""
        return self.due <= now and self.leased_until <= now

    def claimed(self, newest: DeliveryId, now: datetime, lease: timedelta) -> "Lane":
        """While somebody is at it; `newest` is the newest delivery that waits."""
        return replace(self, attempt=self.attempt + 1, leased_until=now + lease, tried=now, upto=self.upto or newest)

    def released(self, now: datetime, *, repeats: bool) -> "Lane":
        """After nothing was tried; `repeats` says that it was for a message that may have arrived earlier."""
        return replace(self, leased_until=now, upto=self.upto if repeats else None)

    def put_off(self, due: datetime) -> "Lane":
        """While there is no room for it."""
        return replace(self, due=due)

    def cleared(self) -> "Lane":
        """After something was taken out of it."""
        return replace(self, upto=None)

    def succeeded(self, now: datetime) -> "Lane":
        """After a message has arrived, or never will: what has come meanwhile is due."""
        return replace(self, leased_until=now, failures=0, upto=None, due=now)

    def failed(self, now: datetime, again: timedelta, *, unknown: bool) -> "Lane":
        """After an attempt that was not the last."""
        return replace(self, leased_until=now, failures=self.failures + 1, upto=self.upto if unknown else None, due=now + again)


def first_lane(now: datetime) -> Lane:
    """A lane in which nothing was tried yet."""
    return Lane(due=now, leased_until=now, tried=now - AT_MOST_EVERY)


def urgent_share(room: int) -> int:
    """
    How much of the room what is urgent may take before the rest: all but a quarter, rounded up, which is the rest's.

    So a storm holds up nothing urgent, and a storm of what is urgent does not hold up everything else. Room for one is for what is urgent.
    """
    return room - min(room - 1, (room + 3) // 4) if room > 0 else 0


def pause_after(failures: int, chance: float) -> timedelta:
    """How long to wait after the last of so many failures in a row; `chance` is from 0 to 1."""
    return patience_after(failures) * (1 - SPREAD + 2 * SPREAD * chance)


def patience_after(failures: int) -> timedelta:
    """How long an event waits about which nobody could decide so many times: nobody else is asked, so chance has no part in it."""
    return PAUSES[min(failures, len(PAUSES)) - 1]


def too_many_tests(most: int, within: timedelta, after: timedelta) -> TooOften:
    """Why no test is sent now, and what to do about it."""
    minutes, seconds = round(within.total_seconds() / 60), ceil(after.total_seconds())
    return TooOften(f"You have ordered {most} test messages or more within {minutes} minutes. Try again in {seconds} seconds.", after)


def settled(deliveries: Sequence[Delivery], report: Report, at: datetime) -> tuple[Delivery, ...]:
    """
    The deliveries of one message, oldest first, after it was sent, or refused for good: the earlier ones are merged into the newest.

    Raises:
        ValueError: the outcome is not final.
    """
    match report.outcome:
        case Outcome.SENT:
            status, reason = DeliveryStatus.SENT, ""
        case Outcome.REFUSED:
            status, reason = DeliveryStatus.GIVEN_UP, report.answer
        case _:
            raise ValueError(f"After {report.outcome} it goes on.")
    *earlier, newest = deliveries
    merged = (
        replace(delivery, status=DeliveryStatus.MERGED, merged_into=newest.id, finished=at, reason="A later message told it too.")
        for delivery in earlier
    )
    return (*merged, replace(newest, status=status, reason=reason, finished=at))


def rounded_up(id_: DeliveryId, kept: Sequence[Delivery], title: str, now: datetime) -> Delivery:
    """The roundup of what was kept back from one destination, in id order; it is asked for by all who asked for any of that."""
    newest = kept[-1]
    asking = {profile.id: profile for delivery in kept for profile in delivery.profiles}
    return Delivery(
        id=id_,
        incident_id=None,
        event_id=None,
        version=0,
        destination_id=newest.destination_id,
        owner=newest.owner,
        medium=newest.medium,
        address=newest.address,
        profiles=tuple(profile for _, profile in sorted(asking.items())),
        created=now,
        since=now,
        keeper=newest.keeper,
        subject=newest.subject,
        title=title,
    )
