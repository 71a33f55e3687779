"""
Planned maintenance: a time, and filters for what notifies nobody while it runs.

Whether it runs is judged at the moment of receipt, like everything that decides who is told. What was kept back is told in one message to
each destination concerned, when it is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from argus_core.domain.errors import Invalid, MaintenanceIsOver
from argus_core.domain.filters import All, Condition
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import MaintenanceId, UserId
from argus_core.domain.incidents import Happening
from argus_core.domain.limits import DESCRIPTION_BYTES, moment_problem, require, text_problem
from argus_core.domain.profiles import MOST_FILTERS
from argus_core.domain.saved_filters import SavedFilter
from argus_core.domain.timeslots import Recurrence, check_recurrences, check_zone

WEEKS = frozenset({1, 2, 3, 4, 5, -1})
"""Which of the weekdays of its kind in a month; -1 is the last one."""

SETTLING = timedelta(seconds=5)
"""So long after its end nothing is told of what was kept back: some of it may still be on its way into the journal."""

MOST_SHOWN = 60

MADE_FOR_IT = "Made for this maintenance"
"""What a filter is called that was said with the plan, and is kept nowhere else."""

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


class Phase(Enum):
    """Where in its life a planned maintenance is."""

    FUTURE = "future"
    CURRENT = "current"
    PAST = "past"


_ORDER = (Phase.CURRENT, Phase.FUTURE, Phase.PAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of some weekdays; with `weeks` only of the first, second, … or last such day of a month. Days are those of the start."""

    hours: Recurrence
    weeks: frozenset[int] = frozenset()

    def covers(self, local: datetime) -> bool:
        """Whether this local time lies in it."""
        if not self.weeks:
            return self.hours.covers(local)
        today = local.date()
        days = frozenset(day.isoweekday() for day in (today, today - _DAY) if self._takes(day))
        return replace(self.hours, days=self.hours.days & days).covers(local)

    def _takes(self, day: date) -> bool:
        is_last = (day + _WEEK).month != day.month
        return (day.day - 1) // 7 + 1 in self.weeks or (is_last and -1 in self.weeks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """
    From `start` up to but not including `end` (None: until somebody ends it), and with `windows` only in these, by the clocks of `zone`.

    All its filters must match the incident. It has them as they were when they were chosen: later edits do not change what it was about.
    """

    id: MaintenanceId
    created_by: UserId
    created: datetime
    description: str
    start: datetime
    end: datetime | None
    filters: tuple[SavedFilter, ...]
    windows: tuple[Window, ...] = ()
    zone: str = "UTC"

    @property
    def title(self) -> str:
        """What it is called in one line."""
        line = " ".join(self.description.split())[:MOST_SHOWN]
        return f'{called(self.id)} "{line}"' if line else called(self.id)

    @property
    def hold(self) -> Hold:
        """Why something is kept back while it runs."""
        return Hold(keeper=Keeper.MAINTENANCE, subject=self.id, reason=f"{self.title} keeps it back.")

    @property
    def condition(self) -> Condition:
        """What must hold of an incident."""
        return All(tuple(condition for filter_ in self.filters if (condition := filter_.definition.incident_condition)))

    def phase(self, now: datetime) -> Phase:
        """Where in its life it is; between two windows it is current."""
        if now < self.start:
            return Phase.FUTURE
        return Phase.CURRENT if self.end is None or now < self.end else Phase.PAST

    def runs(self, moment: datetime) -> bool:
        """Whether it runs at this moment, by local clocks: an hour that an autumn night has twice counts twice."""
        if self.phase(moment) is not Phase.CURRENT:
            return False
        local = moment.astimezone(ZoneInfo(self.zone))
        return not self.windows or any(window.covers(local) for window in self.windows)

    def says(self, sought: str) -> bool:
        """Whether that is in its description or in the name of one of its filters, or is its number; it is in lower case."""
        texts = (self.description, *(filter_.name for filter_ in self.filters))
        return sought == str(self.id) or any(sought in text.casefold() for text in texts)

    def has_settled(self, now: datetime) -> bool:
        """Whether it does not run, nor did a moment ago: so all that it kept back is known."""
        return not self.runs(now) and not self.runs(now - SETTLING)


def arranged(some: Sequence[Maintenance], now: datetime, phase: Phase | None = None, text: str = "") -> tuple[Maintenance, ...]:
    """
    Those of this phase with this text in their description, in the names of their filters, or as their number; case does not matter.

    What is current comes first, then what is to come, the soonest first, then what is over, the latest first.
    """
    sought = text.strip().casefold()
    found = (one for one in some if phase in (None, one.phase(now)) and one.says(sought))
    return tuple(sorted(found, key=lambda one: _place(one, now)))


def _place(one: Maintenance, now: datetime) -> tuple[int, float, int]:
    phase = one.phase(now)
    # What is over has an end.
    since = one.start if phase is not Phase.PAST or one.end is None else one.end
    backwards = -1 if phase is not Phase.FUTURE else 1
    return _ORDER.index(phase), backwards * since.timestamp(), backwards * one.id


def called(id_: MaintenanceId) -> str:
    """What one is called of which no more is known than its number."""
    return f"Planned maintenance {id_}"


def ends(happening: Happening) -> bool:
    """Whether the incident is over with this event: whoever was told of it hears of that, maintenance or not."""
    return happening.incident.stateful and not happening.incident.is_open(happening.event.received)


def check(maintenance: Maintenance) -> None:
    """
    Check what somebody plans.

    Raises:
        Invalid: naming the fields.
    """
    check_recurrences([window.hours for window in maintenance.windows])
    check_zone(maintenance.zone)
    problems = {
        "description": text_problem(maintenance.description, DESCRIPTION_BYTES),
        "start_time": moment_problem(maintenance.start),
        "end_time": moment_problem(maintenance.end) if maintenance.end else None,
        "filters": _filters_problem(maintenance.filters),
    }
    for index, window in enumerate(maintenance.windows):
        if window.weeks - WEEKS:
            problems[f"time_recurrences/{index}/weeks"] = f'"{min(window.weeks - WEEKS)}" is not a valid choice.'
    if maintenance.end is not None and maintenance.end <= maintenance.start:
        problems["end_time"] = "The end must be later than the start."
    require(problems)


def _filters_problem(filters: Sequence[SavedFilter]) -> str | None:
    if not filters:
        return "This list may not be empty."
    if len(filters) > MOST_FILTERS:
        return f"Ensure this field has no more than {MOST_FILTERS} elements."
    blank = next((filter_ for filter_ in filters if filter_.definition.incident_condition is None), None)
    return f'The filter "{blank.name}" says nothing about incidents.' if blank else None


def planned(maintenance: Maintenance, now: datetime) -> Maintenance:
    """
    A new one: it begins now at the earliest.

    Raises:
        Invalid: naming the fields.
    """
    begun = replace(maintenance, start=max(maintenance.start, now))
    if begun.end is not None and begun.end <= now:
        raise Invalid({"end_time": "The end must lie in the future."})
    check(begun)
    return begun


def changed(present: Maintenance, wanted: Maintenance, now: datetime) -> Maintenance:
    """
    The one that becomes of another: what lies in the past stays as it is.

    Raises:
        MaintenanceIsOver: nothing about it changes any more.
        Invalid: naming the fields.
    """
    phase = present.phase(now)
    if phase is Phase.PAST:
        raise MaintenanceIsOver
    if phase is Phase.FUTURE:
        return planned(wanted, now)
    if wanted.start != present.start:
        raise Invalid({"start_time": "It has begun already."})
    if wanted.end is not None and wanted.end <= now:
        raise Invalid({"end_time": "The end must lie in the future; to end it now, delete it."})
    check(wanted)
    return wanted


def cancelled(present: Maintenance, now: datetime) -> Maintenance | None:
    """
    What remains when it is called off: one that has begun is over from now on, of others nothing.

    Raises:
        MaintenanceIsOver: there is nothing to call off.
    """
    phase = present.phase(now)
    if phase is Phase.PAST:
        raise MaintenanceIsOver
    return None if phase is Phase.FUTURE else replace(present, end=now)
