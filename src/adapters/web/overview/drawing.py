"""Figures as drawings: bars whose places are in percent, each a link to the incidents that it counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.web.incidents.conditions import expression_said
from adapters.web.links import list_link
from adapters.web.wording import LEVELS
from argus_core.domain.filters import Not, SourceIn
from argus_core.domain.flapping import LOOKED_FOR
from argus_core.domain.incidents import Level
from argus_core.domain.overview import DAY, HOUR, HOURS, Flapping, OpenCount, Past, begin_of_week, hours_of_week
from argus_core.domain.tags import tags_said

SOURCES = 15
"""So many of the sources with open incidents are drawn, those with most."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class LevelFigure:
    """How many incidents of a level are open, and how many of these nobody has acknowledged."""

    level: Level
    words: str
    count: int
    unacked: int
    link: str
    unacked_link: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar."""

    level: Level
    x: float
    width: float
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class SourceFigure:
    """A source, and its open incidents by level."""

    name: str
    type: str
    count: int
    link: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class HourBar:
    """So many incidents started in an hour."""

    x: float
    width: float
    height: float
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class DayMark:
    """Where a day begins; its label has room when the day is not cut short."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Loud:
    """Something noisy: its name, how much of it there is, also in percent of the loudest, and the list of it, which may be empty."""

    name: str
    more: str
    count: int
    width: float
    link: str


def drawn(counts: Sequence[OpenCount]) -> dict[str, Any]:
    """What is open, by level and by source."""
    ranked = _ranked(counts)
    return {
        "levels": [_level(counts, level) for level in Level],
        "sources": list(_sources(ranked[:SOURCES])),
        "open": sum(one.count for one in counts),
        "unacked": sum(one.count for one in counts if not one.acked),
        "open_link": list_link(open=True),
        "unacked_link": list_link(open=True, acked=False),
        "more_sources": max(len(ranked) - SOURCES, 0),
        "more_link": _without(ranked[:SOURCES]),
    }


def told_past(past: Past, zone: ZoneInfo) -> dict[str, Any]:
    """The last week in drawings."""
    day = {"start_time__gte": past.until - DAY + _MICROSECOND, "start_time__lte": past.until}
    week = {"start_time__gte": begin_of_week(past.until), "start_time__lte": past.until}
    most = max(past.arrivals.values(), default=0)
    return {
        "until": past.until,
        "looked_for": str(LOOKED_FOR),
        "hours": list(_hours(past, most, zone)),
        "days": list(_days(past, zone)),
        "most": most,
        "week_link": list_link(**week),
        "over_link": list_link(**week, stateful=True, end_time__lte=past.until),
        "started": sum(past.arrivals.values()),
        "acknowledged": past.acknowledged,
        "resolved": past.resolved,
        "sources": _loud(
            (one.source.name, one.source.type, one.count, list_link(source__id__in=one.source.id, **day)) for one in past.sources
        ),
        "tags": _loud((one.tag, "", one.count, _tags_link(one.tag, day)) for one in past.tags),
        "flapping": _loud((_flapping_name(one), one.source.name, one.count, _flapping_link(one, past.until)) for one in past.flapping),
    }


def _level(counts: Sequence[OpenCount], level: Level) -> LevelFigure:
    of_it = [one for one in counts if one.level is level]
    return LevelFigure(
        level=level,
        words=LEVELS[level],
        count=sum(one.count for one in of_it),
        unacked=sum(one.count for one in of_it if not one.acked),
        link=list_link(open=True, level__lte=level.value, level__gte=level.value),
        unacked_link=list_link(open=True, acked=False, level__lte=level.value, level__gte=level.value),
    )


def _ranked(counts: Sequence[OpenCount]) -> list[list[OpenCount]]:
    """What is open of each source, the source with most first."""
    by_source: dict[int, list[OpenCount]] = {}
    for one in counts:
        by_source.setdefault(one.source.id, []).append(one)
    return sorted(by_source.values(), key=lambda of_it: (-sum(one.count for one in of_it), of_it[0].source.id))


def _without(named: Sequence[Sequence[OpenCount]]) -> str:
    """The open ones of all other sources."""
    return list_link(open=True, where=expression_said(Not(SourceIn(frozenset(of_it[0].source.id for of_it in named)))))


def _sources(ranked: Sequence[Sequence[OpenCount]]) -> Iterable[SourceFigure]:
    most = max((sum(one.count for one in of_it) for of_it in ranked), default=1)
    for of_it in ranked:
        source, x = of_it[0].source, 0.0
        parts: list[Part] = []
        for level in Level:
            number = sum(one.count for one in of_it if one.level is level)
            if number:
                width = round(100 * number / most, 3)
                link = list_link(open=True, source__id__in=source.id, level__lte=level.value, level__gte=level.value)
                parts.append(Part(level, round(x, 3), width, f"{source.name}: {number} open of level {LEVELS[level]}", link))
                x += width
        number = sum(one.count for one in of_it)
        yield SourceFigure(source.name, source.type, number, list_link(open=True, source__id__in=source.id), tuple(parts))


def _hours(past: Past, most: int, zone: ZoneInfo) -> Iterable[HourBar]:
    for number, hour in enumerate(hours_of_week(past.until)):
        count = past.arrivals.get(hour, 0)
        if count:
            local = hour.astimezone(zone)
            link = list_link(start_time__gte=hour, start_time__lte=hour + HOUR - _MICROSECOND)
            words = f"{local:%a %Y-%m-%d %H:%M}: {count:,} started"
            yield HourBar(round(100 * number / HOURS, 3), round(100 / HOURS, 3), round(max(120 * count / most, 1), 1), words, link)


def _days(past: Past, zone: ZoneInfo) -> Iterable[DayMark]:
    for number, hour in enumerate(hours_of_week(past.until)):
        local = hour.astimezone(zone)
        if local.hour == 0:
            yield DayMark(round(100 * number / HOURS, 3), f"{local:%a}" if number < HOURS - 12 else "")


def _loud(told: Iterable[tuple[str, str, int, str]]) -> list[Loud]:
    ranked = list(told)
    most = max((count for _, _, count, _ in ranked), default=1)
    return [Loud(name, more, count, round(100 * count / most, 1), link) for name, more, count, link in ranked]


def _tags_link(tag: str, day: Mapping[str, datetime]) -> str:
    said = tags_said((tag,))
    return list_link(tags=said, **day) if said else ""


def _flapping_name(one: Flapping) -> str:
    return " ".join(one.tags) if one.incident_id is None else f"incident {one.incident_id}"


def _flapping_link(one: Flapping, until: datetime) -> str:
    if one.incident_id is not None:
        return f"/incidents/{one.incident_id}/"
    said = tags_said(one.tags)
    return list_link(tags__exact=said, source__id__in=one.source.id, end_time__gte=until - DAY, end_time__lte=until) if said else ""
