"""New incidents that arrive at the same time are stored by the same statement, so that they share its round trip and its commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import errors

from adapters.db.database import Connection, Database
from adapters.db.statements import BEGIN_TOGETHER, to_begin_together
from argus_core.domain.errors import Unavailable
from argus_core.domain.ids import SourceId, TokenId
from argus_core.domain.transitions import Change
from argus_core.ports.incidents import Appended

AT_ONCE = 2
"""So many statements are under way at a time: while one commits, the next one is made."""

MOST = 100
"""A statement stores so many incidents."""

# The data of one was at fault; the others shall not suffer.
OF_THE_DATA = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)

_KNOWN = "select incident_id from event where id = any(%s::bigint[])"


Alone: TypeAlias = Callable[[Change, TokenId | None], Awaitable[Appended]]


@dataclass(slots=True, eq=False)
class Waiting:
    """An incident that waits to be stored, and what becomes of it."""

    change: Change
    warrant: TokenId | None
    patience: asyncio.Timeout
    outcome: "asyncio.Future[Appended]"


class Together:
    """
    Stores new incidents one at a time while there is one at a time, and as many at once as there are while statements are under way.

    Nothing waits for others to come: the more there is to do, the more is done at once. Sources take turns. `alone` stores one.
    """

    def __init__(self, database: Database, alone: Alone) -> None:
        self._database, self._alone = database, alone
        self._under_way = 0
        self._waiting: dict[SourceId, deque[Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def store(self, change: Change, warrant: TokenId | None) -> Appended:
        """
        Store an incident whose beginning is all that happens to it.

        Raises:
            Unavailable: as of `Database.run`, or its turn did not come in the time that one waits for a connection.
        """
        if self._under_way == AT_ONCE:
            return await self._wait(change, warrant)
        self._under_way += 1
        try:
            return await self._alone(change, warrant)
        finally:
            self._next()

    async def _wait(self, change: Change, warrant: TokenId | None) -> Appended:
        try:
            async with asyncio.timeout(self._database.connect_seconds) as patience:
                waiting = Waiting(change, warrant, patience, asyncio.get_running_loop().create_future())
                self._waiting.setdefault(change.incident.source.id, deque()).append(waiting)
                return await waiting.outcome
        except TimeoutError as error:
            raise Unavailable from error

    def _next(self) -> None:
        """Let those who wait go on; to be called where a statement has ended."""
        some = self._some()
        if not some:
            self._under_way -= 1
            return
        task = asyncio.create_task(self._store(some))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _some(self) -> list[Waiting]:
        """Of those who still wait as many as a statement stores, from each source in turn, in the order in which they are written."""
        some: list[Waiting] = []
        while self._waiting and len(some) < MOST:
            source_id = next(iter(self._waiting))
            queue = self._waiting.pop(source_id)
            waiting = queue.popleft()
            if queue:
                self._waiting[source_id] = queue
            if not waiting.outcome.done():
                waiting.patience.reschedule(None)
                some.append(waiting)
        # Whoever inserts the same keys does so in the same order, and never waits for one who waits for it.
        return sorted(some, key=lambda waiting: (waiting.change.incident.source.id, waiting.change.incident.source_incident_id))

    async def _store(self, some: Sequence[Waiting]) -> None:
        try:
            await self._store_some(some)
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            for waiting in some:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(Unavailable() if isinstance(error, Unavailable) else error)
        finally:
            self._next()

    async def _store_some(self, some: Sequence[Waiting]) -> None:
        if len(some) == 1:
            await self._store_alone(some[0])
            return
        values = to_begin_together([(waiting.change, waiting.warrant) for waiting in some])
        repeated = False

        async def store(connection: Connection, again: bool) -> list[Appended]:
            nonlocal repeated
            repeated = again
            cursor = await connection.execute(BEGIN_TOGETHER, values, prepare=True, binary=True)
            rows = await cursor.fetchall()
            known = await _known(connection, some) if again else frozenset()
            return [_outcome(waiting, live, written, known) for waiting, (live, written) in zip(some, rows, strict=True)]

        try:
            outcomes = await self._database.run(store)
        except OF_THE_DATA:
            # A repetition of what was stored without anybody hearing of it ends here too, since its ids are taken.
            known = await self._database.run(lambda connection, _: _known(connection, some)) if repeated else frozenset()
            await self._store_one_by_one(some, known)
        else:
            for waiting, outcome in zip(some, outcomes, strict=True):
                _tell(waiting, outcome)

    async def _store_one_by_one(self, some: Sequence[Waiting], known: frozenset[int]) -> None:
        for waiting in some:
            if waiting.change.incident.id in known:
                _tell(waiting, Appended.STORED)
            else:
                await self._store_alone(waiting)

    async def _store_alone(self, waiting: Waiting) -> None:
        try:
            _tell(waiting, await self._alone(waiting.change, waiting.warrant))
        except OF_THE_DATA as error:
            if not waiting.outcome.done():
                waiting.outcome.set_exception(error)


def _tell(waiting: Waiting, outcome: Appended) -> None:
    if not waiting.outcome.done():  # whoever waited may have gone
        waiting.outcome.set_result(outcome)


def _outcome(waiting: Waiting, live: bool, written: bool, known: frozenset[int]) -> Appended:
    if written or waiting.change.incident.id in known:
        return Appended.STORED
    return Appended.DUPLICATE_KEY if live else Appended.UNAUTHENTICATED


async def _known(connection: Connection, some: Sequence[Waiting]) -> frozenset[int]:
    cursor = await connection.execute(_KNOWN, ([waiting.change.events[0].id for waiting in some],), prepare=True, binary=True)
    return frozenset(id_ for (id_,) in await cursor.fetchall())
