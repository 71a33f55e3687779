"""The stream of one open page: server-sent events, until the page or the session goes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

from adapters.web.live import Live, Look
from argus_core.domain.errors import Unavailable
from argus_core.usecases.reading import Reading

HEARTBEAT = 20.0
"""After so many quiet seconds something is sent all the same: it shows both sides, and whoever is in between, that the other is there."""

AGAIN = b"retry: 2000\n\n"
_BEAT = b"event: beat\ndata: \n\n"
"""Not a comment, which pages cannot see: they connect again when nothing comes."""
OVER = b"event: over\ndata: \n\n"
"""There is nobody any more to whom this could be told: the page need not ask again."""


async def told(live: Live, look: Look, reading: Reading, is_known: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """What the page is sent. Whether somebody is still logged in is asked at each beat, which is when nothing happens or much has."""
    yield AGAIN
    with live.looking(look, reading) as page:
        asked = monotonic()
        while not page.over:
            message = await page.next(HEARTBEAT)
            if page.over:
                return
            if monotonic() - asked >= HEARTBEAT:
                asked = monotonic()
                if not await _still(is_known):
                    yield OVER
                    return
            yield message or _BEAT


async def _still(is_known: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_known()
    except Unavailable:
        return True  # nobody can know at the moment
