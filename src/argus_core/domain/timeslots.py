"""When somebody wants to hear: weekdays and local hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from argus_core.domain.errors import Invalid
from argus_core.domain.ids import TimeslotId, UserId

EVERY_DAY = frozenset(range(1, 8))
MOST_RECURRENCES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """
    On these ISO weekdays (Monday is 1): from `start` up to but not including `end`, in local time.

    An end of 23:59:59.999999 is midnight. With `ends_next_day` the end belongs to the day after; days are those of the start.
    """

    days: frozenset[int]
    start: time = time.min
    end: time = time.max
    ends_next_day: bool = False

    @property
    def all_day(self) -> bool:
        """Whether it is the whole of its days."""
        return self.start == time.min and self.end == time.max and not self.ends_next_day

    def covers(self, local: datetime) -> bool:
        """Whether this local time lies in it."""
        today, clock = local.isoweekday(), local.time()
        begun = today in self.days and self.start <= clock
        before_end = clock < self.end or self.end == time.max
        if not self.ends_next_day:
            return begun and before_end
        yesterday = (today - 2) % 7 + 1
        return begun or (yesterday in self.days and before_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeslot:
    """Some recurrences in one time zone (an IANA name), under a name that is unique for its owner."""

    id: TimeslotId
    owner: UserId
    name: str
    zone: str
    recurrences: tuple[Recurrence, ...]

    def covers(self, moment: datetime) -> bool:
        """
        Whether this moment lies in it.

        What counts is the local clock: an hour that an autumn night has twice counts twice, one that a spring night lacks never comes.
        """
        local = moment.astimezone(ZoneInfo(self.zone))
        return any(recurrence.covers(local) for recurrence in self.recurrences)


def all_the_time(id_: TimeslotId, owner: UserId, zone: str) -> Timeslot:
    """The timeslot that every user has from the start."""
    return Timeslot(id=id_, owner=owner, name="All the time", zone=zone, recurrences=(Recurrence(days=EVERY_DAY),))


def check_recurrences(recurrences: Sequence[Recurrence]) -> None:
    """
    Check that each has days that exist, and ends after it starts.

    Raises:
        Invalid: the keys are paths: `time_recurrences/0/days`, `time_recurrences/0/` for what concerns start and end together.
    """
    problems = {}
    if len(recurrences) > MOST_RECURRENCES:
        problems["time_recurrences"] = f"Ensure this field has no more than {MOST_RECURRENCES} elements."
    for index, recurrence in enumerate(recurrences):
        strange = recurrence.days - EVERY_DAY
        if strange:
            problems[f"time_recurrences/{index}/days"] = f'"{min(strange)}" is not a valid choice.'
        if recurrence.start >= recurrence.end and not recurrence.ends_next_day:
            problems[f"time_recurrences/{index}/"] = "'start' must be before 'end'."
    if problems:
        raise Invalid(problems)


def check_zone(zone: str) -> None:
    """
    Check the name of a time zone.

    Raises:
        Invalid: under `zone`.
    """
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError):  # by its spelling, an unknown name looks like a missing key, a bad path or a folder
        raise Invalid({"zone": f'"{zone}" is not a known time zone.'}) from None
