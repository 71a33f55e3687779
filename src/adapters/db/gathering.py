"""What is asked for while a statement is under way goes together into the next one, so that all of it shares a round trip and a commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from argus_core.domain.errors import Unavailable

MOST = 100
"""So much goes into a statement."""

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[_Asked, _Answer]):
    """What somebody asked for, and waits for the answer to."""

    asked: _Asked
    answer: "asyncio.Future[_Answer]"
    patience: asyncio.TimerHandle | None


class Gathering(Generic[_Asked, _Answer]):
    """
    Does one thing at a time while one is asked for at a time, and as many together as there are while one is done. Nothing waits for others
    to come.

    `do` gives an answer to each. When it fails though the store is there, each is done alone: one shall not spoil the rest.
    Those with the same `turn` share a turn: the others of many do not hold up one of another turn.
    `patience` is how long, in seconds, one waits for one's turn.
    """

    def __init__(
        self,
        do: Callable[[Sequence[_Asked]], Awaitable[Sequence[_Answer]]],
        *,
        turn: Callable[[_Asked], Hashable] = lambda _: None,
        patience: float | None = None,
    ) -> None:
        self._do, self._turn, self._patience = do, turn, patience
        self._waiting: dict[Hashable, deque[_Waiting[_Asked, _Answer]]] = {}
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, asked: _Asked) -> _Answer:
        """
        The answer to this.

        Raises:
            Unavailable: whether it was done is unknown, or its turn did not come in time.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Answer] = loop.create_future()
        patience = None if self._patience is None else loop.call_later(self._patience, _refuse, answer)
        self._waiting.setdefault(self._turn(asked), deque()).append(_Waiting(asked, answer, patience))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while some := self._some():
                await self._together(some)
        finally:
            self._working = None

    def _some(self) -> list[_Waiting[_Asked, _Answer]]:
        """Of those who still wait as many as a statement is for, one of each turn after the other."""
        some: list[_Waiting[_Asked, _Answer]] = []
        while self._waiting and len(some) < MOST:
            turn = next(iter(self._waiting))
            queue = self._waiting.pop(turn)
            waiting = queue.popleft()
            if queue:
                self._waiting[turn] = queue  # behind all others
            if waiting.patience is not None:
                waiting.patience.cancel()
            if not waiting.answer.done():  # whoever waited may have gone
                some.append(waiting)
        return some

    async def _together(self, some: Sequence[_Waiting[_Asked, _Answer]]) -> None:
        try:
            answers = await self._do([waiting.asked for waiting in some])
        except Exception as error:  # noqa: BLE001 - it is for those who wait
            if len(some) == 1 or isinstance(error, Unavailable):
                for waiting in some:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(Unavailable() if isinstance(error, Unavailable) else error)
            else:
                for waiting in some:
                    await self._together([waiting])
        else:
            for waiting, answer in zip(some, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)


def _refuse(answer: "asyncio.Future[_Answer]") -> None:
    if not answer.done():
        answer.set_exception(Unavailable())
