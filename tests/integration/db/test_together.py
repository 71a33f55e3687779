"""Incidents that arrive at the same time are stored by one statement, and each gets the answer that it would have got alone."""

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from adapters.db import gathering, statements, together
from argus_core.conformance import make_world
from argus_core.domain import transitions
from argus_core.domain.accounts import Token
from argus_core.domain.errors import Unavailable
from argus_core.domain.ids import TokenId
from argus_core.domain.limits import EARLIEST
from argus_core.ports.incidents import Appended
from integration.db.test_breaks import stores
from integration.journals import assert_whole, journals

pytestmark = pytest.mark.anyio

MANY = 40


def counted(monkeypatch, name):
    """For how many changes values were made by this function of the statements, each time."""
    counts = []
    make = getattr(statements, name)

    def count(some):
        counts.append(len(some))
        return make(some)

    monkeypatch.setattr(together, name, count)
    return counts


@pytest.fixture
def told(monkeypatch, incidents):
    """How many incidents each statement was for that stored several."""
    return counted(monkeypatch, "to_begin_together")


async def at_once(incidents, changes, warrants=()):
    warrants = warrants or [None] * len(changes)
    return await asyncio.gather(
        *(incidents.append(change, warrant=warrant) for change, warrant in zip(changes, warrants, strict=True)), return_exceptions=True
    )


async def test_what_arrives_together_is_stored_together(incidents, world, told, database_url):
    changes = [await world.begin(f"key {number}") for number in range(MANY)]

    assert [Appended.STORED] * MANY == await at_once(incidents, changes)

    assert [MANY] == told
    found = await asyncio.to_thread(journals, database_url)
    assert {change.incident.id: (change.incident, change.events) for change in changes} == found
    assert_whole(found)
    with psycopg.connect(database_url) as connection:
        assert [(MANY,)] == connection.execute("select count(*) from outbox").fetchall()


async def test_a_key_is_taken_once_also_among_those_that_come_together(incidents, world, told):
    changes = [await world.begin(f"key {number % 7}") for number in range(MANY)]

    outcomes = await at_once(incidents, changes)

    assert (7, MANY - 7) == (outcomes.count(Appended.STORED), outcomes.count(Appended.DUPLICATE_KEY))
    assert told


async def test_each_needs_a_warrant_of_its_own(incidents, accounts, world, told):
    expired = Token(id=TokenId(999), user_id=world.person.id, created=EARLIEST, expires=EARLIEST, digest=b"x", prefix="x", name="old")
    async with accounts.begin() as work:
        await work.add_token(expired)
    changes = [await world.begin() for _ in range(MANY)]
    warrants = [[None, world.token_id, expired.id][number % 3] for number in range(MANY)]

    outcomes = await at_once(incidents, changes, warrants)

    assert [Appended.UNAUTHENTICATED if warrant == expired.id else Appended.STORED for warrant in warrants] == outcomes
    assert told


@pytest.mark.parametrize("fault", [{"description": "\0"}, {"level": 70_000}], ids=["seen by the driver", "seen by the server"])
async def test_one_whose_data_are_at_fault_does_not_harm_the_others(incidents, world, told, fault):
    changes = [await world.begin() for _ in range(MANY)]
    changes[20] = replace(changes[20], incident=replace(changes[20].incident, **fault))

    outcomes = await at_once(incidents, changes)

    assert [Appended.STORED] * (MANY - 1) == [outcome for outcome in outcomes if isinstance(outcome, Appended)]
    assert isinstance(outcomes[20], Exception)
    assert told


async def test_who_stops_waiting_keeps_nobody_waiting(incidents, world):
    changes = [await world.begin() for _ in range(MANY)]
    tasks = [asyncio.create_task(incidents.append(change)) for change in changes]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {Appended.STORED} == set(outcomes[1::2])
    assert Appended.STORED is await incidents.append(await world.begin())


async def begun(world, count, **fields):
    """So many beginnings, each with a key of its own or none."""
    prefix = secrets.token_hex(4)
    changes = [await world.begin("" if number % 2 else f"{prefix}-{number}") for number in range(count)]
    return [replace(change, incident=replace(change.incident, **fields)) for change in changes]


async def versions(world, changes):
    return [[event.version for event in await world.incidents.journal(change.incident.id)] for change in changes]


async def test_an_id_that_is_taken_is_a_conflict_of_one(world):
    changes = await begun(world, 20)
    changes[9] = replace(changes[9], incident=replace(changes[9].incident, id=(await world.report()).id))

    outcomes = await asyncio.gather(*map(world.incidents.append, changes))

    assert [Appended.CONFLICT] == outcomes[9:10]
    assert [Appended.STORED] * 19 == outcomes[:9] + outcomes[10:]


async def test_a_source_in_a_flood_does_not_hold_up_the_others(world):
    """
    Sources take turns: whoever comes last, behind two hundred of another one, is stored with the next statement.
    """
    elsewhere = (await make_world(world.incidents, world.accounts)).source
    changes = [*await begun(world, 2 * gathering.MOST), await world.begin("", elsewhere)]
    stored = []

    async def append(change):
        await world.incidents.append(change)
        stored.append(change)

    await asyncio.gather(*map(append, changes))

    assert len(changes) == len(stored)
    assert stored.index(changes[-1]) < gathering.MOST


@pytest.fixture
def stepped(monkeypatch, incidents):
    """How many incidents each statement was for that changed several."""
    return counted(monkeypatch, "to_step_together")


async def closings(world, incidents_):
    """For each a change that closes it, or, one in three, acknowledges it; not stored yet."""
    changes = []
    for number, incident in enumerate(incidents_):
        moment, event_id = datetime.now(UTC), next(await world.incidents.event_ids(1))
        change = transitions.close if number % 3 else transitions.acknowledge
        changes.append(change(incident, actor=world.person, event_id=event_id, at=moment, now=moment, why='"why", \\n'))
    return changes


async def test_steps_that_arrive_together_are_stored_together(incidents, world, stepped, database_url):
    changes = await closings(world, [await world.report() for _ in range(MANY)])

    assert [Appended.STORED] * MANY == await at_once(incidents, changes)

    assert [MANY] == stepped
    found = await asyncio.to_thread(journals, database_url)
    assert_whole(found)
    assert {change.incident.id: change.incident for change in changes} == {id_: incident for id_, (incident, _) in found.items()}
    with psycopg.connect(database_url) as connection:
        assert [(2 * MANY,)] == connection.execute("select count(*) from outbox").fetchall()


async def test_of_steps_of_one_incident_that_arrive_together_one_is_stored(incidents, world, stepped, database_url):
    incident = await world.report()
    changes = await closings(world, [incident] * 10 + [await world.report() for _ in range(10)])

    outcomes = await at_once(incidents, changes)

    assert [Appended.STORED] + [Appended.CONFLICT] * 9 + [Appended.STORED] * 10 == outcomes
    assert [11] == stepped
    assert_whole(await asyncio.to_thread(journals, database_url))


async def test_a_step_that_comes_too_late_is_a_conflict_of_one(incidents, world, stepped):
    begun_ = [await world.report() for _ in range(10)]
    changes = await closings(world, begun_)
    await incidents.append((await closings(world, [begun_[4]]))[0])

    outcomes = await at_once(incidents, changes)

    assert [Appended.STORED] * 4 + [Appended.CONFLICT] + [Appended.STORED] * 5 == outcomes
    assert stepped


async def test_each_step_needs_a_warrant_of_its_own(incidents, world, stepped):
    changes = await closings(world, [await world.report() for _ in range(MANY)])
    warrants = [[None, world.token_id, TokenId(2**63 - 1)][number % 3] for number in range(MANY)]

    outcomes = await at_once(incidents, changes, warrants)

    assert [Appended.UNAUTHENTICATED if number % 3 == 2 else Appended.STORED for number in range(MANY)] == outcomes
    assert [[1] if number % 3 == 2 else [1, 2] for number in range(MANY)] == await versions(world, changes)
    assert stepped


async def test_steps_in_opposite_orders_do_not_deadlock(world, database_url):
    """
    Two processes change the same incidents, whose rows somebody holds meanwhile.
    """
    async with stores(database_url, seconds=20) as (here, _), stores(database_url, seconds=20) as (there, _):
        reported = [await world.report() for _ in range(20)]
        tasks = []
        async with await psycopg.AsyncConnection.connect(database_url) as holder:
            await holder.execute("select from incident where id = any(%s) for update", ([reported[9].id],))
            for incidents, order in ((here, reported), (there, reported[::-1])):
                tasks += [asyncio.create_task(incidents.append(change)) for change in await closings(world, order)]
            await asyncio.sleep(0.3)

        outcomes = await asyncio.gather(*tasks)

    assert (20, 20) == (outcomes.count(Appended.STORED), outcomes.count(Appended.CONFLICT))
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute("select deadlocks from pg_stat_database where datname = current_database()")
        assert [(0,)] == await cursor.fetchall()


@asynccontextmanager
async def key_held(world, dsn, key):
    """Somebody has begun to store an incident with this key, and will think better of it."""
    statement, values = statements.to_store(await world.begin(key), None)
    async with await psycopg.AsyncConnection.connect(dsn) as holder:
        await holder.execute(statement, values)
        yield
        await holder.rollback()


async def test_opposite_orders_of_keys_do_not_deadlock(world, database_url):
    """
    Two processes get the same keys in opposite orders: whoever waits for the other holds nothing that the other waits for.
    """
    async with stores(database_url, seconds=20) as (here, _), stores(database_url, seconds=20) as (there, _):
        tasks = []
        async with key_held(world, database_url, "m"):
            for incidents, keys in ((here, "amz"), (there, "zma")):
                changes = [await world.begin(key) for key in ("", "", *keys)]
                tasks += [asyncio.create_task(incidents.append(change)) for change in changes]
            await asyncio.sleep(0.3)

        outcomes = await asyncio.gather(*tasks)

    assert (7, 3) == (outcomes.count(Appended.STORED), outcomes.count(Appended.DUPLICATE_KEY))
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute("select deadlocks from pg_stat_database where datname = current_database()")
        assert [(0,)] == await cursor.fetchall()


async def test_nobody_waits_longer_for_a_turn_than_for_a_connection(database_url):
    """
    Somebody holds the table: those who wait for the first are told so, and what they brought is not stored later.
    """
    async with stores(database_url, connections=4, connect_seconds=0.3) as (incidents, accounts):
        world = await make_world(incidents, accounts)
        await incidents.append(await world.begin())
        changes = await begun(world, 10)
        async with await psycopg.AsyncConnection.connect(database_url) as holder:
            await holder.execute("lock table incident in exclusive mode")
            first = [asyncio.create_task(incidents.append(change)) for change in changes[:1]]
            await asyncio.sleep(0.05)
            began = time.monotonic()

            answers = await asyncio.gather(*map(incidents.append, changes[1:]), return_exceptions=True)

            assert time.monotonic() - began < 1
            assert [Unavailable] * 9 == [type(answer) for answer in answers]

        assert [Appended.STORED] == await asyncio.gather(*first)
        assert [[1]] + [[]] * 9 == await versions(world, changes)
        assert Appended.STORED is await incidents.append(changes[-1])


async def test_whoever_had_a_turn_may_wait_longer(world, database_url):
    """
    A statement has the time of statements, not that in which it must begin.
    """
    async with stores(database_url, connect_seconds=0.2) as (incidents, _):
        async with key_held(world, database_url, "m"):
            changes = [await world.begin(key) for key in ("", "", "a", "m", "z")]
            tasks = [asyncio.create_task(incidents.append(change)) for change in changes]
            await asyncio.sleep(0.5)

        assert [Appended.STORED] * 5 == await asyncio.gather(*tasks)
