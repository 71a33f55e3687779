"""
Abuse a server, and see that it goes on and does not swell: a flood of incidents, thousands of idle connections, clients that read nothing.

The exit code is 1 when somebody was answered otherwise than promised, when a person waited longer than two seconds beside it, or when the
memory of all processes together grew by more than it may.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from bench import report, server, sink
from bench.machine import memory

MOST_WAIT = 2.0
MOST_MB = 400.0
"""So much may be added for ten thousand connections, or for a flood."""
CREATED = 201
PROMISED = {CREATED, 429, 503}
FLOODING, READING_NOTHING = 200, 50
BEHIND_EACH_OTHER = 80
EVERY = 0.5


@dataclass(slots=True)
class Watched:
    """A person who goes on working beside it, and what the processes of the server hold meanwhile."""

    url: str
    token: str
    pid: int
    waited: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    sent_away: int = 0
    first: dict[str, float] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def during(self) -> Iterator[None]:
        self.waited.clear()
        self.first, self.most = memory(self.pid), {}
        stopping = threading.Event()
        threads = [threading.Thread(target=work, args=(stopping,)) for work in (self._work, self._weigh)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            for thread in threads:
                thread.join()

    def _work(self, stopping: threading.Event) -> None:
        with httpx.Client(headers={"Authorization": f"Token {self.token}"}, timeout=30) as client:
            while not stopping.wait(EVERY):
                began = time.monotonic()
                try:
                    answer = client.get(f"{self.url}/api/v2/incidents/?open=true&page_size=20")
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                else:
                    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers:
                        self.sent_away += 1
                    elif answer.status_code != httpx.codes.OK:
                        self.failed.append(f"{answer.status_code} {answer.text[:100]}")
                self.waited.append(time.monotonic() - began)

    def _weigh(self, stopping: threading.Event) -> None:
        while not stopping.wait(EVERY):
            now = memory(self.pid)
            self.most = {role: max(size, self.most.get(role, 0)) for role, size in now.items()}

    def told(self, what: str, more: str) -> bool:
        """Tell how it went; gives whether it went as it should."""
        grown = sum(self.most.values()) - sum(self.first.values())
        each = ", ".join(f"{role} {self.first.get(role, 0):.0f} to {size:.0f}" for role, size in sorted(self.most.items()))
        print(
            f"{what}: {more}. Somebody beside it waited {max(self.waited):.2f} s at most, and was told "
            f"to come back {self.sent_away} times; MB {each}; {len(self.failed)} failed.",
            flush=True,
        )
        print(*self.failed[:3], sep="\n", end="\n" if self.failed else "")
        good = not self.failed and max(self.waited) <= MOST_WAIT and grown <= MOST_MB
        self.failed.clear()
        self.sent_away = 0
        return good


def main() -> int:
    options = _options()
    server.heed_signals()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = min(options.connections, hard - 1000)
    with tempfile.TemporaryDirectory(prefix="argus-bench-") as folder, sink.running() as mails, server.database() as (dsn, _):
        tokens = server.world(dsn)[0]
        person = tokens.pop("operator")
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {soft} open files were allowed, {hard} may be.", flush=True)
        with server.serving(dsn, Path(folder, "argus.log"), mails.settings) as (url, pid):
            watched = Watched(url, person, pid)
            good = [
                _flooded(watched, options.incidents, tokens),
                _idle(watched, connections),
                _unread(watched, person),
            ]
    report.say("")
    return int(not all(good))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--incidents", type=int, default=100_000, metavar="N", help="as fast as they come (100000)")
    parser.add_argument("--connections", type=int, default=10_000, metavar="N", help="that are idle (10000)")
    return parser.parse_args()


def _flooded(watched: Watched, incidents: int, tokens: Mapping[str, str]) -> bool:
    """Every source reports over two connections, the next as soon as there is an answer, and comes back when it is told to."""
    with watched.during():
        began = time.monotonic()
        statuses = asyncio.run(_flood(watched.url, incidents, list(tokens.values())))
        took = time.monotonic() - began
    told = ", ".join(f"{count:,} times {status}" for status, count in sorted(statuses.items()))
    more = f"{incidents:,} incidents in {took:.0f} s ({incidents / took:,.0f}/s) over {FLOODING} connections: {told}"
    return watched.told("A flood", more) and set(statuses) <= PROMISED


async def _flood(url: str, incidents: int, tokens: list[str]) -> Counter[int]:
    address = urlsplit(url)
    statuses: Counter[int] = Counter()
    numbers = iter(range(incidents))

    async def one(token: str) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for number in numbers:
            body = json.dumps(
                {"start_time": datetime.now(UTC).isoformat(), "description": f"flood {number}", "tags": [{"tag": f"host=sw{number % 997}"}]}
            ).encode()
            status = 0
            while status != CREATED:
                writer.write(
                    b"POST /api/v2/incidents/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    b"Authorization: Token %b\r\nContent-Length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
                )
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                status = int(head[9:12])
                fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                await reader.readexactly(int(fields[b"content-length"]))
                statuses[status] += 1
                if status not in PROMISED:
                    break
                if status != CREATED:
                    await asyncio.sleep(int(fields[b"retry-after"]))
        writer.close()

    async with asyncio.TaskGroup() as group:
        for number in range(FLOODING):
            group.create_task(one(tokens[number % len(tokens)]))
    return statuses


def _idle(watched: Watched, connections: int) -> bool:
    """Half of them say nothing at all, the other half begin a request and say no more."""
    with watched.during():
        opened, gone = asyncio.run(_idled(watched.url, connections))
    more = f"{opened:,} were open at once, and hung up on after {gone:.0f} s"
    return watched.told(f"{connections:,} idle connections", more) and opened == connections


async def _idled(url: str, connections: int) -> tuple[int, float]:
    address = urlsplit(url)
    opened = []
    for number in range(connections):
        for _ in range(20):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    reader, writer = await asyncio.open_connection(address.hostname, address.port)
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


def _unread(watched: Watched, token: str) -> bool:
    """They ask again and again, one request behind the other, and read nothing."""
    with watched.during():
        gone = asyncio.run(_unread_answers(watched.url, token))
    return (
        watched.told(f"{READING_NOTHING} clients that read nothing", f"{gone} were hung up on within a minute") and gone == READING_NOTHING
    )


async def _unread_answers(url: str, token: str) -> int:
    address = urlsplit(url)
    request = f"GET /api/v2/incidents/?page_size=100 HTTP/1.1\r\nHost: a\r\nAuthorization: Token {token}\r\n\r\n".encode()

    async def one() -> bool:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.transport.pause_reading()
        until = time.monotonic() + 75
        try:
            for _ in range(BEHIND_EACH_OTHER):
                writer.write(request)
            while time.monotonic() < until:
                await asyncio.sleep(1)
                if writer.transport.is_closing():
                    return True
                writer.write(b"G")  # it shows in the answer to this that the other side has hung up
        except ConnectionError:
            return True
        finally:
            writer.transport.abort()
        return False

    return sum(await asyncio.gather(*(one() for _ in range(READING_NOTHING))))


if __name__ == "__main__":
    sys.exit(main())
