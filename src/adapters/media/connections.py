"""Connections to a mail server, kept while there is more to send: a greeting, a key exchange and a login serve for many messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiosmtplib

MOST_CONNECTIONS = 8
MOST_MESSAGES = 100
"""Over one connection: mail servers grow tired of those who never leave."""
IDLE_SECONDS = 10.0


@dataclass(slots=True)
class Connection:
    """One connection, how many messages went over it, and until when it is kept."""

    client: aiosmtplib.SMTP
    messages: int = 0
    until: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether it has been used before: then it may have died meanwhile."""
        return self.messages > 0

    def part(self) -> None:
        """Say goodbye, without waiting for an answer: nothing depends on it."""
        if self.client.is_connected and self.client.protocol:
            self.client.protocol.write(b"QUIT\r\n")
        self.client.close()


class Connections:
    """At most `MOST_CONNECTIONS` to one server, as `connect` makes them."""

    def __init__(self, connect: Callable[[], Awaitable[aiosmtplib.SMTP]]) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)
        self._tidying: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def one(self, *, new: bool = False) -> AsyncIterator[Connection]:
        """
        A connection for one message. It is kept for the next when the block ends well; otherwise it is closed at once.

        Raises:
            SMTPException, OSError: there is no getting through to the server.
        """
        async with self._free:
            connection = (None if new else self._last()) or Connection(await self._connect())
            try:
                yield connection
            except BaseException:
                connection.client.close()
                raise
            connection.messages += 1
            self._keep(connection)

    def close(self) -> None:
        """Let go of all that are kept."""
        if self._tidying:
            self._tidying.cancel()
            self._tidying = None
        while self._idle:
            self._idle.pop().part()

    def _last(self) -> Connection | None:
        """The one that was used last: so those that are not needed grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.client.is_connected:
                return connection
        return None

    def _keep(self, connection: Connection) -> None:
        if connection.messages >= MOST_MESSAGES:
            connection.part()
            return
        loop = asyncio.get_running_loop()
        connection.until = loop.time() + IDLE_SECONDS
        self._idle.append(connection)
        if self._tidying is None:
            self._tidying = loop.call_later(IDLE_SECONDS, self._tidy)

    def _tidy(self) -> None:
        """Part with those that nobody needed for long, and look again when the next is due."""
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0].until <= loop.time():
            self._idle.pop(0).part()
        self._tidying = loop.call_at(self._idle[0].until, self._tidy) if self._idle else None
