"""Pages of the list of incidents: the statement that reads one, and what its rows say about its neighbours."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Sequence
from datetime import datetime

from adapters.db.filters import ALWAYS, Where, conjunction
from adapters.db.rows import INCIDENT_COLUMNS, LISTED_COLUMNS
from argus_core.domain.filters import Condition, IsOpen
from argus_core.domain.ids import IncidentId
from argus_core.ports.incidents import IncidentRow, Page, Position

# Two scans, each with an index of its own. In one, "or" would rule out the partial index, and every incident would be looked at.
_OPEN = ("i.stateful and i.end_time is null", "i.stateful and i.end_time > %(now)s")

_NEWEST, _OLDEST = "i.start_time desc, i.id desc", "i.start_time, i.id"


def to_read_page(condition: Condition, now: datetime, size: int, position: Position | None) -> tuple[str, dict[str, object]]:
    """The statement that reads one incident more than the page, and one on the other side of the position; and its values."""
    where = Where(now)
    scans = _scans(where, condition)
    most = where.value(size + 1)
    if position is None:
        found = _some(scans, ALWAYS, _NEWEST, most)
    else:
        here = f"({where.value(position.start_time)}, {where.value(position.id)})"
        older = _some(
            scans, f"(i.start_time, i.id) {'<=' if position.backwards else '<'} {here}", _NEWEST, "1" if position.backwards else most
        )
        newer = _some(
            scans, f"(i.start_time, i.id) {'>' if position.backwards else '>='} {here}", _OLDEST, most if position.backwards else "1"
        )
        found = f"({older}) union all ({newer})"
    statement = f"select {INCIDENT_COLUMNS} from ({found}) i join source s on s.id = i.source_id order by {_NEWEST}"
    return statement, where.values


def to_count(condition: Condition, now: datetime) -> tuple[str, dict[str, object]]:
    """The statement that counts incidents, and its values."""
    where = Where(now)
    counts = [f"(select count(*) from incident i where {scan})" for scan in _scans(where, condition)]
    return f"select {' + '.join(counts)}", where.values


def page_of(rows: Sequence[IncidentRow], size: int, position: Position | None) -> Page[IncidentRow]:
    """The page, from what its statement found, newest first."""
    if position is None:
        newer, here, older = False, rows[:size], len(rows) > size
    else:
        border = (position.start_time, position.id)
        if position.backwards:
            before = [row for row in rows if _place(row) > border]
            newer, here, older = len(before) > size, before[-size:], len(before) < len(rows)
        else:
            behind = [row for row in rows if _place(row) < border]
            newer, here, older = len(behind) < len(rows), behind[:size], len(behind) > size
    return Page(
        here,
        next=Position(*_place(here[-1])) if here and older else None,
        previous=Position(*_place(here[0]), backwards=True) if here and newer else None,
    )


def _scans(where: Where, condition: Condition) -> list[str]:
    """The condition as one or two that exclude each other and are each found by an index."""
    parts = conjunction(condition)
    branches = _OPEN if IsOpen() in parts else (ALWAYS,)
    rest = "".join(f" and ({where.sql(part)})" for part in parts if part != IsOpen())
    return [f"{branch}{rest}" for branch in branches]


def _some(scans: Sequence[str], key: str, order: str, most: str) -> str:
    """The first incidents, in this order, of all scans together."""
    selects = [f"(select {LISTED_COLUMNS} from incident i where {scan} and {key} order by {order} limit {most})" for scan in scans]
    if len(selects) == 1:
        return selects[0]
    return f"select {LISTED_COLUMNS} from ({' union all '.join(selects)}) i order by {order} limit {most}"


def _place(row: IncidentRow) -> tuple[datetime, IncidentId]:
    return row.start_time, row.id
