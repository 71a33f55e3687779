"""
HTTP on the wire: how requests arrive, and how answers leave.

Requests have to arrive whole within half a minute, and their heads are bounded; uvicorn would wait for ever, and keep whatever comes.
Answers have to be read: when nothing is taken of one for half a minute, the rest is thrown away.
They leave in one packet. uvicorn writes the head and the body apart, and each write would wake whoever waits for it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVES_WITHIN = 30.0
"""A request that has not arrived after so many seconds is not waited for any more, nor is one that has not begun."""

TAKEN_WITHIN = 30.0
"""Of an answer, something has to be taken in so many seconds."""

MOST_HEAD = 64 * 1024
"""So many bytes of a head are kept, and the packet that it ends in."""


class OneWrite:
    """A transport that writes a head together with the body behind it; alone it is written as soon as nothing else is to be done."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop, self._held = transport, loop, b""

    def write(self, data: bytes) -> None:
        """Write this, or hold it until the next call or turn of the loop."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
        else:
            self._held = data
            self._loop.call_soon(self._write_held)

    def close(self) -> None:
        """Close when everything is written."""
        self._write_held()
        self._transport.close()

    def _write_held(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport has
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with fewer writes and less patience."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """See asyncio.Protocol."""
        super().connection_made(cast("asyncio.Transport", OneWrite(transport, self.loop)))
        self._arriving_since: float | None = self.loop.time()
        self._in_head, self._head_bytes = True, 0
        self._left, self._taken_at = 0, self.loop.time()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        super().data_received(data)
        if self._in_head and self._arriving_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD and not self.transport.is_closing():
                self.send_400_response(f"The head of a request may have {MOST_HEAD} bytes.")

    def on_message_begin(self) -> None:
        """A request begins to arrive."""
        super().on_message_begin()
        self._arriving_since = self.loop.time()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Its head has arrived."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It has arrived."""
        self._arriving_since = None
        super().on_message_complete()

    def lose_patience(self, now: float) -> None:
        """Hang up when what is to arrive has taken too long, or what has been written is not taken."""
        left = self.transport.get_write_buffer_size()
        if left == 0 or left != self._left:
            self._left, self._taken_at = left, now
        late = self._arriving_since is not None and now - self._arriving_since > ARRIVES_WITHIN
        if late or now - self._taken_at > TAKEN_WITHIN:
            self.transport.abort()


def lose_patience(connections: Iterable[object], now: float) -> None:
    """Hang up on all that have taken too long; `now` is the time of the loop."""
    for connection in list(connections):
        if isinstance(connection, Protocol):
            connection.lose_patience(now)
