"""
What the processes that the supervisor starts have in common.

They are told by a pipe what to do, and that pipe stays open as long as the supervisor lives: when it ends, however that came about, they
end too. By another pipe they say when they are ready, and every second that they are well.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import msgspec

from adapters import logs
from adapters.settings import Settings, as_path

_STDIN = 0
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment that names the folder in which processes count together."""

READY = b"r"
WELL = b"."
HEARTBEAT = 1.0
"""So many seconds lie between two signs of being well."""

STOP_WITHIN = 15.0
"""Whoever has not ended so many seconds after being told to is ended."""

Work: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]
"""What a process does until the event is set."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a process needs to know."""

    database_url: str
    settings: Settings
    shown: tuple[tuple[str, str, str], ...] = ()
    """What the settings are called, hold, and come from, for people to look at."""

    def to_line(self) -> bytes:
        """The orders as they are sent."""
        return msgspec.json.encode(self, enc_hook=str) + b"\n"


class Parent:
    """The supervisor as its processes see it."""

    def __init__(self, told: int) -> None:
        os.set_inheritable(told, False)
        os.set_blocking(told, False)
        self._told = told

    def orders(self) -> Orders:
        """Wait for what is to be done, and from then on for the end of the supervisor."""
        line = b""
        while not line.endswith(b"\n"):
            part = os.read(_STDIN, 65_536)
            if not part:
                sys.exit("The supervisor has gone.")
            line += part
        orders = msgspec.json.decode(line, type=Orders, dec_hook=as_path)
        logs.configure(orders.settings.log_level, orders.settings.log_format)
        threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
        return orders

    def run(self, work: Work) -> None:
        """Work until told to stop."""
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._run(work))

    def ready(self) -> None:
        """Say that the work can be done now."""
        self._say(READY)

    async def _run(self, work: Work) -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        heart = asyncio.create_task(self._beat())
        try:
            await work(stopping)
        finally:
            heart.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._say(WELL)

    def _say(self, word: bytes) -> None:
        # A supervisor that is stopped does not listen; that it has gone is told by the other pipe.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._told, word)


def _end_with_parent() -> None:
    # Not by sys.stdin: a thread that waits in there keeps Python from ending.
    while os.read(_STDIN, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_WITHIN)
    os._exit(1)
