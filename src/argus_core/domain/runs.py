"""When planned maintenance runs from some moment on: one span after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from argus_core.domain.maintenance import Maintenance

HORIZON = timedelta(days=200)
"""So far it is looked ahead: the fifth of a weekday comes at least once in that time."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """From `begin` up to but not including `end`; None is as far as anybody looks."""

    begin: datetime
    end: datetime | None


def runs_after(maintenance: Maintenance, moment: datetime) -> Iterator[Run]:
    """The spans in which it runs after the moment, in order and within the `HORIZON`; one that it is in begins at the moment."""
    begin = max(moment, maintenance.start)
    until = begin + HORIZON
    since = None
    for turn in _turns(maintenance, begin, until):
        runs = maintenance.runs(turn)
        if runs and since is None:
            since = turn
        if not runs and since is not None:
            yield Run(since, turn)
            since = None
    if since is not None:
        yield Run(since, None if maintenance.windows else maintenance.end)


def _turns(maintenance: Maintenance, begin: datetime, until: datetime) -> Iterator[datetime]:
    """All moments from `begin` on at which it can begin or cease to run, in order."""
    yield begin
    last = min(until, maintenance.end or until)
    if maintenance.windows:
        zone = ZoneInfo(maintenance.zone)
        hours = [window.hours for window in maintenance.windows]
        clocks = sorted({time.min, *(one.start for one in hours), *(one.end for one in hours if one.end != time.max)})
        day, final = begin.astimezone(zone).date(), last.astimezone(zone).date()
        while day <= final:
            yield from (turn for turn in _turns_of(day, clocks, zone) if begin < turn < last)
            day += _DAY
    if last == maintenance.end and begin < last:
        yield last


def _turns_of(day: date, clocks: list[time], zone: ZoneInfo) -> list[datetime]:
    """When the clocks on the wall show these times on a day, both times if that is twice; and when they are changed."""
    walls = (datetime.combine(day, clock, zone).replace(fold=fold) for clock in clocks for fold in (0, 1))
    moments = {wall.astimezone(UTC) for wall in walls if _is_shown(wall, zone)}
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    change = _change(noon - _DAY, noon + _DAY, zone)
    return sorted(moments | {change} if change is not None and change.astimezone(zone).date() == day else moments)


def _is_shown(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks ever show this: they do not what they skip in spring."""
    return wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment in between at which clocks are changed, if they are."""
    offset = before.astimezone(zone).utcoffset()
    if after.astimezone(zone).utcoffset() == offset:
        return None
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
