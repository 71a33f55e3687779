"""Incidents posted at a steady pace, whether or not the server keeps up with it."""

import asyncio
import json
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

CREATED = b"HTTP/1.1 201"


class Refused(Exception):
    """An incident was not taken."""


def scattered(number: int) -> int:
    """Another number; those of numbers beside each other have little in common."""
    return number * 7919 % 1_000_003


def even(number: int) -> int:
    """Each level as often as any other."""
    return 1 + scattered(number) % 5


async def post(
    url: str,
    tokens: Sequence[str],
    *,
    count: int,
    seconds: float,
    customers: int,
    sites: int,
    connections: int = 32,
    level: Callable[[int], int] = even,
) -> tuple[list[float], list[float]]:
    """
    Post so many incidents, evenly over so many seconds; `level` gives the level of each by its number.

    Returns:
        When each was to be posted by `time.monotonic`, and how many seconds later it was answered: waiting for a connection counts.

    Raises:
        Refused: one was not taken.
    """
    address = urlsplit(url)
    free: asyncio.Queue[tuple[StreamReader, StreamWriter]] = asyncio.Queue()
    opened = [await asyncio.open_connection(address.hostname, address.port) for _ in range(connections)]
    for connection in opened:
        free.put_nowait(connection)
    began, took = [0.0] * count, [0.0] * count
    first = time.monotonic()

    async def one(number: int) -> None:
        reader, writer = connection = await free.get()
        body = _body(number, customers, sites, level(number))
        writer.write(
            b"POST /api/v2/incidents/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Token %b\r\nContent-Length: %d\r\n\r\n%b" % (tokens[number % len(tokens)].encode(), len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = await reader.readexactly(length)
        if not head.startswith(CREATED):
            raise Refused(f"{head.decode()}{answer.decode()}")
        took[number] = time.monotonic() - began[number]
        free.put_nowait(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            began[number] = first + number * seconds / count
            if (early := began[number] - time.monotonic()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(number))
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()
    return began, took


def _body(number: int, customers: int, sites: int, level: int) -> bytes:
    x = scattered(number)
    host, problem = f"sw{x % 97:02d}-{x % 8000:04d}.example.org", ("linkDown", "bgpDown", "psuFailure", "diskFull", "latency")[x % 5]
    tags = {
        "host": host,
        "object": f"ge-{x % 8}/{x % 4}/{x % 125}",
        "location": f"site-{x % sites}",
        "customer": f"customer-{x % customers}",
        "problem_type": problem,
    }
    incident = {
        "start_time": datetime.now(UTC).isoformat(),
        "end_time": "infinity",
        "source_incident_id": f"alarm-{number}",
        "details_url": f"https://nms.example.org/alarm/{number}",
        "description": f"alarm-{number}- {problem} on {host}, raised by a poller",
        "level": level,
        "metadata": {},
        "tags": [{"tag": f"{key}={value}"} for key, value in tags.items()],
    }
    return json.dumps(incident).encode()
