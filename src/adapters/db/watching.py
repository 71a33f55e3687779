"""Heartbeats, and signs of how notifications get through, in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta

from psycopg.rows import TupleRow

from adapters.db import audit
from adapters.db.database import Connection, Database
from argus_core.domain.audit import Entry
from argus_core.domain.ids import SourceId, UserId
from argus_core.domain.sources import Source
from argus_core.domain.watching import LOOKED_BACK, WINDOW, Heart, MediumSigns, Signs
from argus_core.ports.watching import Watch

_BEAT = """
    insert into heart (source_id, last) values (%s, now())
    on conflict (source_id) do update set last = excluded.last"""
_EXPECT = """
    insert into heart (source_id, every, last) values (%s, %s, now())
    on conflict (source_id) do update set every = excluded.every, last = excluded.last"""
_HEARTS = """
    select s.id, s.name, s.type, s.user_id, s.base_url, h.every, h.last
    from heart h join source s on s.id = h.source_id join account u on u.id = s.user_id
    where h.every is not null and u.active order by s.id"""
_UNDELIVERED = """
    select now(), least((select min(created) from outbox), (select min(since) from delivery where status = 'waiting'))"""
# Failures are few when all is well, and when anything last got through is seen at the first thing that did.
_MEDIA = """
    with t as (
        select a.delivery_id, a.number, a.created, d.medium, d.destination_id, d.since, d.status = 'waiting' as waits
        from attempt a join delivery d on d.id = a.delivery_id where a.created > now() - %(window)s::interval and a.outcome <> 'sent'
        union
        select a.delivery_id, a.number, a.created, d.medium, d.destination_id, d.since, true
        from delivery d join attempt a on a.delivery_id = d.id where d.status = 'waiting' and a.outcome <> 'sent'
    ),
    m as materialized (
        select t.medium, w.created as worked, w.destination_id as worked_for
        from (select distinct medium from t) t left join lateral (
            select a.created, d.destination_id from attempt a join delivery d on d.id = a.delivery_id
            where a.created > now() - %(back)s::interval and a.outcome = 'sent' and d.medium = t.medium
            order by a.created desc limit 1
        ) w on true
    )
    select m.medium, coalesce(m.worked > now() - %(window)s::interval, false),
        count(*) filter (where t.created > now() - %(window)s::interval), count(*) filter (where t.waits),
        greatest(coalesce(min(t.since) filter (where t.waits), min(t.created)), m.worked),
        coalesce(count(distinct t.destination_id) = 1 and min(t.destination_id) <> m.worked_for, false)
    from m left join t on t.medium = m.medium and (m.worked is null or t.created > m.worked)
    group by m.medium, m.worked, m.worked_for order by m.medium"""


class PgWatch(Watch):
    """What can be seen in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, source_id: SourceId) -> None:
        await self._database.run(lambda connection, _: connection.execute(_BEAT, (source_id,), prepare=True))

    async def expect(self, source_id: SourceId, every: timedelta | None, note: Entry | None = None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_EXPECT, (source_id, every))
            await audit.keep(connection, *([] if note is None else [note]))

    async def hearts(self) -> Sequence[Heart]:
        return await self._database.run(lambda connection, _: _hearts(connection))

    async def signs(self) -> Signs:
        async def look(connection: Connection, _: bool) -> Signs:
            ((now, undelivered),) = await _rows(connection, _UNDELIVERED)
            media = [
                MediumSigns(slug=slug, worked=worked, failed=failed, retried=retried, since=since, alone=alone)
                for slug, worked, failed, retried, since, alone in await _rows(connection, _MEDIA, {"window": WINDOW, "back": LOOKED_BACK})
            ]
            return Signs(now=now, hearts=await _hearts(connection), media=media, undelivered=undelivered)

        return await self._database.run(look)


async def _hearts(connection: Connection) -> list[Heart]:
    return [
        Heart(
            source=Source(id=SourceId(id_), name=name, type=type_, user_id=UserId(user_id), base_url=base_url),
            every=every,
            last=last,
        )
        for id_, name, type_, user_id, base_url, every, last in await _rows(connection, _HEARTS)
    ]


async def _rows(connection: Connection, statement: str, values: dict[str, object] | None = None) -> list[TupleRow]:
    return await (await connection.execute(statement, values, binary=True)).fetchall()
