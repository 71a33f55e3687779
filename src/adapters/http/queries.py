"""From the parameters of a list's URL to a condition on incidents (API document, "Query parameters"). Shared rules: the last of repeated
parameters counts, an empty one filters nothing, unknown ones are ignored, and everything that is wrong is told at once."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from adapters.http import times
from adapters.http.errors import Errors, Refused
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    EndsSince,
    EndsUntil,
    HasTicket,
    IdIn,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TextHas,
    tags_match,
)
from argus_core.domain.ids import IncidentId, SourceId
from argus_core.domain.limits import EARLIEST
from argus_core.domain.profiles import Belongings
from argus_core.domain.tags import Tag

DEFAULT_PAGE_SIZE = 100
BIGGEST_PK = 2**63 - 1
MOST_SOUGHT = 32
"""So many texts may be looked for at once."""
ABOUT_SOURCES = frozenset({"source__id__in", "source__name__in", "source__type__in", "level__lte"})
"""What the list of one's own incidents does not look at."""
ABOUT_BELONGINGS = ("filter_pk", "notificationprofile_pk")
"""What asks for something that the asker owns."""

NOTHING = Either(())
_NOT_A_NUMBER = "Enter a number."
_NOT_A_TIME = "Enter a valid date/time."
_NOT_A_TAG = 'Enter a valid key-value construct: "key=value", where key and value are strings.'
_NOT_A_TYPE = "Select a valid choice. That choice is not one of the available choices."
_NUL = "Null characters are not allowed."

_WHOLE = re.compile(r"-?\d{1,400}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)


class Wrong(Exception):
    """What is wrong with one parameter."""


class Query:
    """The parameters of one request."""

    def __init__(self, query_string: bytes) -> None:
        self.pairs = parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True, errors="replace")
        self._last = dict(self.pairs)

    def get(self, name: str) -> str:
        """The value without blanks around it; empty when there is none."""
        return self._last.get(name, "").strip()

    def cursor(self) -> str:
        """Where to go on reading; empty is the first page."""
        return self._last.get("cursor", "")

    def page_size(self, most: int) -> int:
        """How many rows are wanted, at most so many; what makes no sense is the default."""
        written = self.get("page_size").removeprefix("+").lstrip("0")
        if not (written.isascii() and written.isdigit()):
            return min(DEFAULT_PAGE_SIZE, most)
        return min(int(written), most) if len(written) < len(str(BIGGEST_PK)) else most

    def counts(self) -> bool:
        """Whether somebody wants to know how many there are in all."""
        return self.get("count").lower() in ("true", "1")


class Setting(NamedTuple):
    """What a parameter means depends on: the zone of naive times, the moment, the source types there are, and what the asker owns."""

    zone: tzinfo
    now: datetime
    types: Collection[str] = ()
    own: Belongings = Belongings()


def condition(query: Query, setting: Setting, ignoring: Collection[str] = ()) -> Condition:
    """
    The condition that all parameters together make.

    Raises:
        Refused: with one entry for each bad parameter.
    """
    parts: list[Condition] = []
    wrong: dict[str, Errors] = {}
    for name, clause in _CLAUSES.items():
        value = "" if name in ignoring else query.get(name)
        if not value:
            continue
        try:
            if (part := clause(value, setting)) is not None:
                parts.append(part)
        except Wrong as error:
            wrong[name] = [str(error)]
    if wrong:
        raise Refused(400, wrong)
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _either(true: Condition, false: Condition) -> "_Clause":
    meant = {"true": true, "1": true, "false": false, "0": false}
    return lambda value, _: meant.get(value.lower())


def _listed(items: list[str], clause: Callable[[list[str]], Condition]) -> Condition | None:
    return clause(items) if items else None


def _text(value: str) -> str:
    if "\0" in value:
        raise Wrong(_NUL)
    return value


def _texts(value: str) -> list[str]:
    return [stripped for item in _text(value).split(",") if (stripped := item.strip())]


def _number(value: str) -> float:
    number = float(value) if _NUMBER.fullmatch(value) else float("inf")
    if abs(number) == float("inf"):
        raise Wrong(_NOT_A_NUMBER)
    return number


def _pks(value: str) -> Iterator[int]:
    for item in _texts(value):
        if 1 <= (number := _pk(item)) <= BIGGEST_PK:
            yield number


def _pk(value: str) -> int:
    if not _WHOLE.fullmatch(value):
        raise Wrong(_NOT_A_NUMBER)
    return int(value)


def _own_filter(value: str, setting: Setting) -> Condition:
    number = _pk(value)
    try:
        return setting.own.filter(number).definition.incident_condition or NOTHING
    except NotFound:
        return NOTHING


def _own_profile(value: str, setting: Setting) -> Condition:
    number = _pk(value)
    try:
        return setting.own.whole(setting.own.profile(number)).incident_condition or NOTHING
    except NotFound:
        return NOTHING


def _known(names: list[str], types: Collection[str]) -> frozenset[str]:
    if not set(types).issuperset(names):
        raise Wrong(_NOT_A_TYPE)
    return frozenset(names)


def _moment(value: str, zone: tzinfo) -> datetime:
    try:
        return times.moment(value, zone)
    except times.NotAMoment:
        raise Wrong(_NOT_A_TIME) from None


def _lasted(minutes: float, now: datetime) -> Condition | None:
    whole = int(minutes)
    if whole == 0:
        return None
    if whole > (now - EARLIEST) / timedelta(minutes=1):
        return NOTHING  # nothing is that old, and no store has to reckon with times before the calendar
    return LastedAtLeast(timedelta(minutes=max(whole, 0)))


def _tag(item: str) -> str:
    try:
        tag = Tag.parse(item)
    except Invalid:
        raise Wrong(_NOT_A_TAG) from None
    if not tag.value:
        raise Wrong(_NOT_A_TAG)
    return str(tag)


def _sought(texts: Sequence[str]) -> Condition:
    """Each text is looked for by itself, so there may not be any number of them."""
    wanted = tuple(dict.fromkeys(texts))
    if len(wanted) > MOST_SOUGHT:
        raise Wrong(f"Ensure this has no more than {MOST_SOUGHT} texts.")
    return All(tuple(map(TextHas, wanted)))


_Clause: TypeAlias = Callable[[str, Setting], Condition | None]
_CLAUSES: dict[str, _Clause] = {
    "acked": _either(IsAcked(), Not(IsAcked())),
    "open": _either(IsOpen(), IsClosed()),
    "stateful": _either(IsStateful(), Not(IsStateful())),
    "end_time__isnull": _either(Not(IsStateful()), IsStateful()),
    "ticket": _either(HasTicket(), Not(HasTicket())),
    "level__lte": lambda value, _: LevelAtMost(_number(value)),
    "id__in": lambda value, _: IdIn(frozenset(map(IncidentId, _pks(value)))) if _texts(value) else None,
    "source__id__in": lambda value, _: SourceIn(frozenset(map(SourceId, _pks(value)))) if _texts(value) else None,
    "source__name__in": lambda value, _: _listed(_texts(value), lambda names: SourceNamed(frozenset(names))),
    "source__type__in": lambda value, setting: _listed(_texts(value), lambda names: SourceTyped(_known(names, setting.types))),
    "source_incident_id": lambda value, _: KeyIs(_text(value)),
    "start_time__gte": lambda value, setting: StartedSince(_moment(value, setting.zone)),
    "start_time__lte": lambda value, setting: StartedUntil(_moment(value, setting.zone)),
    "end_time__gte": lambda value, setting: EndsSince(_moment(value, setting.zone)),
    "end_time__lte": lambda value, setting: EndsUntil(_moment(value, setting.zone)),
    "duration__gte": lambda value, setting: _lasted(_number(value), setting.now),
    "tags": lambda value, _: _listed(_texts(value), lambda tags: tags_match([_tag(tag) for tag in tags])),
    "search": lambda value, _: _listed(_texts(value), _sought),
    "filter_pk": _own_filter,
    "notificationprofile_pk": _own_profile,
}
