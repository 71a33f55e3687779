"""
What open pages hear: which incidents their list has now, each with its version.

Nobody asks the journal what has changed since something: what is written concurrently has no order to remember a place in.
Instead, the lists that are looked at are read again, each once for all who look at it (ADR 0006).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from argus_core.domain.errors import Unavailable
from argus_core.domain.filters import Condition, IdIn
from argus_core.domain.ids import IncidentId
from argus_core.domain.sources import Source
from argus_core.ports.incidents import NEWEST, Order, Position
from argus_core.usecases.reading import Reading

AT_MOST_EVERY = 0.25
"""So many seconds lie between two readings, however much happens."""

SHARE = 4
"""Readings rest so many times as long as they took, so that many different lists cost a bounded part of the time."""

UNASKED = 2.0
"""After so many quiet seconds the lists are read all the same: hints can be lost, and time passes by itself."""

REMEMBERED = 200
"""Of so many incidents that were in a list, and are not any more, the version is still told."""

_log = logging.getLogger("argus.web")


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody looks at: which incidents, how many, from where on, within which confines, and in which order."""

    condition: Condition
    size: int
    position: Position | None
    confines: Source | None
    order: Order = NEWEST


class Subscription:
    """One open page. It keeps the newest message only: each says all, so whoever is slow misses nothing by missing some."""

    def __init__(self) -> None:
        self.over = False
        self._message: bytes | None = None
        self._news = asyncio.Event()

    def tell(self, message: bytes) -> None:
        """This is how it is now."""
        self._message = message
        self._news.set()

    def end(self) -> None:
        """Nothing more will be told."""
        self.over = True
        self._news.set()

    async def next(self, patience: float) -> bytes | None:
        """What is new; None when that is nothing for so long, or nothing ever more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._news.wait()
        self._news.clear()
        message, self._message = self._message, None
        return None if self.over else message


@dataclass(slots=True)
class _Watched:
    """A list that somebody looks at, as it was read last."""

    reading: Reading
    pages: set[Subscription] = field(default_factory=set)
    here: dict[IncidentId, int] = field(default_factory=dict)
    left: dict[IncidentId, int] = field(default_factory=dict)
    message: bytes | None = None

    async def read(self, look: Look, now: datetime) -> None:
        """Read it again, and tell everybody if that says something new."""
        page = await self.reading.page(look.condition, now, look.size, look.position, look.order)
        here = {row.id: row.version for row in page.rows}
        gone = [*self.left, *(id_ for id_ in self.here if id_ not in here)]
        gone = [id_ for id_ in dict.fromkeys(gone) if id_ not in here][-REMEMBERED:]
        if gone:
            rows = (await self.reading.page(IdIn(frozenset(gone)), now, len(gone))).rows
            versions = {row.id: row.version for row in rows}
            self.left = {id_: versions[id_] for id_ in gone if id_ in versions}
        else:
            self.left = {}
        self.here = here
        message = said(self.here, self.left)
        if message != self.message:
            self.message = message
            for one in self.pages:
                one.tell(message)


class Live:
    """
    Tells all open pages of one process what their lists have.

    `heard` is called when something was stored somewhere; `run` runs as long as the process answers; `stop` ends all pages' streams.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._watched: dict[Look, _Watched] = {}
        self._news = asyncio.Event()
        self._stopped = False

    def heard(self) -> None:
        """Something may have changed."""
        self._news.set()

    def stop(self) -> None:
        """End all streams, and begin none."""
        self._stopped = True
        for watched in self._watched.values():
            for one in watched.pages:
                one.end()

    @contextmanager
    def looking(self, look: Look, reading: Reading) -> Iterator[Subscription]:
        """Be told about a list until the end of the block; what it has now is told as soon as it has been read."""
        one = Subscription()
        if self._stopped:
            one.end()
        watched = self._watched.setdefault(look, _Watched(reading))
        watched.pages.add(one)
        if watched.message is not None:
            one.tell(watched.message)
        self.heard()
        try:
            yield one
        finally:
            watched.pages.discard(one)
            if not watched.pages and self._watched.get(look) is watched:
                del self._watched[look]

    async def run(self) -> None:
        """Read what is being looked at, whenever something has happened, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(UNASKED):
                    await self._news.wait()
            self._news.clear()
            began = monotonic()
            for look, watched in list(self._watched.items()):
                await self._read(look, watched)
            await asyncio.sleep(max(AT_MOST_EVERY, SHARE * (monotonic() - began)))

    async def _read(self, look: Look, watched: _Watched) -> None:
        try:
            await watched.read(look, self._clock())
        except Unavailable:
            _log.debug("A list could not be read; whoever looks at it hears later")
        except Exception:  # noqa: BLE001 - whatever is wrong with one list, those who look at others go on hearing
            _log.exception("a list that is being looked at cannot be read")


def said(here: dict[IncidentId, int], left: dict[IncidentId, int]) -> bytes:
    """The message: what the list has, in its order, and what has been in it lately."""
    data = json.dumps({"rows": list(here.items()), "left": list(left.items())}, separators=(",", ":"))
    return f"data: {data}\n\n".encode()
