"""How answers leave: in one packet. uvicorn writes the head and the body apart, and each write would wake whoever waits for it."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


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
    """HTTP as uvicorn speaks it, with fewer writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """See asyncio.Protocol."""
        super().connection_made(cast("asyncio.Transport", OneWrite(transport, self.loop)))
