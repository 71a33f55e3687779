"""How something grows, from pairs of a size and a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

Points = Sequence[tuple[float, float]]
NOISE = 0.05
"""An exponent may be greater by so much than that of the logarithm over the same sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """
    What fits best: time ~ size ** exponent, and time ~ at + slope * ln(size), of which `explained` of what varies is explained.

    `allowed` is the exponent that ln(size) itself has over these sizes.
    """

    exponent: float
    allowed: float
    at: float
    slope: float
    explained: float

    @property
    def holds(self) -> bool:
        """Whether it grows no faster than log n."""
        return self.exponent <= self.allowed + NOISE


def fit(points: Points) -> Fit:
    """Least squares; the logarithms of sizes are fitted for exponents, so that each size counts the same."""
    sizes = [log(size) for size, _ in points]
    times = [time for _, time in points]
    exponent, _ = line(sizes, [log(time) for time in times])
    usable = [size for size in sizes if size > 0]  # of 1, the logarithm has none
    allowed, _ = line(usable, [log(size) for size in usable])
    slope, at = line(sizes, times)
    mean = sum(times) / len(times)
    left = sum((time - at - slope * size) ** 2 for size, time in zip(sizes, times, strict=True))
    whole = sum((time - mean) ** 2 for time in times)
    return Fit(exponent=exponent, allowed=allowed, at=at, slope=slope, explained=1 - left / whole if whole else 1.0)


def line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """The slope of the line through the points that fits best, and where it begins."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((one - x) ** 2 for one in xs)
    slope = sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / spread if spread else 0.0
    return slope, y - slope * x
