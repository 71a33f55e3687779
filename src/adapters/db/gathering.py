"""What is asked for while a statement is under way goes together into the next one, so that all of it shares a round trip and a commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from argus_core.domain.errors import TooOften, Unavailable

MOST = 100
"""So much goes into a statement."""

MOST_WAITING = 4_096
"""So much may wait; whatever comes then is refused at once, and takes no memory."""

LATER = timedelta(seconds=1)

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
    `patience` is how long, in seconds, one waits for one's turn, `share` how much of one turn may wait: a source that asks for more than is
    done is told so, and others need not wait for it.
    """

    def __init__(
        self,
        do: Callable[[Sequence[_Asked]], Awaitable[Sequence[_Answer]]],
        *,
        turn: Callable[[_Asked], Hashable] = lambda _: None,
        patience: float | None = None,
        share: int = MOST_WAITING,
    ) -> None:
        self._do, self._turn, self._patience, self._share = do, turn, patience, share
        self._waiting: dict[Hashable, deque[_Waiting[_Asked, _Answer]]] = {}
        self._count = 0
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, asked: _Asked) -> _Answer:
        """
        The answer to this.

        Raises:
            Unavailable: whether it was done is unknown, or its turn did not come in time, or too much waits.
            TooOften: too much waits of the same turn.
        """
        turn = self._turn(asked)
        if self._count >= MOST_WAITING:
            raise Unavailable
        if len(self._waiting.get(turn, ())) >= self._share:
            raise TooOften("Too many requests of this source wait already; send fewer at a time.", LATER)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Answer] = loop.create_future()
        patience = None if self._patience is None else loop.call_later(self._patience, _refuse, answer)
        waiting = _Waiting(asked, answer, patience)
        self._waiting.setdefault(turn, deque()).append(waiting)
        self._count += 1
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        try:
            return await answer
        except BaseException:
            self._leave(turn, waiting)
            raise

    def _leave(self, turn: Hashable, waiting: _Waiting[_Asked, _Answer]) -> None:
        """Whoever goes before their turn takes no room any more."""
        queue = self._waiting.get(turn, deque())
        if waiting in queue:
            queue.remove(waiting)
            self._count -= 1
            if not queue:
                del self._waiting[turn]

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
            self._count -= 1
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
                        waiting.answer.set_exception(type(error)() if isinstance(error, Unavailable) else error)
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
