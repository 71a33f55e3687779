"""What was measured in one run, of whatever kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Times are in milliseconds, `errors` are answers of 400 and above and lost connections."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    worst: float = 0
    errors: int = 0

    @classmethod
    def of(cls, took: Sequence[float], seconds: float = 0) -> "Run":
        """From what each took, in seconds; all of them together took `seconds`, or the sum."""
        milliseconds = [1000 * each for each in took]
        cuts = quantiles(milliseconds, n=100, method="inclusive") if len(took) > 1 else milliseconds * 99
        return cls(
            requests=len(took),
            seconds=seconds or sum(took),
            p50=median(milliseconds),
            p95=cuts[94],
            p99=cuts[98],
            worst=max(milliseconds),
        )

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds
