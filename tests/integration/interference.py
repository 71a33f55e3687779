"""A proxy in front of PostgreSQL that does to connections what networks do."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from psycopg.conninfo import conninfo_to_dict, make_conninfo

PIECE = 65_536
SPARED = 4
"""So many answers of a connection are never swallowed: those while it is made."""


class Proxy:
    """
    Passes everything on, until it is told otherwise; by then open connections are treated so too.

    `cut` is the share of PostgreSQL's answers that are swallowed, and their connection closed: what was asked for has been done, and nobody
    hears of it. `cuts` counts them.
    """

    def __init__(self, dsn: str, random: Random) -> None:
        self._target = conninfo_to_dict(dsn)
        self._random = random
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._silent = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self.cut = 0.0
        self.cuts = 0

    @property
    def url(self) -> str:
        """Where the proxy is, as a URL."""
        user, password = (self._target.get(key) for key in ("user", "password"))
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@127.0.0.1:{self._port}/{self._target['dbname']}?sslmode=disable&gssencmode=disable"

    @property
    def dsn(self) -> str:
        """The way that leads past the proxy."""
        return make_conninfo(**self._target)

    def down(self) -> None:
        """Refuse connections and break those there are, as if PostgreSQL had been stopped."""
        self._do(self._close())

    def up(self) -> None:
        """Pass everything on again."""
        self._silent = False
        self._do(self._listen())

    def silent(self) -> None:
        """Take connections and whatever is sent, and answer nothing, as if the network had lost its way."""
        self._silent = True

    def start(self) -> None:
        self._thread.start()
        self.up()

    def stop(self) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            # A server that is closed forgets whom it has just accepted, so it stops accepting first, and these begin.
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            await asyncio.sleep(0.02)
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self._open.add(writer)
        try:
            with suppress(OSError):
                await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._connect()
        self._open.add(back)
        try:
            asking = asyncio.create_task(self._copy(reader, back))
            answering = asyncio.create_task(self._copy(there, writer, answers=True))
            done, rest = await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*done, *rest, return_exceptions=True)
        finally:
            self._open.discard(back)
            back.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._target.get("host", "localhost")), self._target.get("port", 5432)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        passed = 0
        while piece := await reader.read(PIECE):
            passed += 1
            if self._silent:
                continue
            if answers and passed > SPARED and self._random.random() < self.cut:
                self.cuts += 1
                return
            writer.write(piece)
            await writer.drain()


@contextmanager
def proxied(dsn: str, seed: int = 1) -> Iterator[Proxy]:
    """A proxy before this database until the end of the block."""
    proxy = Proxy(dsn, Random(seed))  # noqa: S311 - the same at every run
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
