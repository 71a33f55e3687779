"""How much there is of what an operator watches, in one round trip."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from adapters.db.database import Connection, Database

# "Open" has two branches, each of which has its index: no end yet, and an end to come.
_FIGURES = """
    with open as (
        select source_id, level from incident where stateful and end_time is null
        union all select source_id, level from incident where stateful and end_time > now()
    )
    select 'open', s.type, s.name, o.level::int, o.number, null::interval
        from (select source_id, level, count(*) number from open group by source_id, level) o join source s on s.id = o.source_id
    union all select 'undecided', '', '', 0, count(*), now() - min(created) from outbox
    union all select 'stuck', '', '', 0, count(*), null from outbox where failures > 0
    union all select 'waiting', medium, '', 0, count(*), now() - min(since) from delivery where status = 'waiting' group by medium"""

_NONE = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """So many of something wait, the first of them for so long."""

    number: int = 0
    oldest: timedelta = _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """
    Open incidents by type and name of the source and by level; events about which nobody has decided yet, and those about which nobody can;
    deliveries that wait, by medium.
    """

    open: Mapping[tuple[str, str, int], int]
    undecided: Pile
    stuck: int
    waiting: Mapping[str, Pile]


async def figures(database: Database) -> Figures:
    """
    How things are.

    Raises:
        Unavailable: the database cannot be asked.
    """

    async def look(connection: Connection, _: bool) -> Figures:
        rows = await (await connection.execute(_FIGURES, prepare=True, binary=True)).fetchall()
        piles = {(kind, name): Pile(number=number, oldest=oldest or _NONE) for kind, name, _, _, number, oldest in rows if kind != "open"}
        return Figures(
            open={(type_, name, level): number for kind, type_, name, level, number, _ in rows if kind == "open"},
            undecided=piles["undecided", ""],
            stuck=piles["stuck", ""].number,
            waiting={medium: pile for (kind, medium), pile in piles.items() if kind == "waiting"},
        )

    return await database.run(look)
