"""HTTP by hand, since clients that behave do not do such things."""

import asyncio
import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

CREATED = 201
PROMISED = {CREATED, 429, 503}
_HEAD = b"POST /api/v2/incidents/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Token %b\r\n"


async def connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server."""
    address = urlsplit(url)
    return await asyncio.open_connection(address.hostname, address.port)


def head(token: str, more: bytes = b"") -> bytes:
    """The head of a report, with more fields."""
    return _HEAD % token.encode() + more + b"\r\n"


def report(token: str, what: str, number: int) -> bytes:
    """A report as it should be."""
    told = {"start_time": datetime.now(UTC).isoformat(), "description": f"{what} {number}", "tags": [{"tag": f"host=sw{number % 997}"}]}
    body = json.dumps(told).encode()
    return head(token, b"Content-Length: %d\r\n" % len(body)) + body


async def answered(reader: asyncio.StreamReader) -> tuple[int, dict[bytes, bytes]]:
    """Status and fields of the next answer; its body is read and dropped."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines[1:-2])
    await reader.readexactly(int(fields[b"content-length"]))
    return int(lines[0][9:12]), fields
