"""What has to be true of a database, whatever happened to those who wrote to it."""

import asyncio
from collections.abc import Mapping, Sequence

import psycopg

from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.domain.incidents import Event, Incident, fold


def journals(dsn: str) -> Mapping[int, tuple[Incident, Sequence[Event]]]:
    """Each incident as it is kept, with its whole journal, read the way the server reads them."""
    with psycopg.connect(dsn) as connection:
        ids = [id_ for (id_,) in connection.execute("select id from incident order by id")]

    async def read() -> Mapping[int, tuple[Incident, Sequence[Event]]]:
        async with Database(dsn).opened() as database:
            store = PgIncidents(database)
            return {id_: (await store.get(id_), await store.journal(id_)) for id_ in ids}

    return asyncio.run(read())


def assert_whole(found: Mapping[int, tuple[Incident, Sequence[Event]]]) -> None:
    """The journals have no gaps, time does not run backwards in them, and each leads to what is kept."""
    for incident, journal in found.values():
        assert [event.version for event in journal] == list(range(1, incident.version + 1))
        assert sorted(event.received for event in journal) == [event.received for event in journal]
        assert fold(journal, incident.source) == incident


def assert_nothing_lost(dsn: str, descriptions: Sequence[str]) -> None:
    """There is one incident with each of these descriptions, it has its first event, and that has its outbox row."""
    query = """
        select i.description, count(*), count(e.id), count(o.incident_id)
        from incident i
        left join event e on e.incident_id = i.id and e.version = 1
        left join outbox o on o.incident_id = i.id and o.version = 1
        where i.description = any(%s) group by 1"""
    with psycopg.connect(dsn) as connection:
        found = {description: counts for description, *counts in connection.execute(query, (list(descriptions),))}
    assert {description: [1, 1, 1] for description in descriptions} == found


def assert_nothing_twice(dsn: str) -> None:
    """No two incidents have the same description; tests give each report one of its own."""
    with psycopg.connect(dsn) as connection:
        twice = connection.execute("select description, count(*) from incident group by 1 having count(*) > 1").fetchall()
    assert [] == twice
