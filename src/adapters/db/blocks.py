"""Ids taken from a sequence in blocks, so that giving one costs no round trip."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

import asyncio
from collections import deque
from collections.abc import Iterator

from adapters.db.database import Connection, Database

FIRST, MOST = 8, 1024
"""A block is twice as large as the one before: a busy process asks rarely, a quiet one leaves small gaps."""


class Blocks:
    """The ids of one sequence for one process. No id is given twice; what is left at the end is lost."""

    def __init__(self, database: Database, sequence: str) -> None:
        self._database = database
        self._statement = f"select nextval('{sequence}') from generate_series(1, %s)"
        self._kept: deque[int] = deque()
        self._block = FIRST
        self._filling = asyncio.Lock()
        self._forgotten = 0
        database.taken_over.append(self._forget)

    async def ready(self, count: int) -> Iterator[int]:
        """An iterator over at least so many ids. Until the next `await` they are there for its holder; untaken ones go to others."""
        while len(self._kept) < count:
            async with self._filling:
                if len(self._kept) < count:
                    await self._database.run(lambda connection, _: self.fill(connection, count))
        return self._rest()

    async def fill(self, connection: Connection, count: int) -> Iterator[int]:
        """The same for somebody who has a connection, and must not wait for another one."""
        while len(self._kept) < count:
            self._block = min(self._block * 2, MOST)
            forgotten = self._forgotten
            cursor = await connection.execute(self._statement, (max(self._block, count - len(self._kept)),), prepare=True, binary=True)
            ids = await cursor.fetchall()
            if forgotten == self._forgotten:
                self._kept.extend(id_ for (id_,) in ids)
        return self._rest()

    def _forget(self) -> None:
        """A server that has taken over may not have heard which ids were given, and give them again."""
        self._forgotten += 1
        self._kept.clear()

    def _rest(self) -> Iterator[int]:
        while True:
            yield self._kept.popleft()
