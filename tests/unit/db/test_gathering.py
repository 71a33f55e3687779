"""What is gathered while something is done is done together, and each hears what became of its own."""

import asyncio

import pytest

from adapters.db import gathering as gathering_module
from adapters.db.gathering import MOST, Gathering
from argus_core.domain.errors import NoRoom, ReadOnly, TooOften, TooSlow, Unavailable

pytestmark = pytest.mark.anyio


class Store:
    """Doubles numbers when it is let; fails on odd ones, or altogether."""

    def __init__(self):
        self.done = []
        self.open = asyncio.Event()
        self.away = None

    async def double(self, numbers):
        self.done.append(list(numbers))
        await self.open.wait()
        if self.away:
            raise self.away
        if any(number % 2 for number in numbers):
            raise ValueError(numbers)
        return [2 * number for number in numbers]


@pytest.fixture
def store():
    return Store()


async def asked(store, numbers):
    gathering = Gathering(store.double)
    tasks = [asyncio.create_task(gathering(number)) for number in numbers]
    await asyncio.sleep(0)
    store.open.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_asked_for_at_once_is_done_together_and_everybody_gets_the_answer_to_their_own(store):
    assert [0, 4, 8] == await asked(store, [0, 2, 4])
    assert [[0, 2, 4]] == store.done


async def test_a_statement_does_no_more_than_it_can(store):
    assert [2 * number for number in range(0, 2 * MOST + 2, 2)] == await asked(store, range(0, 2 * MOST + 2, 2))
    assert [MOST, 1] == [len(some) for some in store.done]


async def test_one_that_fails_does_not_spoil_the_others(store):
    two, failed, four = await asked(store, [2, 3, 4])

    assert (4, 8) == (two, four)
    assert isinstance(failed, ValueError)
    assert [[2, 3, 4], [2], [3], [4]] == store.done


@pytest.mark.parametrize("why", [Unavailable, NoRoom, ReadOnly, TooSlow])
async def test_nothing_is_tried_again_while_the_store_is_away_and_everybody_hears_why(store, why):
    store.away = why()

    assert [why, why] == [type(error) for error in await asked(store, [2, 4])]
    assert [[2, 4]] == store.done


async def test_those_of_many_do_not_hold_up_one_of_another_turn(store):
    store.open.set()
    gathering = Gathering(store.double, turn=lambda number: number < 0)

    await asyncio.gather(*map(gathering, [*range(0, 6 * MOST, 2), -2, -4]))

    assert {-2, -4} == {number for number in store.done[0] if number < 0}


async def test_nobody_waits_longer_for_a_turn_than_they_have_patience(store):
    gathering = Gathering(store.double, patience=0.01)
    first = asyncio.create_task(gathering(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await gathering(4)
    store.open.set()

    assert 4 == await first
    assert [[2]] == store.done


async def test_whoever_has_a_turn_is_not_refused_any_more(store):
    gathering = Gathering(store.double, patience=0.01)
    first = asyncio.create_task(gathering(2))
    await asyncio.sleep(0.05)
    store.open.set()

    assert 4 == await first


async def test_it_goes_on_after_a_pause_and_when_somebody_leaves(store):
    gathering = Gathering(store.double)
    leaving = asyncio.create_task(gathering(2))
    staying = asyncio.create_task(gathering(4))
    await asyncio.sleep(0)
    leaving.cancel()
    store.open.set()

    assert 8 == await staying
    assert 12 == await gathering(6)


async def test_more_than_the_share_of_a_turn_is_refused_and_the_others_come_in(store):
    gathering = Gathering(store.double, turn=lambda number: number < 0, share=3)
    first = asyncio.create_task(gathering(2))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(gathering(number)) for number in (4, 6, 8, -2)]
    await asyncio.sleep(0)

    with pytest.raises(TooOften) as refused:
        await gathering(10)
    store.open.set()

    assert refused.value.after
    assert [4, 8, 12, 16, -4] == await asyncio.gather(first, *waiting)
    assert 20 == await gathering(10)


async def test_more_than_can_wait_is_refused(store, monkeypatch):
    monkeypatch.setattr(gathering_module, "MOST_WAITING", 2)
    gathering = Gathering(store.double, turn=lambda number: number)
    first = asyncio.create_task(gathering(2))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(gathering(number)) for number in (4, 6)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await gathering(8)
    store.open.set()

    assert [4, 8, 12] == await asyncio.gather(first, *waiting)
    assert 16 == await gathering(8)


async def test_whoever_leaves_makes_room(store):
    gathering = Gathering(store.double, share=1)
    first = asyncio.create_task(gathering(2))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(gathering(4))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    staying = asyncio.create_task(gathering(6))
    await asyncio.sleep(0)
    store.open.set()

    assert [4, 12] == await asyncio.gather(first, staying)
