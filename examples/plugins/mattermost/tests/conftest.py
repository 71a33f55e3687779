import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def receiver():
    """A server on this machine that keeps what it gets, and answers as it is told to: `async with receiver(b"HTTP/1.1 …") as got`."""

    @asynccontextmanager
    async def receiver(answer=b"HTTP/1.1 204 No Content\r\n\r\n"):
        got = SimpleNamespace(requests=[])

        async def serve(reader, writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            body = await reader.readexactly(int(headers["content-length"]))
            got.requests.append(SimpleNamespace(line=line, headers=headers, body=body))
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        got.port = server.sockets[0].getsockname()[1]
        try:
            yield got
        finally:
            server.close()

    return receiver
