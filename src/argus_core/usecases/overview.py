"""Look at all incidents at once. What was found out is kept for a while, because many look and it takes long."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from argus_core.domain.actors import Actor
from argus_core.domain.errors import NotAllowed
from argus_core.domain.overview import OpenCount, Past
from argus_core.domain.permissions import Act, confined_to, require
from argus_core.ports.clock import Clock
from argus_core.ports.statistics import Statistics
from argus_core.usecases.flapping import KnownThresholds

_T = TypeVar("_T")

OPEN_FRESH, OPEN_USABLE = timedelta(seconds=2), timedelta(seconds=10)
PAST_FRESH, PAST_USABLE = timedelta(minutes=5), timedelta(minutes=30)


class OverviewService:
    """
    The same figures for everybody who may see all incidents.

    Every method may raise `Unavailable`, and `NotAllowed` for a source that is to see only what is its own.
    """

    def __init__(self, statistics: Statistics, clock: Clock, thresholds: KnownThresholds, own_only: bool = False) -> None:
        self._clock, self._own_only = clock, own_only
        self._open = _Kept(statistics.open_at, clock, OPEN_FRESH, OPEN_USABLE)
        self._statistics, self._thresholds = statistics, thresholds
        self._past = _Kept(self._find_past, clock, PAST_FRESH, PAST_USABLE)

    async def open_now(self, actor: Actor) -> Sequence[OpenCount]:
        """How many incidents are open, as of some seconds ago at most."""
        self._require(actor)
        return await self._open.get()

    async def past(self, actor: Actor) -> Past:
        """The last week, as of some minutes ago; whoever is the first to ask waits until it is found out."""
        self._require(actor)
        return await self._past.get()

    def past_if_known(self, actor: Actor) -> Past | None:
        """The same, or None when it is not known yet; then it is being found out."""
        self._require(actor)
        return self._past.glance()

    async def _find_past(self, now: datetime) -> Past:
        return await self._statistics.past(now, await self._thresholds.get())

    def _require(self, actor: Actor) -> None:
        require(actor, Act.READ)
        if confined_to(actor, own_only=self._own_only):
            raise NotAllowed("The overview is for those who see all incidents.")


class _Kept(Generic[_T]):
    """
    What was found out last. When it is not fresh, it is found out anew, once for all who ask; meanwhile it is given while it is usable.
    """

    def __init__(self, find: Callable[[datetime], Awaitable[_T]], clock: Clock, fresh: timedelta, usable: timedelta) -> None:
        self._find, self._clock, self._fresh, self._usable = find, clock, fresh, usable
        self._known: tuple[datetime, _T] | None = None
        self._finding: asyncio.Task[_T] | None = None

    async def get(self) -> _T:
        """What is known, if it is usable; else what is being found out."""
        known = self.glance()
        # Whoever goes away takes nothing from the others.
        return known if known is not None else await asyncio.shield(self._begun())

    def glance(self) -> _T | None:
        """What is known, if it is usable."""
        now, known = self._clock(), self._known
        if known is None or now - known[0] > self._fresh:
            self._begun()
        return known[1] if known is not None and now - known[0] <= self._usable else None

    def _begun(self) -> "asyncio.Task[_T]":
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._find_out())
            self._finding.add_done_callback(_hear)
        return self._finding

    async def _find_out(self) -> _T:
        now = self._clock()
        found = await self._find(now)
        self._known = now, found
        return found


def _hear(finding: "asyncio.Task[_T]") -> None:
    """Take note of a failure that nobody waits for: it is tried again when somebody asks."""
    if not finding.cancelled():
        finding.exception()
