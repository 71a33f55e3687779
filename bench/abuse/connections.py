"""Connections that are no use: idle ones, slow ones, and those of clients that read nothing."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from bench.abuse.watched import Watched
from bench.abuse.wire import connected, head

READING_NOTHING, SLOW = 50, 1_000
BEHIND_EACH_OTHER = 200
"""So many requests one after the other: their answers are more than the system keeps for a connection."""

RECEIVED = 16 * 1024
"""The system keeps so many bytes for whoever reads nothing, so that the rest stays at the server."""

HUNG_UP_WITHIN = 75.0


def idle(watched: Watched, connections: int) -> bool:
    """Half of them say nothing at all, the other half begin a request and say no more."""
    with watched.during():
        opened, gone = asyncio.run(_idled(watched.url, connections))
    more = f"{opened:,} were open at once, and hung up on after {gone:.0f} s"
    return watched.told(f"{connections:,} idle connections", more) and opened == connections and gone <= HUNG_UP_WITHIN


async def _idled(url: str, connections: int) -> tuple[int, float]:
    opened = []
    for number in range(connections):
        for _ in range(20):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    reader, writer = await connected(url)
                    if number % 2:
                        writer.write(b"POST /api/v2/incidents/ HTTP/1.1\r\nHost: a\r\n")
                    opened.append((reader, writer))
                break
    began = time.monotonic()
    for reader, writer in opened:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(120):
                await reader.read()
        writer.close()
    return len(opened), time.monotonic() - began


def slow(watched: Watched, token: str) -> bool:
    """They send a report, a byte a second, and never come to its end."""
    with watched.during():
        lasted = asyncio.run(_slowly(watched.url, token))
    return _hung_up(watched, SLOW, "send by drops", lasted)


async def _slowly(url: str, token: str) -> list[float]:
    async def one() -> float | None:
        reader, writer = await connected(url)
        began = time.monotonic()
        writer.write(head(token, b"Content-Length: 1000\r\n"))
        gone = asyncio.ensure_future(reader.read())
        try:
            while time.monotonic() - began < HUNG_UP_WITHIN:
                writer.write(b" ")
                done, _ = await asyncio.wait([gone], timeout=1)
                if done:
                    gone.exception()
                    return time.monotonic() - began
        except ConnectionError:
            return time.monotonic() - began
        finally:
            gone.cancel()
            writer.transport.abort()
        return None

    return await _all_of(SLOW, one)


def unread(watched: Watched, token: str) -> bool:
    """They ask again and again, one request behind the other, and read nothing."""
    with watched.during():
        lasted = asyncio.run(_unread_answers(watched.url, token))
    return _hung_up(watched, READING_NOTHING, "read nothing", lasted)


async def _unread_answers(url: str, token: str) -> list[float]:
    address = urlsplit(url)
    request = f"GET /api/v2/incidents/?page_size=100 HTTP/1.1\r\nHost: a\r\nAuthorization: Token {token}\r\n\r\n".encode()

    async def one() -> float | None:
        with socket.socket() as mine:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
            mine.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(mine, (address.hostname, address.port))
            began = time.monotonic()
            await loop.sock_sendall(mine, request * BEHIND_EACH_OTHER)
            while time.monotonic() - began < HUNG_UP_WITHIN:
                await asyncio.sleep(1)
                try:
                    mine.send(request)  # it shows in the answer to this that the other side has hung up
                except BlockingIOError:
                    continue
                except ConnectionError:
                    return time.monotonic() - began
        return None

    return await _all_of(READING_NOTHING, one)


async def _all_of(count: int, one: Callable[[], Awaitable[float | None]]) -> list[float]:
    """After how many seconds each of so many was hung up on, of those that were."""
    return [seconds for seconds in await asyncio.gather(*(one() for _ in range(count))) if seconds is not None]


def _hung_up(watched: Watched, count: int, what: str, lasted: list[float]) -> bool:
    more = f"{len(lasted):,} were hung up on, after {min(lasted, default=0):.0f} to {max(lasted, default=0):.0f} s"
    return watched.told(f"{count:,} clients that {what}", more) and len(lasted) == count
