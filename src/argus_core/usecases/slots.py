"""Slots: so many may be under way at once, and who is urgent waits for nobody else."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from typing import TypeAlias

_Place: TypeAlias = tuple[bool, int]
"""Who is urgent comes first, else who came first."""


class Slots:
    """Lets so many in at once, of whom `kept` places are for what is urgent alone."""

    def __init__(self, count: int, kept: int) -> None:
        self._free, self._kept = count, kept
        self._places = itertools.count()
        self._waiting: list[tuple[_Place, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def one(self, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a slot, and hold it until the block ends."""
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, ((not urgent, next(self._places)), turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._free += 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            (is_last, _), turn = self._waiting[0]
            if self._free <= (self._kept if is_last else 0):
                return
            heappop(self._waiting)
            if not turn.cancelled():
                self._free -= 1
                turn.set_result(None)
