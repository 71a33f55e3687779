"""
Single fields of a body: from what JSON or a form holds to a value of the domain, or to what is wrong with it.

What is accepted and how a refusal is worded is what API clients know: numbers are taken for texts and texts for numbers.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, tzinfo
from enum import Enum
from typing import TypeVar, cast

from adapters.http import times
from adapters.http.bodies import Form
from adapters.http.errors import ACROSS_FIELDS, Errors, Refused
from adapters.http.queries import BIGGEST_PK
from argus_core.domain.errors import Invalid
from argus_core.domain.incidents import Level
from argus_core.domain.limits import TAGS, URL_BYTES, text_problem, url_problem
from argus_core.domain.tags import Tag

_T = TypeVar("_T")
_D = TypeVar("_D")
_Choice = TypeVar("_Choice", bound=Enum)

REQUIRED = "This field is required."
NOT_NULL = "This field may not be null."
_TRUE = frozenset({"t", "y", "yes", "true", "on", "1"})
_FALSE = frozenset({"f", "n", "no", "false", "off", "0"})
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]{1,6})[0-9]{0,6})?)?")
_QUOTED_CHARACTERS = 100
_MOST_DIGITS = 1_000


class Wrong(Exception):
    """What is wrong with one field, as the answer says it."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(errors)
        self.errors = errors

    @classmethod
    def because(cls, text: str) -> "Wrong":
        """One sentence about the field as a whole."""
        return cls([text])


class Fields:
    """
    Takes fields out of a body one by one and collects what is wrong.

    What the methods return may be relied on only after `check`.
    """

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data
        self._wrong: dict[str, Errors] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def required(self, name: str, clean: Callable[[object], _T]) -> _T:
        """A field that must be there and not null."""
        if name not in self._data:
            self._wrong[name] = [REQUIRED]
            return cast("_T", None)
        return self._cleaned(name, clean)

    def optional(self, name: str, clean: Callable[[object], _T], default: _D) -> _T | _D:
        """A field that may be absent, but not null."""
        return self._cleaned(name, clean) if name in self._data else default

    def nullable(self, name: str, clean: Callable[[object], _T], default: _D) -> _T | _D | None:
        """A field that may be absent, or null; a form says so by leaving it empty."""
        if name not in self._data:
            return default
        return None if self.says_null(name) else self._cleaned(name, clean)

    def says_null(self, name: str) -> bool:
        """Whether a field is there, and null."""
        value = self._data.get(name, "absent")
        return value is None or (value == "" and isinstance(self._data, Form))

    def several(self, name: str, clean: Callable[[object], _T]) -> _T:
        """A list that must be there: in a form the field is repeated."""
        if isinstance(self._data, Form) and name in self._data:
            return self._tried(name, clean, self._data.all(name))
        return self.required(name, clean)

    def blame(self, name: str, errors: Errors) -> None:
        """Note something that is wrong."""
        self._wrong[name] = errors

    def check(self) -> None:
        """
        Go on only when nothing is wrong.

        Raises:
            Refused: with what is wrong, field by field.
        """
        if self._wrong:
            raise Refused(400, self._wrong)

    def _cleaned(self, name: str, clean: Callable[[object], _T]) -> _T:
        value = self._data[name]
        if value is None:
            self._wrong[name] = [NOT_NULL]
            return cast("_T", None)
        return self._tried(name, clean, value)

    def _tried(self, name: str, clean: Callable[[object], _T], value: object) -> _T:
        try:
            return clean(value)
        except Wrong as wrong:
            self._wrong[name] = wrong.errors
            return cast("_T", None)


def text(*, most_bytes: int, trim: bool = True, blank: bool = True) -> Callable[[object], str]:
    """A text; a number becomes one."""

    def clean(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Wrong.because("Not a valid string.")
        result = str(value).strip() if trim else str(value)
        if not (blank or result):
            raise Wrong.because("This field may not be blank.")
        if problem := text_problem(result, most_bytes):
            raise Wrong.because(problem)
        return result

    return clean


def short_text(most: int, *, blank: bool = False) -> Callable[[object], str]:
    """A text of so many characters."""
    whole = text(most_bytes=4 * most, blank=blank)

    def clean(value: object) -> str:
        if isinstance(value, str) and len(value.strip()) > most:
            raise Wrong.because(f"Ensure this field has no more than {most} characters.")
        return whole(value)

    return clean


def boolean(value: object) -> bool:
    """True or false, maybe written as a text or as 1 and 0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = str(value).lower() if isinstance(value, bool | str | int) else ""
    if written not in _TRUE | _FALSE:
        raise Wrong.because("Must be a valid boolean.")
    return written in _TRUE


def time_of_day(value: object) -> time:
    """A time like `8:00`, `08:00:00` or `23:59:59.999999`."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if found:
            hour, minute, second, fraction = found.groups()
            return time(int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(6, "0")))
    except ValueError:
        pass
    raise Wrong.because("Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]].")


def pk(value: object) -> int:
    """The pk of a thing; whether there is such a thing is for somebody else to find out."""
    try:
        number = integer(value)
    except Wrong:
        raise Wrong.because(f"Incorrect type. Expected pk value, received {type(value).__name__}.") from None
    if not 1 <= number <= BIGGEST_PK:
        raise Wrong.because(f'Invalid pk "{str(number)[:_QUOTED_CHARACTERS]}" - object does not exist.')
    return number


def pks(value: object) -> list[int]:
    """A list of pks, maybe empty; the first bad one is blamed on the whole."""
    return [pk(item) for item in _list(value)]


def ticket(value: object) -> str:
    """The address of a ticket."""
    url = text(most_bytes=URL_BYTES)(value)
    if problem := url_problem(url):
        raise Wrong.because(problem)
    return url


def ticket_or_none(value: object) -> str:
    """The address of a ticket; empty takes it away."""
    return value if value == "" and isinstance(value, str) else ticket(value)


def integer(value: object) -> int:
    """A whole number, maybe written as a text or with a fraction of zero."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    written = str(value) if isinstance(value, str | float) and not isinstance(value, bool) else ""
    digits = written.strip().removesuffix(".0")
    if len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.removeprefix("-").isdigit():
        raise Wrong.because("A valid integer is required.")
    return int(digits)


def level(value: object) -> Level:
    """From 1 to 5, as a number or as a text."""
    known = _LEVELS.get(str(value)) if isinstance(value, str | int) else None
    if known is None:
        raise no_choice(value)
    return known


_LEVELS = {str(level.value): level for level in Level}


def choice(choices: Mapping[str, _Choice]) -> Callable[[object], _Choice]:
    """One of a few words."""

    def clean(value: object) -> _Choice:
        if isinstance(value, str) and value in choices:
            return choices[value]
        raise no_choice(value)

    return clean


def no_choice(value: object) -> Wrong:
    """What to say of a word, or a number, that is none of those expected."""
    shown = str(value)[:_QUOTED_CHARACTERS] if isinstance(value, str | int | float) else type(value).__name__
    return Wrong.because(f'"{shown}" is not a valid choice.')


def moment(zone: tzinfo) -> Callable[[object], datetime]:
    """A time; without an offset that of the zone."""

    def clean(value: object) -> datetime:
        try:
            return times.moment(value, zone)
        except times.NotAMoment as error:
            raise Wrong.because(str(error)) from None

    return clean


def end(zone: tzinfo) -> Callable[[object], datetime | None]:
    """When an incident ends; None is never."""

    def clean(value: object) -> datetime | None:
        try:
            return times.end(value, zone)
        except times.NotAMoment as error:
            raise Wrong.because(str(error)) from None

    return clean


def anything(value: object) -> object:
    """Any JSON."""
    return value


def mapping(value: object) -> Mapping[str, object]:
    """An object."""
    if not isinstance(value, dict):
        raise Wrong({ACROSS_FIELDS: [f"Invalid data. Expected a dictionary, but got {type(value).__name__}."]})
    return value


def integers(value: object) -> list[int]:
    """A list with at least one whole number."""
    if not _list(value):
        raise Wrong.because("This list may not be empty.")
    return list_of(integer)(value)


def list_of(clean: Callable[[object], _T], most: int | None = None) -> Callable[[object], list[_T]]:
    """A list, maybe empty; what is wrong is told by the place of each bad item."""

    def clean_each(value: object) -> list[_T]:
        items = _list(value)
        if most is not None and len(items) > most:
            raise Wrong.because(f"Ensure this field has no more than {most} elements.")
        return _each(items, clean)

    return clean_each


def nested(read: Callable[[Fields], _T]) -> Callable[[object], _T]:
    """An object with fields of its own."""

    def clean(value: object) -> _T:
        taken = Fields(mapping(value))
        result = read(taken)
        try:
            taken.check()
        except Refused as refused:
            raise Wrong(refused.body) from None
        return result

    return clean


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Wrong.because(f'Expected a list of items but got type "{type(value).__name__}".')
    return value


def tags(value: object) -> tuple[Tag, ...]:
    """A list of `{"tag": "key=value"}`."""
    if not isinstance(value, list):
        raise Wrong({ACROSS_FIELDS: [f'Expected a list of items but got type "{type(value).__name__}".']})
    if len(value) > TAGS:
        raise Wrong.because(f"Ensure this field has no more than {TAGS} elements.")
    return tuple(_each(value, _tag))


def _tag(item: object) -> Tag:
    if not isinstance(item, dict) or "tag" not in item:
        raise Wrong.because('Tags need to follow the format {"tag": key=value}')
    try:
        return tag(item["tag"])
    except Wrong as wrong:
        raise Wrong({"tag": wrong.errors}) from None


def tag(value: object) -> Tag:
    """A text `key=value`."""
    if not isinstance(value, str):
        raise Wrong.because("Not a valid string.")
    try:
        return Tag.parse(value)
    except Invalid as error:
        raise Wrong(error.errors["tag"]) from None


def _each(items: list[object], clean: Callable[[object], _T]) -> list[_T]:
    cleaned: list[_T] = []
    wrong: dict[str, Errors] = {}
    for place, item in enumerate(items):
        try:
            if item is None:
                raise Wrong.because(NOT_NULL)
            cleaned.append(clean(item))
        except Wrong as error:
            wrong[str(place)] = error.errors
    if wrong:
        raise Wrong(wrong)
    return cleaned
