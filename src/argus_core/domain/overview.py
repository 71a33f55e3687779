"""What there is to see of all incidents at once: how many are open, how many came, how soon somebody took care, and what is noisy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argus_core.domain.flapping import Thresholds
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Level
from argus_core.domain.sources import Source

HOUR = timedelta(hours=1)
HOURS = 7 * 24
"""A week is so many hours, the present one included."""

DAY = timedelta(days=1)
"""What is noisy started so lately, and what flaps ended so lately."""

MOST = 10
"""So many of the noisiest are named."""


@dataclass(frozen=True, slots=True)
class OpenCount:
    """So many open incidents of one source and level are acknowledged, or are not."""

    source: Source
    level: Level
    acked: bool
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took so many times: half of the times no longer than `median`, nine times in ten no longer than `most`."""

    count: int
    median: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True)
class NoisySource:
    """A source, and how many of its incidents started."""

    source: Source
    count: int


@dataclass(frozen=True, slots=True)
class NoisyTag:
    """A tag, and how many incidents with it started."""

    tag: str
    count: int


@dataclass(frozen=True, slots=True)
class Flapping:
    """
    What flapped, by the threshold that is shown for its source: so many times incidents with exactly these tags ended within a day.

    Without tags it is the incident that has this id.
    """

    source: Source
    tags: tuple[str, ...]
    count: int
    incident_id: IncidentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """
    What the last week was like, and its last day, at the moment `until`.

    `arrivals` has the hours in which incidents started. How soon they were acknowledged and over is counted from their start, for those
    that started in this week; None when none was.
    """

    until: datetime
    arrivals: Mapping[datetime, int]
    acknowledged: Spread | None
    resolved: Spread | None
    sources: tuple[NoisySource, ...]
    tags: tuple[NoisyTag, ...]
    flapping: tuple[Flapping, ...]


def flapped(found: Iterable[tuple[Flapping, Sequence[datetime]]], thresholds: Thresholds) -> tuple[Flapping, ...]:
    """Of what ended at these moments, oldest first, what flapped, the noisiest first."""
    flapping = (one for one, ended in found if thresholds.to_show(one.source.id).was_exceeded(ended))
    return tuple(sorted(flapping, key=lambda one: (-one.count, one.source.id, one.tags, one.incident_id or 0))[:MOST])


def hour_of(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def begin_of_week(until: datetime) -> datetime:
    """When the first of the hours of a week began."""
    return hour_of(until) - (HOURS - 1) * HOUR


def hours_of_week(until: datetime) -> Iterator[datetime]:
    """When each of the hours of a week began."""
    return (begin_of_week(until) + number * HOUR for number in range(HOURS))


def spread_of(durations: Sequence[timedelta]) -> Spread | None:
    """How long something took; what seems to have been over before it began took no time."""
    ordered = sorted(max(duration, timedelta()) for duration in durations)
    if not ordered:
        return None
    return Spread(len(ordered), _nearest_rank(ordered, 50), _nearest_rank(ordered, 90))


def _nearest_rank(ordered: Sequence[timedelta], percent: int) -> timedelta:
    return ordered[-(-len(ordered) * percent // 100) - 1]
