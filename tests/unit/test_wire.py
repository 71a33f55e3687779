"""Requests arrive in time or not at all; an answer leaves in one packet, and nothing is held longer than a turn of the loop."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from adapters import wire
from adapters.wire import OneWrite, Protocol, lose_patience

pytestmark = pytest.mark.anyio


class Transport:
    """Notes what is written, and in how many writes."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.written.append("closed")

    def is_closing(self):
        return "closed" in self.written


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
async def one(transport):
    return OneWrite(transport, asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write(one, transport):
    one.write(b"head ")
    one.write(b"body")
    await asyncio.sleep(0)

    assert [b"head body"] == transport.written


async def test_what_comes_alone_is_written_at_once(one, transport):
    for part in (b"first", b"second"):
        one.write(part)
        await asyncio.sleep(0)

    assert [b"first", b"second"] == transport.written


async def test_everything_is_written_before_it_closes(one, transport):
    one.write(b"last")
    one.close()
    await asyncio.sleep(0)

    assert [b"last", "closed"] == transport.written
    assert one.is_closing()


@pytest.fixture
def state():
    """What a server knows of its connections."""
    return ServerState()


@pytest.fixture
async def port(monkeypatch, state):
    """Of a server that says how long the body was, or says very much, and looks for late ones all the time."""
    monkeypatch.setattr(wire, "ARRIVES_WITHIN", 0.3)
    monkeypatch.setattr(wire, "TAKEN_WITHIN", 0.3)

    async def app(scope, receive, send):
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length, more = length + len(message["body"]), message.get("more_body", False)
        body = b"y" * MUCH if scope["path"] == "/much" else str(length).encode()
        headers = [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, http=Protocol, lifespan="off", log_config=None, ws="none", port=0)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)

    async def look():
        while True:
            lose_patience(state.connections, loop.time())
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    yield server.sockets[0].getsockname()[1]
    looking.cancel()
    server.close()


MUCH = 16_000_000


async def said(port, *parts, pause=0.0):
    """What is answered until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(5):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            answer = await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


BODY = b"x" * 300_000
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n"


async def test_what_arrives_in_time_is_answered(port):
    assert (await said(port, HEAD + BODY)).endswith(b"300000")
    assert (await said(port, HEAD, BODY[:200_000], BODY[200_000:], pause=0.02)).endswith(b"300000")


@pytest.mark.parametrize("parts", [(), (b"POST / HT",), (HEAD,), (HEAD, b"x")], ids=["nothing", "half a head", "no body", "half a body"])
async def test_what_does_not_arrive_is_not_waited_for(port, parts):
    began = asyncio.get_running_loop().time()

    assert await said(port, *parts) == b""

    assert asyncio.get_running_loop().time() - began < 3


async def test_drops_do_not_make_a_request_last(port):
    assert await said(port, b"GET / HTTP/1.1\r\n", *[b"A: b\r\n"] * 100, pause=0.05) == b""


@pytest.mark.parametrize("part", [b"A: " + b"b" * 10_000 + b"\r\n", b"b" * 10_000], ids=["many headers", "an endless one"])
async def test_heads_are_bounded(port, part, monkeypatch):
    monkeypatch.setattr(wire, "ARRIVES_WITHIN", 1000.0)

    answer = await said(port, b"GET / HTTP/1.1\r\nC: ", *[part] * 40, pause=0.001)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_an_answer_that_nobody_takes_is_not_kept(port, state):
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.transport.pause_reading()
    writer.write(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
    await asyncio.sleep(0.1)
    kept = [connection.transport.get_write_buffer_size() for connection in state.connections]
    async with asyncio.timeout(5):
        while state.connections:  # noqa: ASYNC110 - uvicorn's own set
            await asyncio.sleep(0.05)
    writer.close()

    assert [True] == [size > 0 for size in kept]


async def test_an_answer_that_is_taken_slowly_arrives_whole(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=100_000)
    writer.write(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
    length = 0
    while part := await reader.read(400_000):
        length += len(part)
        await asyncio.sleep(0.02)
    writer.close()

    assert length > MUCH
