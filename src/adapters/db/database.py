"""The ways to the database: psycopg connections for what is hot, an engine for units of work, and what to do when they break."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar

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
from argus_core.domain.errors import NoRoom, ReadOnly, TooSlow, Unavailable

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

# What the server is told of each session. When the network is cut it would go on for hours to keep the locks of whoever has gone.
_SESSION = {
    "timezone": "UTC",
    "gin_pending_list_limit": PENDING_LIST,
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "10s",
}

# A pooler in transaction mode gives a session to somebody else after each transaction: it shall keep the settings it came with, but for the
# zone, which poolers know to be a client's own. What was answered is on disk, whatever the server is told to do. The timeline changes when
# another server takes over; only one that writes knows it.
_SETTLE = """
    select pid, case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_lsn()), 8) end,
        (select count(set_config(name, value, false)) from unnest(%(names)s::text[], %(values)s::text[]) as s (name, value)
            where pid = %(pid)s or name = 'timezone'),
        (select count(set_config('synchronous_commit', 'on', false)) where pid = %(pid)s and current_setting('synchronous_commit') = 'off')
    from pg_backend_pid() pid"""

REPLICA = "replica"
"""What a pool of connections to a replica is called."""

READ_ONLY = "25006"
SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
DISK_FULL = "53100"
CONNECTION_EXCEPTION, INSUFFICIENT_RESOURCES, OPERATOR_INTERVENTION = "08", "53", "57"


class Runs(Protocol):
    """Whoever has something done by a database."""

    async def run(self, work: "Work[_Result]") -> _Result:
        """See `Database`."""
        ...


class IsShared(psycopg.OperationalError):
    """The connection leads to a pooler that may share it: what holds a connection needs one of its own, which DATABASE_DIRECT_URL names."""

    def __init__(self) -> None:
        super().__init__((type(self).__doc__ or "").strip())


class Database(Runs):
    """
    The connections of one process to one database.

    `seconds` is how long anything may take until it is given up, repetitions included, `connect_seconds` how long to wait for a connection.
    `statement_seconds` is the server's own limit for one statement, should nobody wait for it any more.
    `direct` leads past a pooler to the same database; without it `dsn` does. Behind a pooler nothing is prepared.
    Whoever is in `taken_over` is called when another server has taken over: what the one before had given may not be known there.
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
        direct: str | None = None,
        name: str = "journal",
    ) -> None:
        self.seconds, self.connect_seconds = seconds, connect_seconds
        self.taken_over: list[Callable[[], None]] = []
        self._timeline: str | None = None
        called = {"application_name": application_name}
        self._parameters: dict[str, Any] = PATIENCE | conninfo_to_dict(dsn) | called
        self._direct: dict[str, Any] = PATIENCE | conninfo_to_dict(direct or dsn) | called
        self._session = _SESSION | {"statement_timeout": str(round(statement_seconds * 1000))}
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
            name=name,
        )
        self.engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connect_for_work,
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
        """
        A connection of one's own, outside the pools, past a pooler.

        Raises:
            IsShared: it is no connection of one's own.
        """
        connection = await self._configured(self._direct)
        if connection.prepare_threshold is None:
            await connection.close()
            raise IsShared
        await connection.set_autocommit(autocommit)
        return connection

    async def _connect_for_work(self) -> Connection:
        connection = await self._configured(self._parameters)
        await connection.set_autocommit(False)
        return connection

    async def _configured(self, parameters: dict[str, Any]) -> Connection:
        connection = await AsyncConnection.connect(**parameters, autocommit=True)
        try:
            await self._configure(connection)
        except BaseException:  # whoever has waited too long goes as well, and leaves nothing open
            await connection.close()
            raise
        return connection

    async def run(self, work: "Work[_Result]") -> _Result:
        """
        Do the work on a connection in autocommit mode; when that breaks, again on another one.

        The work is told whether it may have been done before without anybody having heard of it.

        Raises:
            Unavailable: there is no connection, the server is too busy, or the time is up.
        """
        broke: list[psycopg.Error] = []
        try:
            async with within(self.seconds):
                return await self._until_done(work, broke)
        except (TimeoutError, PoolTimeout, PoolClosed) as error:
            raise given_up(error, *broke[-1:]) from error

    async def once(self, work: "Work[_Result]") -> _Result:
        """
        The same, but nothing is repeated, whatever breaks: for whoever can have it done elsewhere.

        Raises:
            Unavailable: there is no connection, or the time is up.
            Error: what psycopg says of everything else.
        """
        try:
            async with within(self.seconds), self._pool.connection() as connection:
                return await work(connection, False)
        except (TimeoutError, PoolTimeout, PoolClosed) as error:
            raise given_up(error) from error

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
            raise given_up(error) from error
        except psycopg.Error as error:
            if is_broken(error) or is_unavailable(error):
                raise refused(error) from error
            raise

    async def _until_done(self, work: "Work[_Result]", broke: list[psycopg.Error]) -> _Result:
        """Do it again as often as need be; what broke is added to the list."""
        while True:
            async with self._pool.connection() as connection:
                try:
                    return await _with_fresh_plans(connection, work, again=bool(broke))
                except psycopg.Error as error:
                    if is_unavailable(error):
                        raise refused(error) from error
                    if not (is_broken(error) or connection.closed):
                        raise
                    logger.warning("The database connection broke: %s", error)
                    await connection.close()
                    broke.append(error)
            await asyncio.sleep(PAUSES[min(len(broke), len(PAUSES)) - 1])

    async def _configure(self, connection: Connection) -> None:
        # One type for each kind of value, however large it is: otherwise every mixture would be a prepared statement of its own.
        for type_, text, binary in ((int, Int8Dumper, Int8BinaryDumper), (str, StrDumper, StrBinaryDumper)):
            connection.adapters.register_dumper(type_, text)  # lists are sent as text
            connection.adapters.register_dumper(type_, binary)
        set_json_loads(codec.load, connection)
        asked = {"pid": connection.info.backend_pid, "names": list(self._session), "values": list(self._session.values())}
        ((pid, timeline, *_),) = await (await connection.execute(_SETTLE, asked)).fetchall()
        if pid != connection.info.backend_pid:  # the number is one that a pooler has made up
            connection.prepare_threshold = None
        self._note(timeline)

    def _note(self, timeline: str | None) -> None:
        known = self._timeline
        if timeline in (None, known):
            return
        self._timeline = timeline
        if known is not None:
            logger.warning("Another server has taken over the database: timeline %s follows on %s", timeline, known)
            for tell in self.taken_over:
                tell()


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


def _is_of_journal(record: logging.LogRecord) -> bool:
    """Whoever reads at a replica says by itself when that cannot be reached, once."""
    return not (isinstance(record.args, tuple) and REPLICA in record.args)


logging.getLogger("psycopg.pool").addFilter(_is_of_journal)
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
    if error.sqlstate == DISK_FULL:
        return NoRoom()
    if error.sqlstate == READ_ONLY:
        return ReadOnly()
    return TooSlow() if error.sqlstate == QUERY_CANCELED else Unavailable()


def given_up(error: Exception, last: psycopg.Error | None = None) -> Unavailable:
    """What to tell whoever was not waited for any longer: whether there was a connection, and no answer, or always the same one."""
    if last is not None and last.sqlstate == READ_ONLY:
        return ReadOnly()
    return TooSlow() if isinstance(error, TimeoutError) else Unavailable()


async def _with_fresh_plans(connection: Connection, work: "Work[_Result]", *, again: bool) -> _Result:
    try:
        return await work(connection, again)
    except errors.FeatureNotSupported:
        # A migration changed the type of a column under a prepared statement.
        await connection.execute("deallocate all")
        return await work(connection, again)
