"""Signals that end a command in order: what it has begun is put away, as after Ctrl-C."""

import signal
import sys
from types import FrameType


class Ended(KeyboardInterrupt):
    """A signal said so. As what Ctrl-C raises, nobody takes it for an error, and psycopg stops what a server does for us."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


def end_in_order() -> None:
    """Take SIGTERM and SIGHUP, unless they are ignored (`nohup`). Commands that run until they are told to stop take them from us."""
    for number in signal.Signals:
        if number.name in ("SIGTERM", "SIGHUP") and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    """Interrupt, but nobody who is on the way out already."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Ended):
            return
        error = error.__context__
    raise Ended(number)
