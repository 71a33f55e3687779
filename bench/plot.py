"""Plots as SVG, for light and dark pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 90, 250, 60, 80
LIGHT = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#57606a")
DARK = ("#58a6ff", "#f0883e", "#3fb950", "#bc8cff", "#ff7b72", "#8b949e")
DECADE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A name with its unit, and whether equal steps multiply."""

    name: str
    logarithmic: bool = True

    def place(self, value: float, low: float, high: float) -> float:
        """Where between both ends, 0 to 1."""
        if self.logarithmic:
            value, low, high = log10(value), log10(low), log10(high)
        return (value - low) / (high - low)

    def ends(self, values: Sequence[float]) -> tuple[float, float]:
        """Round ends around all values."""
        low, high = min(values), max(values)
        if self.logarithmic:
            first, last = floor(log10(low) + 1e-9), ceil(log10(high) - 1e-9)
            return 10.0**first, 10.0 ** max(last, first + 1)
        step = self._step(high)
        return 0.0, max(ceil(high / step), 1) * step

    def ticks(self, low: float, high: float) -> list[float]:
        """Where there is a number."""
        if self.logarithmic:
            return [10.0**power for power in range(round(log10(low)), round(log10(high)) + 1)]
        step = self._step(high)
        return [low + n * step for n in range(round((high - low) / step) + 1)]

    @staticmethod
    def _step(high: float) -> float:
        rough = max(high, 1e-9) / 5
        power = 10.0 ** floor(log10(rough))
        return next(power * n for n in (1, 2, 5, 10) if power * n >= rough)


def svg(title: str, x: Axis, y: Axis, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines through the points of each series, its name at its end."""
    return "\n".join(_lines(title, x, y, series)) + "\n"


def _lines(title: str, x: Axis, y: Axis, series: Mapping[str, Sequence[tuple[float, float]]]) -> Iterator[str]:
    left, right = x.ends([point[0] for points in series.values() for point in points])
    low, high = y.ends([point[1] for points in series.values() for point in points])

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * x.place(value, left, right)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y.place(value, low, high)

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'font-size="16" role="img" aria-labelledby="t">'
    )
    yield f'  <title id="t">{escape(title)}</title>'
    yield f"  <style>{_style(LIGHT, '#ffffff', '#1f2328', '#d0d7de')}"
    yield f"    @media (prefers-color-scheme: dark) {{ {_style(DARK, '#0d1117', '#e6edf3', '#30363d')} }}"
    yield "  </style>"
    yield f'  <rect class="back" width="{WIDTH}" height="{HEIGHT}"/>'
    yield f'  <text x="{LEFT}" y="34" font-size="20" font-weight="bold">{escape(title)}</text>'
    for tick in x.ticks(left, right):
        at = across(tick)
        yield f'  <path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        yield f'  <text x="{at:.1f}" y="{HEIGHT - BOTTOM + 24}" text-anchor="middle">{_number(tick)}</text>'
    for tick in y.ticks(low, high):
        at = up(tick)
        yield f'  <path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
        yield f'  <text x="{LEFT - 10}" y="{at + 6:.1f}" text-anchor="end">{_number(tick)}</text>'
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    yield f'  <text x="{middle:.0f}" y="{HEIGHT - 22}" text-anchor="middle">{escape(x.name)}</text>'
    centre = TOP + (HEIGHT - TOP - BOTTOM) / 2
    yield f'  <text transform="translate(24 {centre:.0f}) rotate(-90)" text-anchor="middle">{escape(y.name)}</text>'
    names = _apart({name: up(points[-1][1]) for name, points in series.items()})
    for number, (name, points) in enumerate(series.items()):
        colour = f"c{number % len(LIGHT)}"
        way = " ".join(f"{across(one):.1f},{up(other):.1f}" for one, other in points)
        yield f'  <polyline class="{colour}" points="{way}"/>'
        if len(points) <= 3 * DECADE:
            yield from (f'  <circle class="{colour}" cx="{across(one):.1f}" cy="{up(other):.1f}" r="4"/>' for one, other in points)
        yield f'  <text class="{colour}" x="{WIDTH - RIGHT + 14}" y="{names[name] + 5:.1f}">{escape(name)}</text>'
    yield "</svg>"


def _apart(wanted: Mapping[str, float], least: float = 22) -> dict[str, float]:
    """Heights for names so that none covers another, as near as can be to where they are wanted."""
    found: dict[str, float] = {}
    last = float(TOP)
    for name, at in sorted(wanted.items(), key=lambda pair: pair[1]):
        last = found[name] = max(at, last + least)
    return found


def _style(colours: Sequence[str], back: str, text: str, grid: str) -> str:
    lines = f".back {{ fill: {back} }} text {{ fill: {text} }} .grid {{ stroke: {grid}; fill: none }}"
    for number, colour in enumerate(colours):
        lines += f" polyline.c{number} {{ stroke: {colour}; stroke-width: 2.5; fill: none }} .c{number} {{ fill: {colour} }}"
        lines += f" polyline.c{number} {{ fill: none }}"
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 and value == round(value) else f"{value:g}"
