"""New incidents that arrive at the same time are stored by the same statement, so that they share its round trip and its commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg

from adapters.db.database import Connection, Database
from adapters.db.statements import BEGIN_TOGETHER, to_begin_together
from argus_core.domain.errors import Unavailable
from argus_core.domain.ids import TokenId
from argus_core.domain.transitions import Change
from argus_core.ports.incidents import Appended

AT_ONCE = 2
"""So many statements are under way at a time: while one commits, the next one is made."""

MOST = 100
"""A statement stores so many incidents."""

# The data of one of many was at fault; the others shall not suffer.
OF_THE_DATA = ("22", "23", "54")

_KNOWN = "select incident_id from event where id = any(%s::bigint[])"


Alone: TypeAlias = Callable[[Change, TokenId | None], Awaitable[Appended]]


@dataclass(slots=True, eq=False)
class Waiting:
    """An incident that waits to be stored, and whoever waits for it."""

    change: Change
    warrant: TokenId | None
    outcome: "asyncio.Future[Appended]"


class Together:
    """
    Stores new incidents one at a time while there is one at a time, and as many at once as there are while statements are under way.

    Nothing waits for others to come: the more there is to do, the more is done at once. `alone` stores one.
    """

    def __init__(self, database: Database, alone: Alone) -> None:
        self._database, self._alone = database, alone
        self._under_way = 0
        self._waiting: list[Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def store(self, change: Change, warrant: TokenId | None) -> Appended:
        """Store an incident whose beginning is all that happens to it."""
        if self._under_way == AT_ONCE:
            waiting = Waiting(change, warrant, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            return await waiting.outcome
        self._under_way += 1
        try:
            return await self._alone(change, warrant)
        finally:
            self._next()

    def _next(self) -> None:
        """Let those who wait go on; call it where a statement has ended."""
        if not self._waiting:
            self._under_way -= 1
            return
        some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        task = asyncio.create_task(self._store(some))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _store(self, some: list[Waiting]) -> None:
        try:
            # Whoever inserts the same keys does so in the same order, and never waits for one who waits for it.
            some.sort(key=lambda one: (one.change.incident.source.id, one.change.incident.source_incident_id))
            await self._store_together(some)
        except BaseException as error:
            for one in some:
                if not one.outcome.done():
                    one.outcome.set_exception(_same(error))
            if not isinstance(error, Exception):
                raise
        finally:
            self._next()

    async def _store_together(self, some: Sequence[Waiting]) -> None:
        if len(some) == 1:
            _tell(some[0], await self._alone(some[0].change, some[0].warrant))
            return
        values = to_begin_together([(one.change, one.warrant) for one in some])

        async def store(connection: Connection, again: bool) -> list[Appended]:
            cursor = await connection.execute(BEGIN_TOGETHER, values, prepare=True, binary=True)
            rows = await cursor.fetchall()
            known = await _known(connection, some) if again else frozenset()
            return [_outcome(one, live, written, known) for one, (live, written) in zip(some, rows, strict=True)]

        try:
            outcomes = await self._database.run(store)
        except psycopg.Error as error:
            if not _is_of_the_data(error):
                raise
            # A repetition of what was stored without anybody hearing of it ends here too: the ids are there.
            await self._store_one_by_one(some, await self._database.run(lambda connection, _: _known(connection, some)))
            return
        for one, outcome in zip(some, outcomes, strict=True):
            _tell(one, outcome)

    async def _store_one_by_one(self, some: Sequence[Waiting], known: frozenset[int]) -> None:
        for one in some:
            try:
                _tell(one, Appended.STORED if one.change.incident.id in known else await self._alone(one.change, one.warrant))
            except psycopg.Error as error:
                if not one.outcome.done():
                    one.outcome.set_exception(error)


def _is_of_the_data(error: psycopg.Error) -> bool:
    """Whether one of many was at fault, be it that the server said so or that it was not even sent."""
    return isinstance(error, psycopg.DataError) if error.sqlstate is None else error.sqlstate[:2] in OF_THE_DATA


def _tell(one: Waiting, outcome: Appended) -> None:
    if not one.outcome.done():  # whoever waited may have gone
        one.outcome.set_result(outcome)


def _outcome(one: Waiting, live: bool, written: bool, known: frozenset[int]) -> Appended:
    if written or one.change.incident.id in known:
        return Appended.STORED
    return Appended.DUPLICATE_KEY if live else Appended.UNAUTHENTICATED


async def _known(connection: Connection, some: Sequence[Waiting]) -> frozenset[int]:
    cursor = await connection.execute(_KNOWN, ([one.change.events[0].id for one in some],), prepare=True, binary=True)
    return frozenset(id_ for (id_,) in await cursor.fetchall())


def _same(error: BaseException) -> BaseException:
    """An error for each of those who wait: one instance would gather the traces of all."""
    return Unavailable() if isinstance(error, Unavailable) else error
