"""Heartbeats in a dict, and signs read from the outbox in dicts."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from argus_core.domain.audit import Entry
from argus_core.domain.deliveries import Attempt, Delivery, DeliveryStatus, Outcome
from argus_core.domain.ids import DestinationId, SourceId
from argus_core.domain.watching import LOOKED_BACK, WINDOW, Heart, MediumSigns, Signs
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
            media=list(_media(await self._outbox.listed(most=ALL), now)),
            undelivered=self._outbox.oldest,
        )


def _media(deliveries: Sequence[Delivery], now: datetime) -> Iterator[MediumSigns]:
    for slug in sorted({delivery.medium for delivery in deliveries}):
        tried = [(attempt, delivery) for delivery in deliveries if delivery.medium == slug for attempt in delivery.attempts]
        failed = [(attempt, one) for attempt, one in tried if attempt.outcome is not Outcome.SENT]
        seen = [(attempt, one) for attempt, one in failed if one.status is DeliveryStatus.WAITING or attempt.at > now - WINDOW]
        if seen:
            sent = [(attempt.at, one.destination_id) for attempt, one in tried if attempt.outcome is Outcome.SENT]
            yield _signs(slug, seen, max((at for at in sent if at[0] > now - LOOKED_BACK), default=None), now)


def _signs(
    slug: str, seen: Sequence[tuple[Attempt, Delivery]], worked: tuple[datetime, DestinationId] | None, now: datetime
) -> MediumSigns:
    later = [(attempt, one) for attempt, one in seen if worked is None or attempt.at > worked[0]]
    waiting = [one.since for _, one in later if one.status is DeliveryStatus.WAITING]
    began = [min(waiting or [attempt.at for attempt, _ in later])] if later else []
    others = {one.destination_id for _, one in later}
    return MediumSigns(
        slug=slug,
        worked=worked is not None and worked[0] > now - WINDOW,
        failed=sum(attempt.at > now - WINDOW for attempt, _ in later),
        retried=len(waiting),
        since=max(began if worked is None else [*began, worked[0]]),
        alone=worked is not None and len(others) == 1 and worked[1] not in others,
    )
