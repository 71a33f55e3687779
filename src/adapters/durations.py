"""Spans of time as people write them: `30m`, `12h`, `90d`, `4w`."""

import re
from datetime import timedelta

LONGEST = timedelta(days=36_500)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def duration(text: str) -> timedelta:
    """
    The span that the text names, above nothing and up to a hundred years.

    Raises:
        ValueError: it names none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([mhdw])", text)
    try:
        span = float(found[1]) * _UNITS[found[2]] if found else timedelta()
    except OverflowError:
        span = timedelta.max
    if not timedelta() < span <= LONGEST:
        raise ValueError(f'"{text}" is no span of time; give one like 30m, 12h, 90d or 4w.')
    return span
