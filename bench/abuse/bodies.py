"""Bodies that are too large, too deep or too wide."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from bench.abuse.watched import Watched
from bench.abuse.wire import answered, connected, head

AT_ONCE = 50
MEGABYTE = 1024 * 1024
_REPORT = b'{"start_time": "2026-11-23T08:00:00Z", "tags": [], "metadata": %b}'
DEEP = _REPORT % (b'{"a":' * 150_000 + b"1" + b"}" * 150_000)
WIDE = _REPORT % (b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(70_000)) + b"}")
TAGS = b'{"start_time": "2026-11-23T08:00:00Z", "tags": [%b]}' % b",".join(b'{"tag":"k=%d"}' % number for number in range(60_000))
BARE = b"[" * 1_000_000
REFUSED = {400, 413, 429}


def bodies(watched: Watched, count: int, token: str) -> bool:
    """Over fifty connections, one after the other; each has to be refused in words, or hung up on while it still arrives."""
    with watched.during():
        found = asyncio.run(_sent(watched.url, count, token))
    told = "; ".join(
        f"{kind}: {', '.join(f'{times:,} times {status}' for status, times in sorted(of.items()))}" for kind, of in found.items()
    )
    # Whoever is refused before all has been sent may find the connection closed before the answer is read.
    good = all(set(of) <= REFUSED | {0} for of in found.values()) and all(set(of) & REFUSED for of in found.values())
    return watched.told(f"{count:,} bodies", told) and good


def _kinds(token: str) -> dict[str, tuple[bytes, ...]]:
    """What is sent of each kind, piece by piece."""
    long = head(token, b"Content-Length: %d\r\n" % (100 * MEGABYTE))
    chunk = b"%x\r\n%b\r\n" % (MEGABYTE // 4, b" " * (MEGABYTE // 4))
    whole = {
        "deep": DEEP,
        "wide": WIDE,
        "many tags": TAGS,
        "nothing but brackets": BARE,
    }
    return {
        "large": (long, *(b" " * MEGABYTE,) * 4),
        "large in chunks": (head(token, b"Transfer-Encoding: chunked\r\n"), *(chunk,) * 16),
        **{kind: (head(token, b"Content-Length: %d\r\n" % len(body)), body) for kind, body in whole.items()},
    }


async def _sent(url: str, count: int, token: str) -> dict[str, Counter[int]]:
    kinds = _kinds(token)
    found: dict[str, Counter[int]] = {kind: Counter() for kind in kinds}
    todo = (kind for kind, _ in zip(cycle(kinds), range(count), strict=False))
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(_send_each(url, todo, kinds, found))
    return found


async def _send_each(url: str, todo: Iterator[str], kinds: dict[str, tuple[bytes, ...]], found: dict[str, Counter[int]]) -> None:
    for kind in todo:
        found[kind][await _status(url, kinds[kind])] += 1


async def _status(url: str, pieces: tuple[bytes, ...]) -> int:
    """How this is answered; 0 if it is hung up on."""
    reader, writer = await connected(url)

    async def send() -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(60):
            return (await answered(reader))[0]
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        if not sending.cancelled():
            sending.exception()
        writer.transport.abort()
