"""Run a stranger's coroutines where they can block nobody: in a thread of its own, with a loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

from argus_core.domain.errors import said

_Answer = TypeVar("_Answer")

PARTING = 1.0
"""Whoever is asked to stop may still say for so many seconds what came of it."""


class Aside:
    """
    A thread that begins with the first coroutine and lasts as long as the process.

    Whatever blocks there, say a request that waits for a dead host, keeps others there waiting and nobody else: they are given up when
    their time is up.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, make: Callable[[], Coroutine[Any, Any, _Answer]]) -> _Answer:
        """
        What the coroutine gives, or whatever it raises. It is told to stop when this is.

        Raises:
            RuntimeError: it has raised what would have ended the thread.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            Thread(target=self._loop.run_forever, name=self._name, daemon=True).start()
        loop = self._loop
        answer: Future[_Answer] = Future()
        tasks: list[asyncio.Task[None]] = []
        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(_answered(make, answer))))
        waiting = asyncio.wrap_future(answer)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            await asyncio.wait([waiting], timeout=PARTING)
            if waiting.done() and not waiting.cancelled():
                return waiting.result()
            raise


async def _answered(make: Callable[[], Coroutine[Any, Any, _Answer]], answer: "Future[_Answer]") -> None:
    """Nothing gets out of here: it would end the thread."""
    try:
        result = await make()
    except asyncio.CancelledError:
        answer.cancel()
    except Exception as error:  # noqa: BLE001 - it is for whoever waits
        answer.set_exception(error)
    except BaseException as error:  # noqa: BLE001 - the same
        answer.set_exception(RuntimeError(said(error)))
    else:
        answer.set_result(result)
