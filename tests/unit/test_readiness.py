"""Who is ready, and what an operator is told."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from adapters import readiness
from adapters.databases import newest_step
from adapters.db.vitals import Vitals
from adapters.http.services import State
from adapters.readiness import judged
from adapters.room import DiskRoom
from adapters.settings import Settings
from argus_core.domain.errors import Unavailable

pytestmark = pytest.mark.anyio

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=15)


def found(**more):
    return Vitals(**{"now": NOON, "step": "0006", "worker": timedelta(seconds=1), "undelivered": None, **more})


def test_everything_that_is_looked_at_has_a_name():
    checks = judged(found(), NOON, "0006", LIMIT)

    assert ["process", "database", "migrations", "clock", "worker", "undelivered"] == [check.name for check in checks]
    assert {State.OK} == {check.state for check in checks}


@pytest.mark.parametrize(
    ("wrong", "name", "state"),
    [
        ({"step": "0005"}, "migrations", State.FAILED),
        ({"step": None}, "migrations", State.FAILED),
        ({"now": NOON - timedelta(seconds=5.1)}, "clock", State.FAILED),
        ({"now": NOON + timedelta(seconds=5.1)}, "clock", State.FAILED),
        ({"worker": None}, "worker", State.WARNING),
        ({"worker": timedelta(seconds=61)}, "worker", State.WARNING),
        ({"undelivered": timedelta(minutes=16)}, "undelivered", State.WARNING),
    ],
)
def test_what_is_wrong_is_named_and_only_what_hinders_requests_fails(wrong, name, state):
    unwell = [check for check in judged(found(**wrong), NOON, "0006", LIMIT) if check.state is not State.OK]

    assert [(name, state)] == [(check.name, check.state) for check in unwell]
    assert unwell[0].message


def test_a_database_that_is_ahead_is_ready():
    assert {State.OK} == {check.state for check in judged(found(step="0007"), NOON, "0006", LIMIT)}


class Container:
    """A database that is asked through `vitals`, and a clock."""

    def settings(self):
        return Settings()

    def database(self):
        return None

    def clock(self):
        return lambda: NOON

    def room(self):
        return DiskRoom(None)

    def replica(self):
        return self.reads_at

    reads_at = None


@pytest.fixture
def looking(monkeypatch):
    """A readiness whose database answers as `answer` does, and how often it was asked."""
    looking = SimpleNamespace(asked=0, now=0.0)

    async def answer():
        return found(step=newest_step())

    async def vitals(_):
        looking.asked += 1
        return await looking.answer()

    monkeypatch.setattr(readiness, "vitals", vitals)
    looking.answer = answer
    looking.readiness = readiness.Readiness(Container(), seconds=lambda: looking.now)
    return looking


async def test_however_many_probes_there_are_it_looks_once_a_second(looking):
    async with asyncio.timeout(30):
        for looking.now in (0.0, 0.5, 0.99, 1.0, 1.99):
            await asyncio.gather(*(looking.readiness.checks() for _ in range(10)))

    assert 2 == looking.asked


@pytest.mark.parametrize(("why_not", "state"), [("", State.OK), ("it does not answer", State.WARNING)])
async def test_a_replica_that_is_not_read_is_named_and_hinders_nobody(looking, why_not, state):
    looking.readiness.container.reads_at = SimpleNamespace(why_not=why_not)

    check = (await looking.readiness.checks())[-1]

    assert ("replica", state) == (check.name, check.state)
    assert why_not in check.message


async def test_a_database_that_does_not_answer_is_told_in_time(looking, monkeypatch):
    monkeypatch.setattr(readiness, "PATIENCE", 0.01)

    async def never():
        await asyncio.Event().wait()

    looking.answer = never

    async with asyncio.timeout(30):
        checks = await looking.readiness.checks()

    assert [("process", State.OK), ("database", State.FAILED)] == [(check.name, check.state) for check in checks]
    assert "does not answer in time" in checks[1].message


async def test_a_database_that_is_away_is_told_and_found_again(looking):
    async def away():
        raise Unavailable

    right, looking.answer = looking.answer, away
    first = await looking.readiness.checks()
    looking.now, looking.answer = 1.0, right

    assert [State.FAILED, State.OK] == [(await looking.readiness.checks() if look else first)[1].state for look in (0, 1)]


async def test_whoever_stops_asks_nobody(looking):
    looking.readiness.stopping = True

    assert [readiness.STOPPING] == await looking.readiness.checks()
    assert 0 == looking.asked
