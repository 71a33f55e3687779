"""The ways to the database: psycopg connections for what is hot, an engine for units of work, and what to do when they break."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from psycopg.types.string import StrBinaryDumper, StrDumper
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.db import codec
from argus_core.domain.errors import NoRoom, Unavailable

logger = logging.getLogger(__name__)

Connection: TypeAlias = AsyncConnection[TupleRow]
Work: TypeAlias = "Callable[[Connection, bool], Awaitable[_Result]]"
_Result = TypeVar("_Result")

# After a restart of the server each kept connection breaks once, so the first repetitions need not wait.
PAUSES = (0.0, 0.0, 0.05, 0.1, 0.2, 0.4)

# Found out within seconds rather than hours when the other side is gone without a word; what the DSN says comes first.
PATIENCE = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 10_000}

# Clients in the field wait two seconds for an answer: by then they shall have been told to come back.
CONNECT_SECONDS = 1.5

# How long psycopg may try to stop a statement in order once the time is up.
GRACE = 0.5

# How long a list of what waits to be sorted into a GIN index may become before a statement has to do it (see `pending`); of incidents, each
# takes some 2 kB.
PENDING_LIST = "64MB"

READ_ONLY = "25006"
SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
DISK_FULL = "53100"
CONNECTION_EXCEPTION, INSUFFICIENT_RESOURCES, OPERATOR_INTERVENTION = "08", "53", "57"


class Database:
    """
    The connections of one process to one database.

    `seconds` is how long anything may take until it is given up, repetitions included, `connect_seconds` how long to wait for a connection.
    `statement_seconds` is the server's own limit for one statement, should nobody wait for it any more.
    """

    def __init__(
        self,
        dsn: str,
        *,
        connections: int = 8,
        connections_for_work: int = 2,
        seconds: float = 10.0,
        connect_seconds: float = CONNECT_SECONDS,
        statement_seconds: float = 30.0,
        application_name: str = "argus",
    ) -> None:
        self.seconds, self.connect_seconds = seconds, connect_seconds
        self._parameters: dict[str, Any] = PATIENCE | conninfo_to_dict(dsn) | {"application_name": application_name}
        self._statement_milliseconds = str(round(statement_seconds * 1000))
        self._pool = AsyncConnectionPool[Connection](
            connection_class=AsyncConnection[TupleRow],
            kwargs=self._parameters | {"autocommit": True},
            configure=self._configure,
            min_size=min(2, connections),
            max_size=connections,
            timeout=connect_seconds,
            # Never give up: as soon as the server is back, whoever waits gets a connection.
            reconnect_timeout=1.0,
            reconnect_failed=AsyncConnectionPool.check,
            open=False,
            name="journal",
        )
        self.engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self.connect,
            pool_size=connections_for_work,
            max_overflow=0,
            pool_timeout=connect_seconds,
            pool_pre_ping=True,
            hide_parameters=True,  # errors are logged, and among the values are hashes of passwords
        )

    async def open(self) -> None:
        """Begin to connect; whether it succeeds shows at the first use."""
        await self._pool.open()

    async def close(self) -> None:
        """Let all connections go."""
        await self._pool.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """Open until the end of the block."""
        await self.open()
        try:
            yield self
        finally:
            await self.close()

    async def connect(self, *, autocommit: bool = False) -> Connection:
        """A connection of one's own, outside the pools."""
        connection = await AsyncConnection.connect(**self._parameters, autocommit=True)
        await self._configure(connection)
        await connection.set_autocommit(autocommit)
        return connection

    async def run(self, work: "Work[_Result]") -> _Result:
        """
        Do the work on a connection in autocommit mode; when that breaks, again on another one.

        The work is told whether it may have been done before without anybody having heard of it.

        Raises:
            Unavailable: there is no connection, the server is too busy, or the time is up.
        """
        try:
            async with within(self.seconds):
                return await self._until_done(work)
        except (TimeoutError, PoolTimeout, PoolClosed) as error:
            raise Unavailable from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """
        A connection in a transaction, which ends with the block: kept, or undone by an exception. Nothing is repeated.

        Raises:
            Unavailable: there is no connection, it broke, or the time is up.
        """
        try:
            async with within(self.seconds), self._pool.connection() as connection, connection.transaction():
                yield connection
        except (TimeoutError, PoolTimeout, PoolClosed) as error:
            raise Unavailable from error
        except psycopg.Error as error:
            if is_broken(error) or is_unavailable(error):
                raise refused(error) from error
            raise

    async def _until_done(self, work: "Work[_Result]") -> _Result:
        breaks = 0
        while True:
            async with self._pool.connection() as connection:
                try:
                    return await _with_fresh_plans(connection, work, again=breaks > 0)
                except psycopg.Error as error:
                    if is_unavailable(error):
                        raise refused(error) from error
                    if not (is_broken(error) or connection.closed):
                        raise
                    logger.warning("The database connection broke: %s", error)
                    await connection.close()
            await asyncio.sleep(PAUSES[min(breaks, len(PAUSES) - 1)])
            breaks += 1

    async def _configure(self, connection: Connection) -> None:
        # One type for each kind of value, however large it is: otherwise every mixture would be a prepared statement of its own.
        for type_, text, binary in ((int, Int8Dumper, Int8BinaryDumper), (str, StrDumper, StrBinaryDumper)):
            connection.adapters.register_dumper(type_, text)  # lists are sent as text
            connection.adapters.register_dumper(type_, binary)
        set_json_loads(codec.load, connection)
        await connection.execute(
            """
            select set_config('timezone', 'UTC', false), set_config('statement_timeout', %s, false),
                set_config('gin_pending_list_limit', %s, false)""",
            (self._statement_milliseconds, PENDING_LIST),
        )


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """
    Give up after so many seconds.

    Interrupted once, psycopg asks the server to stop, and waits ten seconds for it; interrupted again, it drops the connection.

    Raises:
        TimeoutError: the time was up.
    """
    async with asyncio.timeout(seconds + GRACE), asyncio.timeout(seconds):
        yield


class Seldom(logging.Filter):
    """Lets each kind of message pass once in so many seconds: a pool that tries several times a second says the same for hours."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._silent_until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = monotonic()
        if now < self._silent_until.get(str(record.msg), now):
            return False
        self._silent_until[str(record.msg)] = now + self._seconds
        return True


logging.getLogger("psycopg.pool").addFilter(Seldom(30))


def is_broken(error: psycopg.Error) -> bool:
    """Whether the connection is of no use any more, or the server asks to try again; what was sent may or may not have been done."""
    state = error.sqlstate
    if state is None:
        return isinstance(error, (errors.OperationalError, errors.InterfaceError))
    return (
        state in (READ_ONLY, SERIALIZATION_FAILURE, DEADLOCK)
        or state.startswith(CONNECTION_EXCEPTION)
        or (state.startswith(OPERATOR_INTERVENTION) and state != QUERY_CANCELED)
    )


def is_unavailable(error: psycopg.Error) -> bool:
    """Whether the server has certainly not done it, and another try would only add to its load."""
    state = error.sqlstate or ""
    return state in (LOCK_NOT_AVAILABLE, QUERY_CANCELED) or state.startswith(INSUFFICIENT_RESOURCES)


def refused(error: psycopg.Error) -> Unavailable:
    """What to tell whoever asked for what the server could not do."""
    return NoRoom() if error.sqlstate == DISK_FULL else Unavailable()


async def _with_fresh_plans(connection: Connection, work: "Work[_Result]", *, again: bool) -> _Result:
    try:
        return await work(connection, again)
    except errors.FeatureNotSupported:
        # A migration changed the type of a column under a prepared statement.
        await connection.execute("deallocate all")
        return await work(connection, again)
