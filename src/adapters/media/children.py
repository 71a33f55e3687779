"""Processes that do one thing at a time: kept while there is more to do, and ended when they take too long."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress

MOST_CHILDREN = 8
IDLE_SECONDS = 30.0
MOST_LINE = 65_536


class Failed(Exception):
    """The process has ended, or said what nobody understands."""


class Unfinished(Exception):
    """The caller did not wait for the answer, and the process was at it."""


class Children:
    """
    At most `MOST_CHILDREN` processes that run a module, each with nothing but this environment.

    Each is told `first` once; then it answers every line with a line.
    """

    def __init__(self, module: str, environment: Mapping[str, str], first: bytes) -> None:
        self._module, self._environment, self._first = module, dict(environment), first
        self._free = asyncio.Semaphore(MOST_CHILDREN)
        self._idle: list[asyncio.subprocess.Process] = []
        self._tidying: asyncio.TimerHandle | None = None

    async def ask(self, line: bytes, seconds: float) -> bytes:
        """
        The answer to a line. A process that does not answer in time, or is not waited for, is ended.

        Raises:
            TimeoutError: there was none in time.
            Failed: the process has ended.
            Unfinished: the caller does not wait any more; in place of `CancelledError`.
        """
        async with self._free:
            child = self._idle.pop() if self._idle else await self._begin()
            try:
                async with asyncio.timeout(seconds):
                    answer = await _asked(child, line)
            except asyncio.CancelledError as error:
                await _end(child)
                raise Unfinished from error
            except BaseException:
                await _end(child)
                raise
            self._keep(child)
            return answer

    async def close(self) -> None:
        """End all that are kept."""
        if self._tidying:
            self._tidying.cancel()
            self._tidying = None
        while self._idle:
            await _end(self._idle.pop())

    async def _begin(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-B",  # nothing is written, not even what would be quicker the next time
            "-P",  # nor is anything imported from where it happens to be
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
            limit=MOST_LINE,
            cwd="/",
            start_new_session=True,
        )
        _pipe(child).write(self._first)
        return child

    def _keep(self, child: asyncio.subprocess.Process) -> None:
        self._idle.append(child)
        if self._tidying:
            self._tidying.cancel()
        self._tidying = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go)

    def _let_go(self) -> None:
        """Nothing was asked for long: their input ends, and so do they."""
        self._tidying = None
        while self._idle:
            _pipe(self._idle.pop()).close()


async def _asked(child: asyncio.subprocess.Process, line: bytes) -> bytes:
    if child.stdout is None:
        raise AssertionError("it was started with a pipe")
    try:
        _pipe(child).write(line)
        await _pipe(child).drain()
        answer = await child.stdout.readline()
    except (OSError, ValueError) as error:
        raise Failed from error
    if not answer.endswith(b"\n"):
        raise Failed
    return answer


async def _end(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        child.kill()
    await child.wait()


def _pipe(child: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if child.stdin is None:
        raise AssertionError("it was started with a pipe")
    return child.stdin
