"""
The marks that are to be reached, and what a figure says about them; nothing is measured here.

Marks were set on a machine whose limits are known (`THERE`). The same limits are measured in each run, so a mark can
also be said as what it means
here: a mark of 1.5 ms is 3 ms where psycopg needs twice as long.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

THERE = {
    "post 1": 0.288,
    "post 8": 1 / 9.131,
    "post batch": 1 / 31.663,
    "post CPU": 0.20,
    "list 1": 0.57,
    "encode": 0.05,
    "import": 0.34,
}
"""Milliseconds for one on the machine where the marks were set, of several in flight the inverse of the rate; the import in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is to be reached; `scale` names the limit by which marks are scaled, and is empty where the machine makes no difference."""

    what: str
    unit: str
    at_least: float
    aim: float
    scale: str = ""
    more: bool = False
    """Whether more is better."""
    share: bool = False
    """Whether the marks are shares of the limit in the same run."""


MARKS = {
    "post 1": Mark(what="POST, 1 in flight, p50", unit="ms", at_least=1.2, aim=0.7, scale="post 1"),
    "post 8": Mark(what="POST, 8 in flight", unit="/s", at_least=0.4, aim=0.6, more=True, share=True),
    "post 64": Mark(what="POST, 64 in flight", unit="/s", at_least=0.8, aim=1.2, more=True, share=True),
    "post CPU": Mark(what="CPU per POST, 64 in flight", unit="ms", at_least=0.40, aim=0.20, scale="post CPU"),
    "lifecycle": Mark(what="POST, END, ACK, 8 in flight", unit="/s", at_least=800, aim=1500, more=True, scale="post 8"),
    "list": Mark(what="list of open and unacked, p50", unit="ms", at_least=1.5, aim=0.8, scale="list 1"),
    "filter": Mark(what="worst documented filter, p50", unit="ms", at_least=4, aim=2, scale="list 1"),
    "filter deep": Mark(what="its deep page, p50", unit="ms", at_least=4, aim=2, scale="list 1"),
    "detail": Mark(what="incident, p50", unit="ms", at_least=1, aim=0.6, scale="list 1"),
    "events": Mark(what="its 50 events, p50", unit="ms", at_least=1.5, aim=0.8, scale="list 1"),
    "bulk ack": Mark(what="bulk ack of 1,000, p50", unit="ms", at_least=150, aim=60, scale="post batch"),
    "decision 5,000": Mark(what="who hears, of 5,000 profiles", unit="ms", at_least=0.3, aim=0.02, scale="encode"),
    "decision 100,000": Mark(what="who hears, of 100,000", unit="ms", at_least=1, aim=0.05, scale="encode"),
    "last mail": Mark(what="POST to last of 20 mails, p50", unit="ms", at_least=100, aim=40, scale="post 1"),
    "mails": Mark(what="mails, one worker", unit="/s", at_least=0.5, aim=0.8, more=True, share=True),
    "memory": Mark(what="PSS, HTTP and worker", unit="MB", at_least=230, aim=180),
    "start": Mark(what="start to first answer", unit="s", at_least=1.5, aim=0.8, scale="import"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured for a mark, next to the limit in the same run. `p99` and `worst` are in milliseconds."""

    value: float
    limit: float | None = None
    p99: float | None = None
    worst: float | None = None
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table. Without a figure, `failed` says why."""

    name: str
    figure: Figure | None = None
    failed: str = ""
    slower: float | None = None
    """So many times as long as on the machine of the marks does the limit take here."""

    @property
    def mark(self) -> Mark:
        """What is to be reached."""
        return MARKS[self.name]

    @property
    def ratio(self) -> float | None:
        """Argus to the limit."""
        return self.figure.value / self.figure.limit if self.figure and self.figure.limit else None

    def here(self, mark: float) -> float | None:
        """What a mark means on this machine."""
        if self.slower is None:
            return None
        return mark / self.slower if self.mark.more else mark * self.slower

    @property
    def verdict(self) -> str:
        """How far it came; `here` is added where it is so only by what the mark means on this machine."""
        if self.figure is None:
            return "FAILED"
        value = self.ratio if self.mark.share else self.figure.value
        if value is None:
            return "FAILED"
        for name, mark in (("aim", self.mark.aim), ("at least", self.mark.at_least)):
            if self._reaches(value, mark):
                return name
            if (scaled := self.here(mark)) is not None and self._reaches(value, scaled):
                return f"{name}, here"
        return "BELOW"

    def _reaches(self, value: float, mark: float) -> bool:
        return value >= mark if self.mark.more else value <= mark


def rows(figures: Mapping[str, Figure | str], limits: Mapping[str, float]) -> Iterator[Row]:
    """The lines of the table in the order of the marks; a text instead of a figure says why there is none."""
    for name, mark in MARKS.items():
        if name in figures:
            found = figures[name]
            slower = limits[mark.scale] / THERE[mark.scale] if mark.scale in limits else None
            row = Row(name=name, slower=slower)
            yield replace(row, failed=found) if isinstance(found, str) else replace(row, figure=found)


HEAD = (
    f"{'':31} {'Argus':>9} {'limit':>9} {'ratio':>6}   {'at least':>9} {'aim':>9}   {'times':>5} {'at least':>9} {'aim':>9}"
    f"   {'p99 ms':>8} {'worst':>8}  verdict"
)


def table(lines: Iterable[Row]) -> Iterator[str]:
    """What is printed. The second pair of marks is what they mean on this machine, `times` as slow as the one they were set on."""
    yield HEAD
    for row in lines:
        if row.figure is None:
            yield f"{row.mark.what:31} {row.failed}  FAILED"
            continue
        figure, mark = row.figure, row.mark

        def told(value: float | None, mark: Mark = mark) -> str:
            return "" if value is None else f"{100 * value:.0f} %" if mark.share else number(value)

        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        times = "" if row.slower is None else f"{row.slower:.2f}"
        yield (
            f"{mark.what:31} {number(figure.value):>9} {number(figure.limit):>9} {ratio:>6}   {told(mark.at_least):>9} {told(mark.aim):>9}"
            f"   {times:>5} {number(row.here(mark.at_least)):>9} {number(row.here(mark.aim)):>9}   {number(figure.p99):>8} "
            f"{number(figure.worst):>8}  {row.verdict}"
        )


def sentences(lines: Iterable[Row]) -> Iterator[str]:
    """The marks in words, and what else is known."""
    for row in lines:
        mark = row.mark
        if row.figure is None:
            yield f"{mark.what}: {row.failed}"
            continue
        if mark.share:
            said = f"at least {100 * mark.at_least:.0f} % of the limit in this run, aim {100 * mark.aim:.0f} %"
        else:
            said = f"at least {number(mark.at_least)} {mark.unit}, aim {number(mark.aim)} {mark.unit}"
        if row.slower is not None:
            said += (
                f"; on this machine, where {SAID[mark.scale]} takes {row.slower:.2f} times as long as on the one the marks were set on, "
                f"{number(row.here(mark.at_least))} and {number(row.here(mark.aim))} {mark.unit}"
            )
        yield f"{mark.what}: {said}.{' ' if row.figure.more else ''}{row.figure.more}"


SAID = {
    "post 1": "a POST by psycopg, 1 in flight,",
    "post 8": "a POST by psycopg, 8 in flight,",
    "post batch": "a POST by psycopg in batches",
    "post CPU": "the CPU for a POST by psycopg",
    "list 1": "a list by psycopg",
    "encode": "making JSON of a page",
    "import": "importing the stack",
}


def number(value: float | None) -> str:
    """With three digits that count, or all that stand before the point."""
    if value is None:
        return ""
    if abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"  # noqa: PLR2004


def line(row: Row, **circumstances: object) -> str:
    """The row as one line of JSON."""
    figure = {} if row.figure is None else asdict(row.figure)
    facts = {"row": row.name, "unit": row.mark.unit, "ratio": row.ratio, "slower": row.slower, "verdict": row.verdict, "failed": row.failed}
    return json.dumps(circumstances | facts | figure)
