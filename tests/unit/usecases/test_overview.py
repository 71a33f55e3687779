"""Figures are found out once for all who ask, and are never older than is said."""

import asyncio
from datetime import timedelta

import pytest

from argus_core.domain.actors import Actor
from argus_core.domain.errors import NotAllowed, Unavailable
from argus_core.domain.ids import UserId
from argus_core.domain.overview import Past, hours_of_week, spread_of
from argus_core.domain.sources import Source
from argus_core.memory import MemoryAccounts, MemoryProfiles
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.overview import OPEN_FRESH, OPEN_USABLE, PAST_FRESH, PAST_USABLE, OverviewService
from strategies import NOON

pytestmark = pytest.mark.anyio

ALICE = Actor(id=UserId(1), username="alice")
ROBOT = Actor(id=UserId(2), username="nav", source=Source(id=1, name="nav", type="nav", user_id=UserId(2)))
SECOND = timedelta(seconds=1)


class Slow:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self):
        self.asked, self.fails, self.may = 0, False, asyncio.Event()
        self.may.set()

    async def open_at(self, now):
        self.asked += 1
        await self.may.wait()
        if self.fails:
            raise Unavailable
        return [self.asked]

    async def past(self, now, thresholds):
        (number,) = await self.open_at(now)
        return Past(until=now, arrivals={now: number}, acknowledged=None, resolved=None, sources=(), tags=(), flapping=())


class Hall:
    def __init__(self):
        self.now, self.statistics = NOON, Slow()
        self.thresholds = KnownThresholds(MemoryProfiles(MemoryAccounts()), lambda: self.now)
        self.service = OverviewService(self.statistics, lambda: self.now, self.thresholds)

    async def settle(self):
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def hall():
    return Hall()


async def test_many_who_ask_at_once_are_one(hall):
    answers = await asyncio.gather(*(hall.service.open_now(ALICE) for _ in range(20)))

    assert ([[1]] * 20, 1) == (answers, hall.statistics.asked)


async def test_what_is_fresh_is_not_found_out_again(hall):
    await hall.service.open_now(ALICE)
    hall.now += OPEN_FRESH

    assert [1] == await hall.service.open_now(ALICE)
    await hall.settle()
    assert 1 == hall.statistics.asked


async def test_what_is_usable_is_given_at_once_and_found_out_anew(hall):
    await hall.service.open_now(ALICE)
    hall.now += OPEN_FRESH + SECOND
    first = await hall.service.open_now(ALICE)
    await hall.settle()

    assert ([1], [2]) == (first, await hall.service.open_now(ALICE))


async def test_what_is_too_old_is_waited_for(hall):
    await hall.service.open_now(ALICE)
    hall.now += OPEN_USABLE + SECOND

    assert [2] == await hall.service.open_now(ALICE)


async def test_a_failure_is_forgotten_and_keeps_what_is_usable(hall):
    await hall.service.open_now(ALICE)
    hall.statistics.fails = True
    hall.now += OPEN_USABLE
    usable = await hall.service.open_now(ALICE)
    await hall.settle()
    hall.now += SECOND
    with pytest.raises(Unavailable):
        await hall.service.open_now(ALICE)
    hall.statistics.fails = False

    assert ([1], [4]) == (usable, await hall.service.open_now(ALICE))


async def test_whoever_stops_waiting_takes_nothing_from_the_others(hall):
    hall.statistics.may.clear()
    impatient = asyncio.create_task(hall.service.open_now(ALICE))
    patient = asyncio.create_task(hall.service.open_now(ALICE))
    await hall.settle()
    impatient.cancel()
    hall.statistics.may.set()

    assert [1] == await patient


async def test_the_end_of_everything_is_no_failure(hall):
    hall.statistics.may.clear()
    hall.service.past_if_known(ALICE)
    await hall.settle()
    (finding,) = [task for task in asyncio.all_tasks() if "_find_out" in str(task.get_coro())]

    finding.cancel()
    await hall.settle()

    assert finding.cancelled()


async def test_nobody_need_wait_for_the_past(hall):
    unknown = hall.service.past_if_known(ALICE)
    await hall.settle()
    known = hall.service.past_if_known(ALICE)
    hall.now += PAST_FRESH
    same = await hall.service.past(ALICE)
    hall.now += PAST_USABLE

    assert (None, NOON, NOON) == (unknown, known.until, same.until)
    assert hall.service.past_if_known(ALICE) is None


async def test_a_source_that_is_to_see_its_own_only_sees_no_whole(hall):
    service = OverviewService(hall.statistics, lambda: hall.now, hall.thresholds, own_only=True)
    for ask in (lambda: service.open_now(ROBOT), lambda: service.past(ROBOT)):
        with pytest.raises(NotAllowed):
            await ask()
    with pytest.raises(NotAllowed):
        service.past_if_known(ROBOT)

    assert await service.open_now(ALICE)
    assert await hall.service.open_now(ROBOT)


def test_a_week_ends_with_the_present_hour():
    hours = list(hours_of_week(NOON + timedelta(minutes=30)))

    assert (168, NOON, timedelta(hours=167)) == (len(hours), hours[-1], hours[-1] - hours[0])


def test_what_was_over_before_it_began_took_no_time():
    assert timedelta() == spread_of([-SECOND]).median
    assert spread_of([]) is None
