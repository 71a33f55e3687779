"""Figures about all incidents, by PostgreSQL. Few are open, and what a week or a day brought is found by when it started."""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from psycopg.rows import TupleRow

from adapters.db.database import Connection, Runs
from argus_core.domain.flapping import Thresholds
from argus_core.domain.ids import IncidentId, SourceId, UserId
from argus_core.domain.incidents import ENDS, EventType, Level
from argus_core.domain.overview import DAY, MOST, Flapping, NoisySource, NoisyTag, OpenCount, Past, Spread, begin_of_week, flapped
from argus_core.domain.sources import Source
from argus_core.ports.statistics import Statistics

Values: TypeAlias = Mapping[str, object]

_SOURCE = "s.id, s.name, s.type, s.user_id, s.base_url"

# Each half of what is open has an index of its own, see `pages`.
_OPEN = f"""
    with o as (
        select source_id, level, coalesce(acked_until > %(now)s, false) as acked, count(*) as number from (
            select source_id, level, acked_until from incident where stateful and end_time is null
            union all
            select source_id, level, acked_until from incident where stateful and end_time > %(now)s and end_time < 'infinity'
        ) i group by 1, 2, 3
    )
    select level, acked, number, {_SOURCE} from o join source s on s.id = o.source_id order by s.id, level, acked"""
_ARRIVALS = "select date_trunc('hour', start_time), count(*) from incident where start_time between %(week)s and %(now)s group by 1"
_RESOLVED = """
    select count(*), percentile_disc(array[0.5, 0.9]) within group (order by greatest(end_time - start_time, interval '0'))
    from incident where start_time between %(week)s and %(now)s and stateful and end_time <= %(now)s"""
_ACKNOWLEDGED = """
    select count(*), percentile_disc(array[0.5, 0.9]) within group (order by greatest(taken - start_time, interval '0')) from (
        select i.start_time, min(e.timestamp) as taken from incident i join ack a on a.incident_id = i.id join event e on e.id = a.event_id
        where i.start_time between %(week)s and %(now)s and i.acked_until is not null group by i.id
    ) i"""
_SOURCES = f"""
    with n as (
        select source_id, count(*) as number from incident where start_time > %(day)s and start_time <= %(now)s
        group by source_id order by number desc, source_id limit %(most)s
    )
    select number, {_SOURCE} from n join source s on s.id = n.source_id order by number desc, s.id"""
_TAGS = """
    select tag, count(*) from incident, unnest(tags) as tag where start_time > %(day)s and start_time <= %(now)s
    group by tag order by count(*) desc, tag collate "C" limit %(most)s"""
# As `flapping.changes` says of each event; an end that is still to come ends nothing before it is reached.
_ENDED = f"""
    with e as (
        select incident_id, received from event
        where received > %(day)s and received <= %(now)s and effect and type = any(%(ends)s)
            and coalesce((changes -> 'end_time' ->> 1)::timestamptz <= received, type = %(reached)s)
    ),
    k as (
        select i.source_id, (select array_agg(tag collate "C" order by tag collate "C") from unnest(i.tags) as tag) as tags,
            case when i.tags = '{{}}' then i.id end as incident_id, array_agg(e.received order by e.received) as ended
        from e join incident i on i.id = e.incident_id where i.stateful group by 1, 2, 3 having count(*) > %(fewest)s
    )
    select k.tags, k.incident_id, k.ended, {_SOURCE} from k join source s on s.id = k.source_id"""


class PgStatistics(Statistics):
    """What there is to see in the database."""

    def __init__(self, database: Runs) -> None:
        self._database = database

    async def open_at(self, now: datetime) -> Sequence[OpenCount]:
        rows = await self._database.run(lambda connection, _: _rows(connection, _OPEN, {"now": now}))
        return [OpenCount(_source(*source), Level(level), acked, number) for level, acked, number, *source in rows]

    async def past(self, now: datetime, thresholds: Thresholds) -> Past:
        values = {
            "now": now,
            "week": begin_of_week(now),
            "day": now - DAY,
            "most": MOST,
            "ends": sorted(type_.value for type_ in ENDS),
            "reached": EventType.END_REACHED.value,
            "fewest": thresholds.fewest,
        }

        async def look(connection: Connection, _: bool) -> Past:
            return Past(
                until=now,
                arrivals=dict(await _rows(connection, _ARRIVALS, values)),
                acknowledged=_spread(await _rows(connection, _ACKNOWLEDGED, values)),
                resolved=_spread(await _rows(connection, _RESOLVED, values)),
                sources=tuple(NoisySource(_source(*source), number) for number, *source in await _rows(connection, _SOURCES, values)),
                tags=tuple(NoisyTag(tag, number) for tag, number in await _rows(connection, _TAGS, values)),
                flapping=flapped(
                    [
                        (Flapping(_source(*source), tuple(tags or ()), len(ended), id_ and IncidentId(id_)), ended)
                        for tags, id_, ended, *source in await _rows(connection, _ENDED, values)
                    ],
                    thresholds,
                ),
            )

        return await self._database.run(look)


def _source(id_: int, name: str, type_: str, user_id: int, base_url: str) -> Source:
    return Source(id=SourceId(id_), name=name, type=type_, user_id=UserId(user_id), base_url=base_url)


def _spread(rows: Sequence[TupleRow]) -> Spread | None:
    ((count, spread),) = rows
    if not count:
        return None
    median, most = spread
    return Spread(count, median, most)


async def _rows(connection: Connection, statement: str, values: Values) -> list[TupleRow]:
    return await (await connection.execute(statement, values)).fetchall()
