"""The worker lets time pass, through whatever happens, until it is told to stop."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters import worker
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Unavailable
from argus_core.domain.incidents import EventType
from argus_core.domain.sources import Source
from argus_core.domain.transitions import IncidentReport
from argus_core.memory import MemoryAccounts, MemoryIncidents
from argus_core.usecases.incidents import IncidentService

pytestmark = pytest.mark.anyio

NOW = datetime(2024, 5, 17, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def service(clock):
    return IncidentService(MemoryIncidents(), MemoryAccounts(clock), clock)


async def report(service, ends):
    source = Source(id=1, name="oslo", type="nav", user_id=1)
    actor = Actor(id=1, username="oslo", source=source)
    return (await service.report(IncidentReport(start_time=NOW, end_time=ends), actor=actor)).incident


async def types(service, incident):
    return [event.type for event in await service.incidents.journal(incident.id)]


def taking_turns(service, stopping):
    return worker.turns("Timers could not take effect", lambda: worker.let_time_pass(service), stopping)


@pytest.fixture
async def working(service, monkeypatch):
    """The worker at work; its pauses are short."""
    monkeypatch.setattr(worker, "POLL", 0.01)
    monkeypatch.setattr(worker, "PAUSES", (0.01,))
    stopping = asyncio.Event()
    async with asyncio.timeout(30):
        task = asyncio.create_task(taking_turns(service, stopping))
        yield task
        stopping.set()
        await task


async def until(condition):
    while not await condition():  # noqa: ASYNC110 - the worker tells nobody
        await asyncio.sleep(0.005)


async def test_an_end_that_has_come_takes_effect(service, clock, working):
    incident = await report(service, NOW + timedelta(hours=1))

    clock.now += timedelta(hours=1)

    await until(lambda: has_ended(service, incident))


async def has_ended(service, incident):
    return EventType.END_REACHED in await types(service, incident)


@pytest.mark.parametrize("trouble", [Unavailable(), ValueError("a mistake")])
@pytest.mark.usefixtures("working")
async def test_trouble_is_logged_and_the_next_turn_may_go_well(service, monkeypatch, caplog, trouble):
    incident = await report(service, NOW + timedelta(hours=1))
    due_timers, failures = service.incidents.due_timers, []

    async def failing(now, most):
        if len(failures) < 3:
            failures.append(trouble)
            raise trouble
        return await due_timers(now, most)

    monkeypatch.setattr(service.incidents, "due_timers", failing)
    service.clock.now += timedelta(hours=1)

    await until(lambda: has_ended(service, incident))
    assert 3 == len([record for record in caplog.records if record.name == "argus.worker"])


async def test_the_next_turn_comes_when_the_next_timer_is_due(service, clock):
    await report(service, NOW + timedelta(seconds=0.25))

    assert 0.25 == await worker.let_time_pass(service)
    clock.now += timedelta(seconds=0.25)
    assert worker.POLL == await worker.let_time_pass(service)


async def test_a_full_turn_is_followed_by_another_at_once(service, clock, monkeypatch):
    monkeypatch.setattr(worker, "AT_ONCE", 2)
    for _ in range(3):
        await report(service, NOW + timedelta(hours=1))
    clock.now += timedelta(hours=1)

    assert [0, worker.POLL] == [await worker.let_time_pass(service), await worker.let_time_pass(service)]


async def test_it_stops_when_told(service):
    stopping = asyncio.Event()
    stopping.set()

    await asyncio.wait_for(taking_turns(service, stopping), 10)
