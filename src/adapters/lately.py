"""What was found out a moment ago is good enough for everybody who asks meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

_Found = TypeVar("_Found")


class Lately(Generic[_Found]):
    """Finds something out at most once in so many seconds, however many ask at the same time."""

    def __init__(self, find: Callable[[], Awaitable[_Found]], good_for: float, seconds: Callable[[], float] = monotonic) -> None:
        self._find, self._good_for, self._seconds = find, good_for, seconds
        self._looking = asyncio.Lock()
        self._last: tuple[float, _Found] | None = None

    async def __call__(self) -> _Found:
        """What was found out last, or now."""
        async with self._looking:
            if self._last is None or self._seconds() - self._last[0] >= self._good_for:
                found = await self._find()
                self._last = self._seconds(), found
            return self._last[1]
