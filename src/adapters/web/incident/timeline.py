"""An incident's life as a drawing: how bad it was, when it was open and when acknowledged. Places are in percent of the width."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.web.answers import lasting
from argus_core.domain.incidents import Event, Incident, Level, born
from argus_core.domain.sources import Source

SHORTEST = timedelta(minutes=1)
MOST_TICKS = 4
MOST_MARKS = 200
"""So many events are marked at most; what lies so close that nobody could tell is marked once."""

_STEPS = (
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 30, 90, 365)),
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Something lasted from then to then."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """From its beginning to the present, or to what happened last after the end."""

    whole: Span
    open: tuple[Span, ...]
    acked: tuple[Span, ...]
    levels: tuple[tuple[Span, Level], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A span in the drawing."""

    x: float
    width: float
    words: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis; its label is `start`, `middle` or `end` of where it stands."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing, and what it shows in words."""

    levels: tuple[Bar, ...]
    open: tuple[Bar, ...]
    acked: tuple[Bar, ...]
    marks: tuple[float, ...]
    ticks: tuple[Tick, ...]
    words: str


def life_of(events: Sequence[Event], source: Source, now: datetime) -> Life:
    """What an incident has been through, by when Argus heard of it; but it began when it began, and ended when it ended."""
    incidents = list(_states(events, source))
    begin = min(incidents[0].start_time, events[0].received)
    moments = [begin, *(event.received for event in events[1:])]
    last = incidents[-1]
    latest = max(now if last.is_open(now) else last.end_time or begin, moments[-1], begin + SHORTEST)
    open_, acked, levels = list[Span](), list[Span](), list[tuple[Span, Level]]()
    for incident, since, until in zip(incidents, moments, [*moments[1:], latest], strict=True):
        if incident.end_time is not None:
            open_ = _cut(open_, incident.end_time)
        if incident.stateful:
            _extend(open_, Span(since, min(until, incident.end_time or until)))
        if incident.acked_until is not None:
            _extend(acked, Span(since, min(until, incident.acked_until)))
        if levels and levels[-1][1] is incident.level:
            levels[-1] = (Span(levels[-1][0].begin, until), incident.level)
        else:
            levels.append((Span(since, until), incident.level))
    return Life(Span(begin, latest), tuple(open_), tuple(acked), tuple(levels))


def drawn(events: Sequence[Event], source: Source, now: datetime, zone: ZoneInfo) -> Timeline:
    """The drawing of an incident's life, with times of this zone."""
    life = life_of(events, source, now)
    scale = _Scale(life.whole, zone)
    marks = dict.fromkeys(round(scale.place(max(event.received, life.whole.begin)), 1) for event in events)
    opened, taken = (sum((span.end - span.begin for span in spans), timedelta()) for spans in (life.open, life.acked))
    return Timeline(
        levels=tuple(scale.bar(span, f"Level {level.value} {level.name.lower()}", level) for span, level in life.levels),
        open=tuple(scale.bar(span, "Open") for span in life.open),
        acked=tuple(scale.bar(span, "Acknowledged") for span in life.acked),
        marks=tuple(marks)[-MOST_MARKS:],
        ticks=tuple(scale.ticks()),
        words=f"{len(events)} {'event' if len(events) == 1 else 'events'} from {scale.said(life.whole.begin)} to "
        f"{scale.said(life.whole.end)}; open for {lasting(opened)}, acknowledged for {lasting(taken)}.",
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    whole: Span
    zone: ZoneInfo

    def place(self, moment: datetime) -> float:
        return round(100 * ((moment - self.whole.begin) / (self.whole.end - self.whole.begin)), 3)

    def bar(self, span: Span, words: str, level: int = 0) -> Bar:
        x = self.place(span.begin)
        said = f"{words} from {self.said(span.begin)} to {self.said(span.end)}, {lasting(span.end - span.begin)}"
        return Bar(x, max(round(self.place(span.end) - x, 3), 0.3), said, level)

    def said(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def ticks(self) -> Iterator[Tick]:
        length = self.whole.end - self.whole.begin
        step = next((step for step in _STEPS if length / step <= MOST_TICKS), length / MOST_TICKS)
        form = "%H:%M" if length < _DAY and step < _DAY else "%d %b" if step >= _DAY else "%d %b %H:%M"
        midnight = self.whole.begin.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        # Days are counted by the clock on the wall, shorter steps by what really passes.
        moment = midnight if step >= _DAY else midnight.astimezone(UTC)
        while moment <= self.whole.end:
            if moment >= self.whole.begin:
                x = self.place(moment)
                yield Tick(x, moment.astimezone(self.zone).strftime(form), "start" if x < 8 else "end" if x > 92 else "middle")  # noqa: PLR2004 - near the edge
            moment += step


def _states(events: Sequence[Event], source: Source) -> Iterator[Incident]:
    incident = born(events[0], source)
    yield incident
    for event in events[1:]:
        incident = incident.after(event)
        yield incident


def _cut(spans: Sequence[Span], end: datetime) -> list[Span]:
    """What was open before the end; that it ended may have been heard of later."""
    return [Span(span.begin, min(span.end, end)) for span in spans if span.begin < end]


def _extend(spans: list[Span], span: Span) -> None:
    if span.end <= span.begin:
        return
    if spans and spans[-1].end >= span.begin:
        spans[-1] = Span(spans[-1].begin, span.end)
    else:
        spans.append(span)
