"""Send what is due: lanes are taken, messages written, media asked, and what came of it is kept."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf

from argus_core.domain.breakers import Breaker
from argus_core.domain.budgets import Budget
from argus_core.domain.deliveries import SWITCHED_OFF, Outcome, Report, pause_after
from argus_core.domain.errors import Unavailable, said
from argus_core.domain.ids import IncidentId, SourceId, UserId
from argus_core.domain.incidents import Incident, Level
from argus_core.domain.limits import storable
from argus_core.domain.notifications import Notification, asked_by, compose
from argus_core.domain.roundups import compose_roundup
from argus_core.domain.sources import Source
from argus_core.ports.about import work_on
from argus_core.ports.media import Media, Medium, PerhapsDelivered, Settings, TryLater, Undeliverable, staff_only
from argus_core.ports.outbox import Outbox, Sending
from argus_core.usecases.slots import Slots

LEASE = timedelta(minutes=2)
"""So long nobody else touches a lane that was taken."""

SLOTS, KEPT = 8, 1
"""So many sends to one provider are under way at once; the last so many slots are kept for what is urgent."""

SPARE = 8
"""So many urgent lanes of a provider may be taken when there is no room for others."""

AHEAD = 0.25
"""So much work is taken beforehand, in seconds as sending went lately, so that nobody waits for the store between two messages."""

FEWEST, MOST = 2 * SLOTS, 128
"""So many lanes of a provider are taken at least, and at most."""

SHORTEST = 0.001
FINISH_PAUSE = 1.0

LONGEST_AFTER = 86_400.0
"""A provider may ask to be left alone for so many seconds."""

MOST_ANSWER = 1_000
"""So many characters of what a provider answers are kept."""

GONE = "The destination is gone, or its owner is locked out."
NOTHING_LEFT = "Nothing of what it tells can be read: it is gone, or damaged."
NOT_STAFF = "The destination is for staff only, and its owner is not of the staff any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What messages are written with: the zone of their times, and the address that links lead to, if any."""

    zone: str = "UTC"
    frontend: str = ""


@dataclass(slots=True, eq=False)
class _Route:
    """A provider: who is under way, and whether it answers at all."""

    slots: Slots = field(default_factory=lambda: Slots(SLOTS, KEPT))
    taken: int = 0
    urgent: int = 0
    """So many of those that are taken are."""
    breaker: Breaker = field(default_factory=Breaker)
    pace: float = SLOTS * AHEAD / FEWEST
    """How many seconds a send takes lately."""

    @property
    def room(self) -> int:
        """How many lanes may be taken now. They are taken by the handful: the store is not asked after every message."""
        if not self.breaker.is_closed:
            return max(1 - self.taken, 0)
        most = max(FEWEST, min(MOST, round(SLOTS * AHEAD / self.pace)))
        return most - self.taken if 2 * self.taken <= most else 0

    @property
    def spare(self) -> int:
        """How many urgent lanes may be taken besides: they do not wait until others have made room."""
        return max(SPARE - self.urgent, 0) if self.breaker.is_closed else 0

    def take(self, sending: Sending, count: int) -> None:
        """One more was taken, or one less."""
        self.taken += count
        self.urgent += count if sending.is_urgent else 0

    def note(self, seconds: float, *, works: bool, now: float) -> None:
        """Learn from a send how the provider does."""
        self.pace += (max(seconds, SHORTEST) - self.pace) / SLOTS
        self.breaker = self.breaker.after(worked=works, now=now)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of an attempt, and whether the provider works, if it was asked at all; `after` seconds it wants to be asked again."""

    outcome: Outcome
    answer: str = ""
    after: float | None = None
    works: bool | None = False


async def nobody(_: UserId) -> bool:
    """Whether somebody is of the staff, when there is no staff."""
    return False


class Sender:
    """
    Sends what is due through the media, some at once; what is slow or broken at one provider holds up nobody at another.

    `seconds` is a clock that only goes forward, `chance` gives numbers from 0 to 1, `administers` says whether a user may have
    what is for staff. What is above the `budget` of a destination is kept back.
    """

    def __init__(
        self,
        outbox: Outbox,
        media: Media,
        letterhead: Letterhead,
        *,
        seconds: Callable[[], float],
        chance: Callable[[], float],
        sends: bool = True,
        lease: timedelta = LEASE,
        budget: Budget | None = None,
        administers: Callable[[UserId], Awaitable[bool]] = nobody,
    ) -> None:
        self._outbox, self._media, self._letterhead = outbox, media, letterhead
        self._seconds, self._chance, self._sends, self._lease = seconds, chance, sends, lease
        self._budget, self._administers = budget, administers
        self._routes: dict[str, _Route] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.freed: Callable[[], None] = lambda: None
        """Called whenever there is room again."""
        self.attempted: Callable[[str, Outcome], None] = lambda _, __: None
        """Hears of each attempt: the medium, and what came of it."""

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._tasks)

    async def start(self) -> int:
        """
        Take what is due and there is room for, and begin to send it; how many that were.

        Raises:
            Unavailable: nothing new was begun.
        """
        if not self._sends:
            return 0
        free = self._free(await self._outbox.routes())
        spare = {name: self._routes[name].spare for name in free}
        sendings = await self._outbox.take(free, self._lease, self._budget, spare) if free else ()
        until = self._seconds() + self._lease.total_seconds()
        for sending in sorted(sendings, key=lambda one: not one.is_urgent):
            route = self._routes[sending.route]
            route.take(sending, 1)
            task = asyncio.create_task(self._send(sending, route, until))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(sendings)

    async def one_done(self, patience: float) -> None:
        """Wait until one of those under way is done, but not longer than so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self, patience: float) -> None:
        """Begin nothing any more: what waits for a slot goes back, what is being sent may take so many seconds."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def give_up(self, after: timedelta) -> int:
        """Give up what has waited too long, and say what it waited for."""
        why = {route: reason for route in await self._outbox.routes() if (reason := self.why_waiting(route))}
        return await self._outbox.give_up(after, why)

    def why_waiting(self, route: str) -> str:
        """Why nothing is sent on a route at all; empty when it is."""
        return SWITCHED_OFF if not self._sends else self._media.why_waits(_medium_of(route))

    def _free(self, routes: Sequence[str]) -> dict[str, int]:
        free = {}
        for name in routes:
            route = self._routes.setdefault(name, _Route())
            room = route.room
            if (room or route.spare) and route.breaker.lets_pass(self._seconds()) and not self.why_waiting(name):
                free[name] = room
        return free

    async def _send(self, sending: Sending, route: _Route, until: float) -> None:
        work_on(incident=sending.incident_id, deliveries=[delivery.id for delivery in sending.deliveries])
        try:
            async with route.slots.one(urgent=sending.is_urgent):
                # Whoever waited for a slot too long, or behind one that failed, has no lease to spare any more.
                too_late = self._seconds() > until - self._lease.total_seconds() / 2
                if self._stopping or too_late or not (route.breaker.is_closed or route.taken == 1):
                    with suppress(Unavailable):  # the lease runs out by itself
                        await self._outbox.release([sending])
                    return
                began = self._seconds()
                tried = await self._attempt(sending)
                seconds = self._seconds() - began
            if tried.works is not None:
                route.note(seconds, works=tried.works, now=self._seconds())
            self.attempted(_medium_of(sending.route), tried.outcome)
            await self._finish(sending, self._report(sending, tried, seconds), until)
        finally:
            route.take(sending, -1)
            if route.room or sending.is_urgent:  # which leaves room to spare for the next that is
                self.freed()

    def _report(self, sending: Sending, tried: _Tried, seconds: float) -> Report:
        again = timedelta()
        if tried.outcome in (Outcome.FAILED, Outcome.UNKNOWN):
            again = max(pause_after(sending.failures + 1, self._chance()), timedelta(seconds=tried.after or 0))
        return Report(outcome=tried.outcome, answer=storable(tried.answer, MOST_ANSWER), seconds=seconds, again=again)

    async def _attempt(self, sending: Sending) -> _Tried:
        deadline = self._lease.total_seconds() / 2
        asked = False
        try:
            async with asyncio.timeout(deadline):
                medium, settings = await self._receiver(sending)
                message = self._message(sending)
                asked = True
                await medium.send(message, settings)
        except TimeoutError:
            tried = _Tried(Outcome.UNKNOWN, f"There was no answer within {deadline:.0f} s.")
        except BaseException as error:
            # A plugin may fail in any way, also in those that would end this task or the process: this is one attempt that did.
            if _is_cancelled() and not isinstance(error, TryLater | Undeliverable | PerhapsDelivered):
                raise
            tried = _failed(error)
        else:
            tried = _Tried(Outcome.SENT, works=True)
        return tried if asked else replace(tried, works=None)

    async def _receiver(self, sending: Sending) -> tuple[Medium, Settings]:
        """Whom to ask, and for which destination; refused like by a provider if that is known not to lead anywhere."""
        destination = sending.destination
        if destination is None:
            raise Undeliverable(GONE)
        if sending.damaged:
            raise TryLater(f"What happened cannot be read: {sending.damaged}")
        if sending.roundup is not None and not sending.roundup.kept:
            raise TryLater(NOTHING_LEFT)
        enabled = self._media.get(destination.medium)
        if enabled is None or enabled.medium is None:
            raise TryLater(self._media.why_waits(destination.medium))
        if staff_only(enabled.medium, destination.settings):
            await self._check_staff(destination.owner)
        return enabled.medium, destination.settings

    async def _check_staff(self, owner: UserId) -> None:
        """Refuse what its owner could not have any more."""
        try:
            administers = await self._administers(owner)
        except Unavailable as error:
            raise TryLater(str(error)) from error
        if not administers:
            raise Undeliverable(NOT_STAFF)

    def _message(self, sending: Sending) -> Notification:
        newest, happenings = sending.newest, sending.happenings
        asking = {profile.id: profile for delivery in sending.deliveries for profile in delivery.profiles}
        id_ = f"{newest.id}.{newest.created:%Y%m%d%H%M%S%f}"
        if sending.roundup is not None:
            return compose_roundup(
                id=id_,
                roundup=sending.roundup,
                zone=self._letterhead.zone,
                frontend=self._letterhead.frontend,
                profiles=asked_by(tuple(asking.values()), self._letterhead.frontend),
            )
        return compose(
            id=id_,
            incident=happenings[-1].incident if happenings else _nothing(newest.created),
            events=[happening.event for happening in happenings],
            zone=self._letterhead.zone,
            frontend=self._letterhead.frontend,
            profiles=tuple(asking.values()),
            test=not happenings,
        )

    async def _finish(self, sending: Sending, report: Report, until: float) -> None:
        """Keep what came of it; a store that is away for a moment must not make it go twice."""
        while True:
            try:
                await self._outbox.finish(sending, report)
            except Unavailable:
                if self._seconds() > until:
                    return
                await asyncio.sleep(FINISH_PAUSE)
            else:
                return


def _failed(error: BaseException) -> _Tried:
    """What came of an attempt that ended like this; also what the exception says of itself may fail."""
    try:
        match error:
            case TryLater():
                return _Tried(Outcome.FAILED, str(error), _span(error.after), bool(error.provider_works))
            case Undeliverable():
                return _Tried(Outcome.REFUSED, str(error), works=True)
            case PerhapsDelivered():
                return _Tried(Outcome.UNKNOWN, str(error))
            case _:
                pass
    except Exception as failure:  # noqa: BLE001 - a stranger's code
        error = failure
    return _Tried(Outcome.UNKNOWN, f"The medium failed: {said(error)}")


def _span(seconds: object) -> float | None:
    """So many seconds as a provider may ask for; whatever else a plugin passes on asks for nothing."""
    if not isinstance(seconds, int | float) or not 0 <= seconds < inf:
        return None
    return min(float(seconds), LONGEST_AFTER)


def _medium_of(route: str) -> str:
    return route.partition(":")[0]


def _is_cancelled() -> bool:
    """Whether it is we who want the task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _nothing(now: datetime) -> Incident:
    """What tests are about: an incident that never was."""
    return Incident(
        id=IncidentId(0),
        version=0,
        source=Source(id=SourceId(0), name="argus", type="argus", user_id=UserId(0)),
        start_time=now,
        stateful=False,
        level=Level.INFORMATION,
        description="Somebody has asked Argus to try whether its messages arrive here.",
        received=now,
    )
