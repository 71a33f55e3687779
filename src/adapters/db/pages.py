"""Pages of the list of incidents: the statements that read them, and what their rows say about their neighbours."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Iterator, Sequence
from datetime import datetime

from adapters.db.filters import ALWAYS, Where, as_you_go, conjunction, is_sought_by_time
from argus_core.domain.filters import All, Condition, Either, EndsUntil, IsAcked, IsOpen, Not, reads_texts, texts_in
from argus_core.ports.incidents import NEWEST, By, IncidentRow, Order, Page, Position

# Each has an index of its own. In one scan, "or" would rule out the partial index, and every incident would be looked at.
# The second bound excludes nothing, but tells the planner of a kept statement that few incidents end in the future.
_OPEN = ("i.stateful and i.end_time is null", "i.stateful and i.end_time > %(now)s and i.end_time < 'infinity'")

# Hidden from the planner, the moment is no value to plan for: PostgreSQL keeps a plan that it expects to be as good as new ones.
_NOW, _HIDDEN_NOW = "%(now)s", "(select %(now)s::timestamptz)"
_KEPT_MOST = 101
"""A page of a hundred, which is what clients get that do not name a size, and one more."""
_KEPT = frozenset({IsOpen(), IsAcked(), Not(IsAcked())})

_FOUND = "i.id, i.start_time, i.source_id, i.xmin as written"
_NEWEST, _OLDEST = "i.start_time desc, i.id desc", "i.start_time, i.id"


def to_read_page(
    condition: Condition, now: datetime, most: int, position: Position | None, order: Order = NEWEST
) -> tuple[str, dict[str, object]]:
    """
    The statement that finds so many incidents, and its values: sorted by start, from a position on, the incident there included.

    Backwards the last come first. It reads what kept rows are known by. See `adapters.db.sorting` for other orders.
    """
    where = Where(now)
    scans, key, least_first = scans_of(where, condition), ALWAYS, is_least_first(order, position)
    ordered = _OLDEST if least_first else _NEWEST
    if position is not None:
        key = f"(i.start_time, i.id) {'>=' if least_first else '<='} ({where.value(position.start_time)}, {where.value(position.id)})"
    kept = is_kept(condition, most, position, order)
    found = _some(scans, key, ordered, str(most), narrowing=any(map(is_sought_by_time, texts_in(condition))), blind=kept)
    statement = f"select i.id, i.written, s.xmin from ({found}) i join source s on s.id = i.source_id order by {ordered}"
    return statement.replace(_NOW, _HIDDEN_NOW) if kept else statement, where.values


def is_least_first(order: Order, position: Position | None) -> bool:
    """Whether the statement has to begin with the smallest: what comes before a position is read from there backwards."""
    return order.reverse != (position is not None and position.backwards)


def is_kept(condition: Condition, most: int, position: Position | None, order: Order = NEWEST) -> bool:
    """
    Whether the statement is asked for all the time and always alike, so that planning it costs more than it can gain.

    From a position on it gains: there the planner has to know that few incidents end in the future.
    """
    return position is None and order == NEWEST and most == _KEPT_MOST and all(part in _KEPT for part in conjunction(condition))


def to_count(condition: Condition, now: datetime, most: int | None = None) -> tuple[str, dict[str, object]]:
    """The statement that counts incidents, at most so many, and its values."""
    where = Where(now)
    scans = scans_of(where, condition)
    if most is None:
        counts = [f"(select count(*) from incident i where {scan})" for scan in scans]
        return f"select {' + '.join(counts)}", where.values
    found = " union all ".join(f"(select from incident i where {scan} limit {most})" for scan in scans)
    return f"select count(*) from (select from ({found}) i limit {most}) i", where.values


def is_at(position: Position, row: IncidentRow, by: By = By.START) -> bool:
    """Whether the incident is the one at the position, and still there."""
    return by.place(row, backwards=position.backwards) == position


def page_of(rows: Sequence[IncidentRow], size: int, *, backwards: bool, behind: bool, by: By = By.START) -> Page[IncidentRow]:
    """The page, from the incidents that were read for it, and one more if there is; `behind` is whether there are any where it begins."""
    here, ahead = rows[:size], len(rows) > size
    newer, older = (ahead, behind) if backwards else (behind, ahead)
    here = here[::-1] if backwards else here
    return Page(
        here,
        next=by.place(here[-1]) if here and older else None,
        previous=by.place(here[0], backwards=True) if here and newer else None,
    )


def scans_of(where: Where, condition: Condition) -> list[str]:
    """The condition as some that exclude one another, each of which an index finds."""
    scans, divided = [ALWAYS], set[type[Condition]]()
    for part in dict.fromkeys(conjunction(condition)):
        branches = [] if type(part) in divided else list(_branches(where, part))
        if branches:
            divided.add(type(part))
        scans = [f"{scan} and ({branch})" for scan in scans for branch in branches or [where.sql(part)]]
    return scans


def _branches(where: Where, part: Condition) -> Iterator[str]:
    """Conditions that exclude one another and of which one holds if and only if the part does; none when it is better left whole."""
    match part:
        case IsOpen():
            yield from _OPEN
        case EndsUntil(moment):
            # What ended before, began before; few ended before they began, by what their sources say, and these have an index. The end is
            # written as a difference lest the planner take both for independent.
            border = where.value(moment)
            ended = f"i.end_time - {border} <= interval '0'"
            yield f"{ended} and i.start_time <= {border}"
            yield f"{ended} and i.start_time > {border} and i.end_time < i.start_time"
        case Either(of) if any(map(reads_texts, of)):
            # A text is found by an index or as far as the page goes, but in "or" only by reading all events that have it.
            others = tuple(one for one in of if not reads_texts(one))
            earlier: list[Condition] = []
            for one in [*([Either(others)] if others else []), *filter(reads_texts, of)]:
                yield where.sql(All((one, *map(Not, earlier))))
                earlier.append(one)


def _some(scans: Sequence[str], key: str, order: str, most: str, *, narrowing: bool, blind: bool) -> str:
    """
    The first incidents, in this order, of all scans together.

    When they are `narrowing`, each looks no further than to where those before it have found enough. A `blind` planner does not know how
    few incidents end in the future: of millions it takes thousands for such, and rather than sort them would look for them among all.
    """
    selects = []
    for scan in scans:
        # The key comes first, because PostgreSQL begins to read an index at the first of several bounds.
        select = f"select {_FOUND} from incident i where {key} and {scan}{{}}"
        unordered = blind and _OPEN[1] in scan
        selects.append(f"{f'select * from ({select} offset 0) i' if unordered else select} order by {order} limit {most}")
    if len(selects) == 1:
        return selects[0].format("")
    if not narrowing:
        return _first(" union all ".join(f"({select.format('')})" for select in selects), order, most)
    found = [f"s0 as materialized ({selects[0].format('')})"]
    compared, least = (">=", "min") if order == _NEWEST else ("<=", "max")
    for number, select in enumerate(selects[1:], 1):
        before = " union all ".join(f"select * from s{earlier}" for earlier in range(number))
        border = f"select count(*) >= {most} as enough, {least}(start_time) as last from ({_first(before, order, most)}) b"
        found.append(f"b{number} as materialized ({border})")
        near = as_you_go(select).format(f" and (select enough from b{number}) and i.start_time {compared} (select last from b{number})")
        far = select.format(f" and not (select enough from b{number})")
        found.append(f"s{number} as materialized (({near}) union all ({far}))")
    together = " union all ".join(f"select * from s{number}" for number in range(len(selects)))
    return f"with {', '.join(found)} {_first(together, order, most)}"


def _first(found: str, order: str, most: str) -> str:
    return f"select i.id, i.start_time, i.source_id, i.written from ({found}) i order by {order} limit {most}"
