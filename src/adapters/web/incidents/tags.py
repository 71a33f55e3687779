"""Tags to complete what somebody types: those of the newest incidents, and of the newest open ones."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from argus_core.domain.filters import EVERYTHING, IsOpen
from argus_core.domain.sources import Source
from argus_core.usecases.reading import Reading

LOOKED_AT = 1_000
"""So many open incidents, and so many of all, are looked at."""

KEPT = timedelta(seconds=15)
MOST = 20


class _Known(NamedTuple):
    at: datetime
    tags: Sequence[str]


class KnownTags:
    """Keeps them for some seconds: people type faster than tags come up. Sources that see only what is their own complete from that."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[Source | None, _Known] = {}

    async def like(self, typed: str, reading: Reading, confines: Source | None) -> list[str]:
        """Some tags that go with what was typed, the usual ones first; those that begin so before those in which it occurs."""
        now = self._clock()
        known = self._known.get(confines)
        if known is None or now - known.at > KEPT:
            known = self._known[confines] = _Known(now, await _usual(reading, now))
        sought = typed.casefold()
        begin = [tag for tag in known.tags if tag.casefold().startswith(sought)]
        hold = [tag for tag in known.tags if sought in tag.casefold() and not tag.casefold().startswith(sought)]
        return [*begin, *hold][:MOST]


async def _usual(reading: Reading, now: datetime) -> Sequence[str]:
    rows = {row.id: row for condition in (IsOpen(), EVERYTHING) for row in (await reading.page(condition, now, LOOKED_AT)).rows}
    times = Counter(tag for row in rows.values() for tag in row.tags if "," not in tag)
    return [tag for tag, _ in times.most_common()]
