"""Hours of weekdays in words."""

from collections.abc import Sequence

from argus_core.domain.maintenance import Window
from argus_core.domain.timeslots import Recurrence

WEEKS = ((1, "first"), (2, "second"), (3, "third"), (4, "fourth"), (5, "fifth"), (-1, "last"))
"""Which of its weekdays in a month a day is."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def recurrences_said(recurrences: Sequence[Recurrence]) -> str:
    """When all of a timeslot is."""
    return "; ".join(map(_said, recurrences)) or "never"


def hours_said(windows: Sequence[Window]) -> str:
    """When in its time a maintenance runs; nothing is always."""
    return "; ".join(f"{_weeks(window)}{_said(window.hours)}" for window in windows)


def _weeks(window: Window) -> str:
    names = [name for week, name in WEEKS if week in window.weeks]
    return f"on the {' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))} of a month: " if names else ""


def _said(recurrence: Recurrence) -> str:
    days = ", ".join(_DAYS[day - 1] for day in sorted(recurrence.days)) if len(recurrence.days) < len(_DAYS) else "every day"
    if recurrence.all_day:
        return f"{days}, all day"
    until = "midnight" if recurrence.end == recurrence.end.max else f"{recurrence.end:%H:%M}"
    return f"{days}, {recurrence.start:%H:%M} to {until}{' of the next day' if recurrence.ends_next_day else ''}"
