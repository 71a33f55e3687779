"""
Reads at a streaming replica, which show what reads at the server that is written to would show (ADR 0008).

Whoever reads asks that server how far it has come, which costs next to nothing and is asked once for all who wait, and the replica whether
it has come as far. So a read sees whatever anybody was told to be done before it began, whichever process did it on whichever machine.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import TypeVar

import psycopg

from adapters.db.database import GRACE, SERIALIZATION_FAILURE, Connection, Database, Runs, Work, within
from adapters.db.gathering import Gathering
from argus_core.domain.errors import Unavailable

LOOKS_EVERY = 0.5
"""So many seconds lie between two looks at how far both have come."""

PATIENCE = 1.0
"""Whoever has not answered after so many seconds is not there."""

WAIT = 0.1
"""A read waits so many seconds at most for the replica to come as far as it has to."""

NAP = 0.002

REST = 1.0
"""After it has waited in vain, nobody waits for so many seconds."""

# The position is where what has been made durable ends: what anybody has been told of, or can see, is before it.
_PRIMARY = """
    select (pg_current_wal_flush_lsn() - '0/0')::bigint, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
        (select system_identifier from pg_control_system())"""
# The timeline is in the files of a replica some time after it follows another one, but never before.
_REPLICA = """
    select pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint,
        greatest(c.timeline_id, r.min_recovery_end_timeline), s.system_identifier
    from pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r"""

_log = logging.getLogger("argus.replica")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a server has come in its log: in bytes, on which timeline, of which installation of PostgreSQL."""

    lsn: int
    timeline: int
    system: int


class Behind(Exception):
    """The replica has not come as far."""


class Replica:
    """
    A streaming replica, and whether it is of use.

    `staleness` is how far behind it may be: further, and nobody reads there at all. `why_not` says why that is so, and is empty when it is
    used. It is used only inside of `followed`.
    """

    def __init__(self, primary: Database, database: Database, staleness: timedelta) -> None:
        self.staleness = staleness
        self.why_not = "it was not asked yet"
        self._primary, self._database = primary, database
        self._newest = Gathering(self._ask)
        self._noted: deque[tuple[float, Position]] = deque()
        self._rests_until = float("-inf")

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Look at it until the end of the block."""
        async with self._database.opened():
            looking = asyncio.create_task(self._run())
            try:
                yield
            finally:
                looking.cancel()

    async def newest(self) -> Position | None:
        """
        Where the replica has to be for a read that begins now; None when it shall not be asked.

        Raises:
            Unavailable: the server that is written to cannot be asked.
        """
        if self.why_not or monotonic() < self._rests_until:
            return None
        try:
            return await self._newest(None)
        except psycopg.Error:  # it is none that is written to
            return None

    def tolerated(self) -> Position | None:
        """The same for a read that may be as old as `staleness`."""
        if self.why_not:
            return None
        self._forget()
        return self._noted[0][1] if self._noted else None

    async def read(self, work: "Work[_Result]", position: Position) -> _Result:
        """
        Read there, as soon as it has come as far.

        Raises:
            Behind: it does not soon, or is no replica of this server.
            Unavailable: there is no connection, or the time is up.
            Error: what psycopg says of everything else.
        """

        async def look_and_read(connection: Connection, _: bool) -> _Result:
            # On the same connection: there may be several replicas behind one address.
            until = monotonic() + WAIT
            while (lacks := _lacks(await _state(connection), position)) is not None:
                if lacks or monotonic() > until:
                    raise Behind(lacks)
                await asyncio.sleep(NAP)
            return await work(connection, False)

        try:
            return await self._database.once(look_and_read)
        except (Behind, Unavailable, psycopg.OperationalError) as error:
            if not (isinstance(error, psycopg.Error) and error.sqlstate == SERIALIZATION_FAILURE):  # as it says of old rows that are gone
                self._rests_until = monotonic() + REST
            raise

    async def _run(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOKS_EVERY)

    async def _look(self) -> None:
        began = monotonic()
        try:
            async with within(PATIENCE):
                (position,) = await self._ask([None])
        except (TimeoutError, Unavailable, psycopg.Error):
            return  # then nobody can be told anything, and others say so
        if self._noted and self._noted[-1][1].timeline != position.timeline:
            self._noted.clear()
        self._noted.append((began, position))
        self._forget()
        try:
            async with within(PATIENCE):
                state = await self._database.once(lambda connection, _: _state(connection))
        except (TimeoutError, Unavailable):
            self._judge("it does not answer")
        except psycopg.Error as error:
            self._judge(f"it cannot be asked ({str(error).strip().partition(chr(10))[0]})")
        else:
            self._judge(self._fault(state))

    def _fault(self, state: "_State") -> str:
        """Why it is not to be read; what it was before while that cannot be told yet."""
        if not self._noted:
            return self.why_not
        noted, position = self._noted[0]
        lacks, bound = _lacks(state, position), self.staleness.total_seconds()
        if lacks == "":
            known_for = monotonic() - noted
            return f"it is more than {bound:g} s behind" if known_for > bound - 2 * LOOKS_EVERY else self.why_not
        return lacks or ""

    def _judge(self, why_not: str) -> None:
        before, self.why_not = self.why_not, why_not
        if bool(before) is bool(why_not):
            return
        if why_not:
            _log.warning("The replica is not read: %s. Everything is read where it is written", why_not)
        else:
            _log.info("The replica is read")

    def _forget(self) -> None:
        """What was noted longer ago than the replica may be behind."""
        while self._noted and self._noted[0][0] < monotonic() - self.staleness.total_seconds():
            self._noted.popleft()

    async def _ask(self, some: Sequence[None]) -> Sequence[Position]:
        async def ask(connection: Connection, _: bool) -> Position:
            ((lsn, timeline, system),) = await (await connection.execute(_PRIMARY, prepare=True, binary=True)).fetchall()
            return Position(lsn, timeline, system)

        return [await self._primary.run(ask)] * len(some)


class Reads(Runs):
    """Reads at the replica if it is of use, else where it is written. `newest` is for what shall show everything that has been done."""

    def __init__(self, primary: Database, replica: Replica, *, newest: bool) -> None:
        self._primary, self._replica, self._is_newest = primary, replica, newest

    async def run(self, work: "Work[_Result]") -> _Result:
        """See `Database`; what only reads may be done twice."""
        try:
            async with asyncio.timeout(self._primary.seconds + 2 * GRACE):
                return await self._run(work)
        except TimeoutError as error:
            raise Unavailable from error

    async def _run(self, work: "Work[_Result]") -> _Result:
        position = await self._replica.newest() if self._is_newest else self._replica.tolerated()
        if position is not None:
            try:
                return await self._replica.read(work, position)
            except (Behind, Unavailable, psycopg.Error) as error:
                _log.debug("Read where it is written, for the replica could not: %s", error)
        return await self._primary.run(work)


@dataclass(frozen=True, slots=True)
class _State:
    """How far a replica has come, if it is one."""

    is_replica: bool
    position: Position


async def _state(connection: Connection) -> _State:
    ((is_replica, *position),) = await (await connection.execute(_REPLICA, prepare=True, binary=True)).fetchall()
    return _State(is_replica, Position(*position))


def _lacks(state: _State, position: Position) -> str | None:
    """None when nothing is lacking; an empty text when that comes with time, else why not."""
    there = state.position
    if not state.is_replica:
        return "it is no replica"
    if there.system != position.system:
        return "it is a replica of another server"
    if there.timeline != position.timeline:
        return "it does not follow the server that has taken over, or has not noted so yet"
    return None if there.lsn >= position.lsn else ""
