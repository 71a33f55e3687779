"""What is asked for while a statement is under way goes together into the next one, so that all of it shares a round trip and a commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from argus_core.domain.errors import Unavailable

MOST = 100
"""So much goes into a statement."""

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


class Gathering(Generic[_Asked, _Answer]):
    """
    Does one thing at a time while one is asked for at a time, and as many together as there are while one is done.

    `do` gives an answer to each. When it fails though the store is there, each is done alone: one shall not spoil the rest.
    """

    def __init__(self, do: Callable[[Sequence[_Asked]], Awaitable[Sequence[_Answer]]]) -> None:
        self._do = do
        self._waiting: list[tuple[_Asked, asyncio.Future[_Answer]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, asked: _Asked) -> _Answer:
        """
        The answer to this.

        Raises:
            Unavailable: whether it was done is unknown.
        """
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._together(some)
        finally:
            self._working = None

    async def _together(self, some: Sequence[tuple[_Asked, "asyncio.Future[_Answer]"]]) -> None:
        try:
            answers = await self._do([asked for asked, _ in some])
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            if len(some) == 1 or isinstance(error, Unavailable):
                for _, waiting in some:
                    if not waiting.done():
                        waiting.set_exception(Unavailable() if isinstance(error, Unavailable) else error)
            else:
                for one in some:
                    await self._together([one])
        else:
            for (_, waiting), answer in zip(some, answers, strict=True):
                if not waiting.done():  # whoever waited may have gone
                    waiting.set_result(answer)
