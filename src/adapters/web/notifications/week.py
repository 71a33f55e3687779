"""A timeslot as a week: seven rows of 24 hours by the clock on the wall. Places are in percent of a day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from argus_core.domain.timeslots import Recurrence

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DAY = 1440
_TO = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Block:
    """Some hours of a day (0 is Monday); `kind` is `slot`, or says what the clock does: `missing`, `twice`."""

    day: int
    x: float
    width: float
    words: str
    kind: str = "slot"


@dataclass(frozen=True, slots=True)
class Week:
    """The drawing, the same in words, and what happens to the clock in the next seven days."""

    blocks: tuple[Block, ...]
    words: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock on the wall skips these minutes of a day, or has them twice."""

    day: date
    begin: int
    end: int
    forward: bool


def week_of(recurrences: Sequence[Recurrence], zone: str, now: datetime) -> Week:
    """How a week looks with these recurrences."""
    hours = [_hours_of(recurrences, day) for day in range(7)]
    changes = list(clock_changes(ZoneInfo(zone), now))
    return Week(
        blocks=(
            *(_block(day, begin, end, "slot") for day, spans in enumerate(hours) for begin, end in spans),
            *(_block(change.day.weekday(), change.begin, change.end, "missing" if change.forward else "twice") for change in changes),
        ),
        words=_words(hours),
        changes=tuple(map(_told, changes)),
    )


def clock_changes(zone: ZoneInfo, now: datetime) -> Iterator[ClockChange]:
    """What the clock does in the week from now on; most weeks nothing."""
    begin = now.replace(second=0, microsecond=0)
    for hour in range(7 * 24):
        earlier, later = begin + timedelta(hours=hour), begin + timedelta(hours=hour + 1)
        if _offset(earlier, zone) != _offset(later, zone):
            minute = next(minute for minute in range(1, 61) if _offset(earlier + timedelta(minutes=minute), zone) != _offset(earlier, zone))
            yield _change_at(earlier + timedelta(minutes=minute), _offset(earlier, zone), zone)


def _change_at(moment: datetime, before: timedelta, zone: ZoneInfo) -> ClockChange:
    moved = _offset(moment, zone) - before
    wall = (moment + before).replace(tzinfo=None)
    begin = wall if moved > timedelta() else wall + moved
    minute = begin.hour * 60 + begin.minute
    return ClockChange(begin.date(), minute, minute + int(abs(moved).total_seconds() // 60), moved > timedelta())


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _hours_of(recurrences: Sequence[Recurrence], day: int) -> tuple[tuple[int, int], ...]:
    """The minutes of a day that are covered, in order and apart from each other."""
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(span for recurrence in recurrences for span in _spans(recurrence, day) if span[0] < span[1]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return tuple(merged)


def _spans(recurrence: Recurrence, day: int) -> Iterator[tuple[int, int]]:
    start, end = _minute(recurrence.start), _DAY if recurrence.end == time.max else _minute(recurrence.end)
    if day + 1 in recurrence.days:
        yield start, _DAY if recurrence.ends_next_day else end
    if recurrence.ends_next_day and (day - 1) % 7 + 1 in recurrence.days:
        yield 0, end


def _minute(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _block(day: int, begin: int, end: int, kind: str) -> Block:
    said = {"slot": "", "missing": ", which the clock skips", "twice": ", which the clock has twice"}[kind]
    return Block(day, round(100 * begin / _DAY, 3), round(100 * (end - begin) / _DAY, 3), f"{DAYS[day]} {_said(begin, end)}{said}", kind)


def _said(begin: int, end: int) -> str:
    return "all day" if (begin, end) == (0, _DAY) else f"{_clock(begin)}{_TO}{_clock(end)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _words(hours: Sequence[tuple[tuple[int, int], ...]]) -> str:
    told = []
    for spans, days in groupby(range(7), key=lambda day: hours[day]):
        if spans:
            first, *rest = days
            name = DAYS[first] if not rest else f"{DAYS[first]} to {DAYS[rest[-1]]}"
            told.append(f"{name} {', '.join(_said(*span) for span in spans)}")
    return "; ".join(told) or "Never"


def _told(change: ClockChange) -> str:
    when, span = f"{DAYS[change.day.weekday()]}, {change.day.isoformat()}", f"{_clock(change.begin)}{_TO}{_clock(change.end)}"
    if change.forward:
        return f"On {when}, the clock skips {span}: that hour never comes."
    return f"On {when}, the clock has {span} twice: that hour counts twice."
