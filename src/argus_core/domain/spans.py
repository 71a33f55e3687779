"""Spans of time in words."""

from datetime import timedelta

MINUTES, DAYS = 60, 86_400
"""The largest unit that is named, in seconds."""

_UNITS = ((DAYS, "day"), (3_600, "hour"), (MINUTES, "minute"), (1, "second"))


def spoken(span: timedelta, largest: int = DAYS) -> str:
    """A span of time in the largest unit of which it is a number, in whole seconds."""
    seconds = int(span.total_seconds())
    count, unit = next((seconds // size, unit) for size, unit in _UNITS if size <= largest and seconds % size == 0)
    return f"{count} {unit}{'s' if count != 1 else ''}"
