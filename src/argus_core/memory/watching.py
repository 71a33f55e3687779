"""Heartbeats in a dict, and signs read from the outbox in dicts."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from argus_core.domain.audit import Entry
from argus_core.domain.deliveries import Delivery, DeliveryStatus, Outcome
from argus_core.domain.ids import SourceId
from argus_core.domain.watching import WINDOW, Heart, MediumSigns, Signs
from argus_core.memory import MemoryAccounts, utc_now
from argus_core.memory.outbox import MemoryOutbox
from argus_core.ports.watching import Watch

ALL = 1_000_000


class MemoryWatch(Watch):
    """What can be seen of accounts and an outbox in dicts."""

    def __init__(self, accounts: MemoryAccounts, outbox: MemoryOutbox, clock: Callable[[], datetime] = utc_now) -> None:
        self._accounts, self._outbox, self._clock = accounts, outbox, clock
        self._every: dict[SourceId, timedelta] = {}
        self._last: dict[SourceId, datetime] = {}

    async def beat(self, source_id: SourceId) -> None:
        """See the port."""
        self._last[source_id] = self._clock()

    async def expect(self, source_id: SourceId, every: timedelta | None, note: Entry | None = None) -> None:
        """See the port."""
        if note is not None:
            self._accounts.note(note)
        if every is None:
            self._every.pop(source_id, None)
        else:
            self._every[source_id] = every
            self._last[source_id] = self._clock()

    async def hearts(self) -> Sequence[Heart]:
        """See the port."""
        tables = self._accounts.tables
        hearts = [Heart(source=tables.sources[id_], every=every, last=self._last[id_]) for id_, every in sorted(self._every.items())]
        return [heart for heart in hearts if tables.users[heart.source.user_id].active]

    async def signs(self) -> Signs:
        """See the port."""
        now = self._clock()
        return Signs(
            now=now,
            hearts=await self.hearts(),
            media=list(_media(await self._outbox.listed(most=ALL), now - WINDOW)),
            undelivered=self._outbox.oldest,
        )


def _media(deliveries: Sequence[Delivery], after: datetime) -> Iterator[MediumSigns]:
    for slug in sorted({delivery.medium for delivery in deliveries}):
        of_it = [delivery for delivery in deliveries if delivery.medium == slug]
        lately = [attempt for delivery in of_it for attempt in delivery.attempts if attempt.at > after]
        failed = [attempt.at for attempt in lately if attempt.outcome is not Outcome.SENT]
        waiting = [delivery for delivery in of_it if delivery.status is DeliveryStatus.WAITING and delivery.attempts]
        if failed or waiting:
            yield MediumSigns(
                slug=slug,
                worked=len(failed) < len(lately),
                failed=len(failed),
                retried=sum(len(delivery.attempts) for delivery in waiting),
                since=min((delivery.since for delivery in waiting), default=min(failed, default=after)),
            )
