"""Rows of lists are kept between requests, and nobody can tell but by the clock."""

import asyncio

import pytest

from adapters.db import journal, kept
from adapters.db.journal import ATTEMPTS
from argus_core.conformance import LONG_AGO
from argus_core.domain.filters import HasTag, IsOpen
from argus_core.domain.incidents import EventType
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit

pytestmark = pytest.mark.anyio


async def page(incidents, condition=IsOpen(), size=10):  # noqa: B008 - a value
    return (await incidents.page(condition, LONG_AGO, size)).rows


async def execute(database, statement, *values):
    await database.run(lambda connection, _: connection.execute(statement, values))


@pytest.fixture
def read(monkeypatch):
    """How many rows were read whole each time."""
    counts = []
    make = journal.PgIncidents._keep

    async def count(self, connection, missing):
        counts.append(len(missing))
        return await make(self, connection, missing)

    monkeypatch.setattr(journal.PgIncidents, "_keep", count)
    return counts


async def test_what_did_not_change_is_not_read_again(incidents, world, read):
    for _ in range(3):
        await world.report()
    first = await page(incidents)
    changed = await world.service.post(first[1].id, EventType.OTHER, actor=world.person)

    second = await page(incidents)

    assert [3, 1] == read
    assert first[0] is second[0]
    assert first[2] is second[2]
    assert changed.incident.version == second[1].version


async def test_what_was_changed_by_hand_is_seen(incidents, world, database):
    incident = await world.report()
    await page(incidents)

    await execute(database, "update incident set description = 'by hand' where id = %s", incident.id)

    assert ["by hand"] == [row.description for row in await page(incidents)]


async def test_another_name_of_the_source_is_seen(incidents, world, database):
    await world.report()
    await page(incidents)

    await execute(database, "update source set name = 'renamed' where id = %s", world.source.id)

    assert ["renamed"] == [row.source_name for row in await page(incidents)]


async def test_more_than_is_kept_can_be_read(incidents, world, monkeypatch):
    monkeypatch.setattr(incidents, "_kept", kept.KeptRows(most=2))
    ids = [(await world.report()).id for _ in range(5)]

    assert [ids[::-1]] * 2 == [[row.id for row in await page(incidents)] for _ in range(2)]
    assert 2 == len(incidents._kept._rows)


async def test_a_page_is_of_one_moment(incidents, world, monkeypatch):
    """
    Between finding an incident and reading it somebody takes away the tag that it was found by: then it is not on the page.
    """
    ids = [(await world.report(tags=(Tag("a", "b"),))).id for _ in range(3)]
    keep = incidents._keep

    async def change_before(connection, missing):
        monkeypatch.setattr(incidents, "_keep", keep)
        await world.service.edit(ids[1], Edit(tags=()), actor=world.reporter)
        return await keep(connection, missing)

    monkeypatch.setattr(incidents, "_keep", change_before)

    assert [ids[2], ids[0]] == [row.id for row in await page(incidents, HasTag(frozenset({"a=b"})))]


async def test_a_page_of_what_changes_all_the_time_comes_nevertheless(incidents, world, monkeypatch):
    incident = await world.report()
    keep = incidents._keep
    changes = []

    async def change_around(connection, missing):
        changes.append(await world.service.post(incident.id, EventType.OTHER, actor=world.person))
        found = await keep(connection, missing)
        await world.service.post(incident.id, EventType.OTHER, actor=world.person)
        return found

    monkeypatch.setattr(incidents, "_keep", change_around)

    found = await page(incidents)

    assert [changes[-1].incident.version] == [row.version for row in found]
    assert ATTEMPTS + 1 == len(changes)


async def test_lists_and_changes_at_once_agree_in_the_end(incidents, world):
    ids = [(await world.report()).id for _ in range(20)]

    async def change(number):
        for _ in range(10):
            await world.service.post(ids[number], EventType.OTHER, actor=world.person)

    async def look():
        for _ in range(20):
            assert set(ids) == {row.id for row in await page(incidents, size=100)}

    await asyncio.gather(*map(change, range(8)), *(look() for _ in range(4)))

    assert [11] * 8 == [row.version for row in sorted(await page(incidents, size=100))[:8]]
