"""Incidents that arrive at the same time are stored by one statement, and each gets the answer that it would have got alone."""

import asyncio
from dataclasses import replace

import psycopg
import pytest

from adapters.db import statements, together
from argus_core.domain.accounts import Token
from argus_core.domain.ids import TokenId
from argus_core.domain.limits import EARLIEST
from argus_core.ports.incidents import Appended
from integration.journals import assert_whole, journals

pytestmark = pytest.mark.anyio

MANY = 40


@pytest.fixture
def told(monkeypatch, incidents):
    """How many incidents each statement was for that stored several."""
    counts = []
    make = statements.to_begin_together

    def count(some):
        counts.append(len(some))
        return make(some)

    monkeypatch.setattr(together, "to_begin_together", count)
    return counts


async def at_once(incidents, changes, warrants=()):
    warrants = warrants or [None] * len(changes)
    return await asyncio.gather(
        *(incidents.append(change, warrant=warrant) for change, warrant in zip(changes, warrants, strict=True)), return_exceptions=True
    )


async def test_what_arrives_together_is_stored_together(incidents, world, told, database_url):
    changes = [await world.begin(f"key {number}") for number in range(MANY)]

    assert [Appended.STORED] * MANY == await at_once(incidents, changes)

    assert MANY - together.AT_ONCE == sum(told)
    assert len(told) < MANY / 4
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
