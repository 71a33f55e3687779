"""Breakers: a provider that fails again and again is left alone for a while, and then tried with one message."""

from dataclasses import dataclass, replace

FAILURES = 5
"""After so many failures in a row it opens."""

PAUSE, LONGEST = 30.0, 300.0
"""It stays open for so many seconds, twice as long each time, up to the longest."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of a provider: failures in a row, and until when (seconds of a clock that only goes forward) it is left alone."""

    failures: int = 0
    until: float = float("-inf")

    @property
    def is_closed(self) -> bool:
        """Whether everything may be sent."""
        return self.failures < FAILURES

    def lets_pass(self, now: float) -> bool:
        """Whether something may be sent: everything while it is closed, one message when it has been open long enough."""
        return self.is_closed or now >= self.until

    def after(self, *, worked: bool, now: float) -> "Breaker":
        """What is known after one more message."""
        if worked:
            return Breaker()
        if not self.lets_pass(now):
            return self  # it was under way already when this one opened
        failures = self.failures + 1
        if failures < FAILURES:
            return replace(self, failures=failures)
        return Breaker(failures, now + min(PAUSE * 2 ** min(failures - FAILURES, 10), LONGEST))
