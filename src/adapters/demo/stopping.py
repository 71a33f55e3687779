"""Signals that say to stop, until the supervisor takes them."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

from adapters.supervisor import Told

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_Thing = TypeVar("_Thing")


class Word:
    """
    The word to stop. The first signal gives it and, unless we are `patient`, interrupts; later ones disturb nobody on the way out.

    Python drops what is raised while it calls a finalizer or the callback of a weak reference, so interrupting alone is not enough: whoever
    works obeys the word between two steps.
    """

    def __init__(self) -> None:
        self.patient = False
        self._given = False

    def hear(self, _: int, __: FrameType | None) -> None:
        """Handle a signal."""
        again, self._given = self._given, True
        if not (again or self.patient):
            raise Told

    def obey(self) -> None:
        """
        Go on if nothing was said.

        Raises:
            Told: it was.
        """
        if self._given:
            raise Told

    def obeyed(self, things: Iterable[_Thing]) -> Iterator[_Thing]:
        """The same things, until the word is given."""
        for thing in things:
            self.obey()
            yield thing


@contextmanager
def until_told() -> Iterator[Word]:
    """Leave the block quietly when a signal says to stop."""
    word = Word()
    # What is ignored stays so: `nohup` and shells that start something in the background rely on it.
    numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    former = {number: signal.signal(number, word.hear) for number in numbers}
    try:
        with suppress(Told):
            yield word
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
