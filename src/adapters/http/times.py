"""Moments as clients write them, and as they are shown."""

import re
from datetime import UTC, datetime, tzinfo

from argus_core.domain.limits import EARLIEST

_FORMATS = "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
_WRONG_FORMAT = f"{_FORMATS}."
_WRONG_FORMAT_OF_END = f"{_FORMATS}, or 'infinity'."
OUT_OF_RANGE = "Ensure this time lies between the years 1900 and 9998."

TIME_OF_DAY = "([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?"
_FORMAT = re.compile(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{TIME_OF_DAY}")
# What older clients post instead of "infinity": the last moment there is, without an offset.
_NAIVE_INFINITY = datetime.max  # noqa: DTZ901


class NotAMoment(ValueError):
    """The text is no moment that can be understood or kept; the message is for the client."""


def moment(text: object, zone: tzinfo) -> datetime:
    """
    The moment in UTC; without an offset the text tells the time in this zone, and a date alone is its midnight.

    In the overlap of autumn the first passing counts, in the gap of spring the offset from before it.

    Raises:
        NotAMoment: the text has another format or lies beyond what the calendar can hold.
    """
    return _in_utc(_understood(text, _WRONG_FORMAT), zone)


def end(text: object, zone: tzinfo) -> datetime | None:
    """
    When an incident ends; None is never.

    Raises:
        NotAMoment: as `moment`.
    """
    if text == "infinity":
        return None
    if text == "-infinity":
        return EARLIEST  # no start lies before it, which is what is wrong with it
    understood = _understood(text, _WRONG_FORMAT_OF_END)
    return None if understood == _NAIVE_INFINITY and understood.tzinfo is None else _in_utc(understood, zone)


def _understood(text: object, otherwise: str) -> datetime:
    if not isinstance(text, str) or not _FORMAT.fullmatch(text):
        raise NotAMoment(otherwise)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise NotAMoment(otherwise) from None


def _in_utc(understood: datetime, zone: tzinfo) -> datetime:
    try:
        return (understood if understood.tzinfo else understood.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise NotAMoment(OUT_OF_RANGE) from None
