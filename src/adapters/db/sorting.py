"""
Lists in other orders than by start: the statements that read a page of them.

Each reads a bounded part of an index, however many incidents there are, as long as it is asked for all of them, for those that are open, or
for those that are not. Incidents are told apart by whether they have an end, because each kind lies in an index of its own.
"""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from adapters.db.filters import Where, as_you_go, conjunction, greatest_level, is_sought_by_time
from adapters.db.pages import is_least_first, scans_of, to_read_page
from argus_core.domain.filters import All, Condition, EndsUntil, IsClosed, IsOpen, IsStateful, LevelAtMost, Not, texts_in
from argus_core.domain.incidents import FOREVER
from argus_core.ports.incidents import By, Order, Position

_ENDLESS = "i.stateful and i.end_time is null"
_STATELESS = "not i.stateful and i.end_time is null"
_WITH_END = "i.end_time is not null"
_NOT_ENDLESS = f"not ({_ENDLESS})"
_TO_COME = "i.stateful and i.end_time > %(now)s"

_OVER = (IsClosed, EndsUntil)
"""What holds only for what has an end."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """
    Incidents of one kind, and the columns by which their index sorts them.

    Of `few` all are found first, and then sorted: the planner might look for them among all others instead.
    """

    condition: str
    columns: tuple[str, ...]
    few: bool = False

    @property
    def key(self) -> str:
        """The columns as one."""
        return f"({', '.join(self.columns)})"

    def order(self, direction: str) -> str:
        """What they are ordered by."""
        return ", ".join(f"{column} {direction}" for column in self.columns)


_SINCE = ("i.start_time", "i.id")
_BY_END, _BY_LEVEL = ("i.end_time", *_SINCE), ("(-i.level)", *_SINCE)


def to_read_list(condition: Condition, now: datetime, most: int, position: Position | None, order: Order) -> tuple[str, dict[str, object]]:
    """The statement that finds so many incidents in this order, and its values; see `to_read_page`."""
    if order.by is By.START:
        return to_read_page(condition, now, most, position, order)
    where = Where(now)
    least_first = is_least_first(order, position)
    direction, compared = ("asc", ">=") if least_first else ("desc", "<=")
    parts = list(dict.fromkeys(conjunction(condition)))
    # The kinds say all that there is to say of being open. What is about that by which the list is sorted is a bound of the index.
    bounds = {part: _bound(where, part, order.by) for part in parts}
    rest = tuple(part for part in parts if part != IsOpen() and not bounds[part])
    scans = [" and ".join([*filter(None, bounds.values()), f"({scan})"]) for scan in scans_of(where, All(rest))]
    narrowing = any(map(is_sought_by_time, texts_in(condition)))
    selects = []
    for kind in _kinds(order.by, parts):
        if (key := _key(where, kind, position, compared, least_first=least_first)) is None:
            continue
        for scan in scans:
            select = f"select {_FOUND}, {_RANKS[order.by]} as rank from incident i where {key}{kind.condition} and {scan}"
            select = as_you_go(select) if narrowing else select
            if kind.few:
                selects.append(f"(select * from ({select} offset 0) i order by i.rank {direction}, {_since(direction)} limit {most})")
            else:
                selects.append(f"({select} order by {kind.order(direction)} limit {most})")
    everything = " union all ".join(selects) or f"select {_FOUND}, null as rank from incident i where false"
    ordered = f"i.rank {direction}, {_since(direction)}"
    found = f"select * from ({everything}) i order by {ordered} limit {most}"
    return f"select i.id, i.written, s.xmin from ({found}) i join source s on s.id = i.source_id order by {ordered}", where.values


_FOUND = "i.id, i.start_time, i.source_id, i.xmin as written"
_RANKS = {By.END: "i.end_time", By.LEVEL: "(-i.level)"}
"""Of what has no end the end is null, which comes first from above, and last from below."""


def _kinds(by: By, parts: Iterable[Condition]) -> Iterator[_Kind]:
    """The kinds of which some may meet all conditions. Any other would be looked through in vain, from one end to the other."""
    open_only = IsOpen() in parts
    over_only = any(isinstance(part, _OVER) for part in parts)
    not_open = Not(IsOpen()) in parts
    if not (over_only or not_open or Not(IsStateful()) in parts):
        yield _Kind(_ENDLESS, _SINCE if by is By.END else _BY_LEVEL)
    if open_only:
        yield _Kind(_TO_COME, _BY_END) if by is By.END else _Kind(_TO_COME, _BY_LEVEL, few=True)
        return
    if by is By.LEVEL:
        yield _Kind(_NOT_ENDLESS, _BY_LEVEL)
        return
    if not (over_only or IsStateful() in parts):
        yield _Kind(_STATELESS, _SINCE)
    if Not(IsStateful()) not in parts:
        yield _Kind(_WITH_END, _BY_END)


def _bound(where: Where, part: Condition, by: By) -> str:
    """The condition as the index has it; nothing when that is not about the same."""
    match by, part:
        case _, EndsUntil():
            return where.sql(part)
        case By.LEVEL, LevelAtMost(level) if (most := greatest_level(level)) is not None:
            return f"(-i.level) >= {where.value(-most)}"
        case By.LEVEL, Not(LevelAtMost(level)) if (most := greatest_level(level)) is not None:
            return f"(-i.level) < {where.value(-most)}"
        case _:
            return ""


def _since(direction: str) -> str:
    return f"i.start_time {direction}, i.id {direction}"


def _key(where: Where, kind: _Kind, position: Position | None, compared: str, *, least_first: bool) -> str | None:
    """The bound that the position is for this kind; None when all of the kind lie on the other side of it."""
    if position is None:
        return ""
    start, id_ = where.value(position.start_time), where.value(position.id)
    if kind.columns == _BY_LEVEL:
        return f"{kind.key} {compared} ({where.value(position.rank)}, {start}, {id_}) and "
    endless = kind.columns == _SINCE
    if endless == (position.rank == FOREVER):
        values = f"{start}, {id_}" if endless else f"{where.value(position.rank)}, {start}, {id_}"
        return f"{kind.key} {compared} ({values}) and "
    return "" if endless == least_first else None
