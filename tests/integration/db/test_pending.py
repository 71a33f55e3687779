"""What was written is sorted into the GIN indexes beside the statements that write."""

import asyncio
from datetime import UTC, datetime

import pytest

from adapters.db import pending
from adapters.db.database import Database
from adapters.db.pending import PendingLists
from argus_core.domain import transitions
from argus_core.domain.incidents import EventType
from argus_core.domain.transitions import Change
from argus_core.ports.incidents import Appended

pytestmark = pytest.mark.anyio

LEFT = """
    select sum(gin_clean_pending_list(x.indexrelid)) from pg_index x join pg_class c on c.oid = x.indexrelid join pg_am m on m.oid = c.relam
    where m.amname = 'gin' and x.indrelid = 'incident'::regclass"""


async def left(database: Database) -> int:
    """So many pages of the lists were not sorted in yet; now they are."""

    async def look(connection, _):
        return (await (await connection.execute(LEFT)).fetchone())[0]

    return await database.run(look)


async def begin(world, incidents, numbers) -> list[Change]:
    changes = [await world.begin(f"key {number}") for number in numbers]
    for change in changes:
        await incidents.append(change)
    return changes


async def sorted_in(lists: PendingLists) -> None:
    """Wait until nothing is going to happen any more."""
    async with asyncio.timeout(10):
        while lists._soon or lists._task:  # noqa: ASYNC110 - nobody else may know
            await asyncio.sleep(0.01)


@pytest.fixture
def lists(incidents):
    return incidents._pending


async def test_lists_are_sorted_in_when_they_are_long(database, world, incidents, lists, monkeypatch):
    monkeypatch.setattr(pending, "LONG", 10)
    monkeypatch.setattr(pending, "SOON", 1000.0)
    await left(database)

    await begin(world, incidents, range(9))
    assert await left(database)
    await begin(world, incidents, range(9, 10))
    await sorted_in(lists)

    assert await left(database) == 0


async def test_lists_are_sorted_in_soon_however_short(database, world, incidents, lists, monkeypatch):
    monkeypatch.setattr(pending, "SOON", 0.2)
    await left(database)

    await begin(world, incidents, range(3))
    await sorted_in(lists)

    assert await left(database) == 0


async def test_many_changes_at_once_count_as_many(database, world, incidents, lists, monkeypatch):
    monkeypatch.setattr(pending, "LONG", 10)
    monkeypatch.setattr(pending, "SOON", 1000.0)
    changes = await begin(world, incidents, range(5))
    await left(database)

    def close(incident, now, event_ids):
        return transitions.post(incident, EventType.CLOSE, actor=world.person, event_id=next(event_ids), at=now, now=now)

    await incidents.append_each([change.incident.id for change in changes], close, lambda: datetime.now(UTC))
    await sorted_in(lists)

    assert await left(database) == 0


async def test_whoever_does_not_own_the_indexes_leaves_them_alone(database, world, incidents, lists, monkeypatch):
    monkeypatch.setattr(pending, "LONG", 3)
    monkeypatch.setattr(pending, "_SORT_IN", pending._SORT_IN.replace("c.relowner", "'pg_monitor'::regrole"))

    await begin(world, incidents, range(3))
    await sorted_in(lists)

    assert [Appended.STORED] == [await incidents.append(await world.begin("one more"))]
