"""Slots: who is urgent goes first, and finds one."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.usecases.slots import Slots

pytestmark = pytest.mark.anyio


class Yard:
    """Those who come, wait, are in, and leave again."""

    def __init__(self, count, kept):
        self.slots, self.inside, self.came = Slots(count, kept), {}, []

    async def come(self, name, *, urgent=False):
        async def stay():
            async with self.slots.one(urgent=urgent):
                self.came.append(name)
                self.inside[name] = leaving = asyncio.Event()
                await leaving.wait()
                del self.inside[name]

        task = asyncio.create_task(stay())
        await settled()
        return task

    async def leave(self, name):
        self.inside[name].set()
        await settled()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_is_urgent_goes_before_those_who_have_waited_longer():
    yard = Yard(1, 0)
    for name in ("first", "second", "third"):
        await yard.come(name)
    for name in ("urgent", "urgent, too"):
        await yard.come(name, urgent=True)

    for name in ("first", "urgent", "urgent, too", "second"):
        await yard.leave(name)

    assert ["first", "urgent", "urgent, too", "second", "third"] == yard.came
    await yard.leave("third")


async def test_a_slot_is_kept_for_who_is_urgent():
    yard = Yard(3, 1)
    for name in ("first", "second", "third"):
        await yard.come(name)
    await yard.come("urgent", urgent=True)

    assert ["first", "second", "urgent"] == yard.came

    await yard.leave("urgent")
    assert {"first", "second"} == set(yard.inside)
    await yard.leave("first")
    assert {"second", "third"} == set(yard.inside)
    for name in ("second", "third"):
        await yard.leave(name)


async def test_who_goes_away_holds_up_nobody():
    yard = Yard(1, 0)
    await yard.come("first")
    waiting = await yard.come("second")
    await yard.come("third")

    waiting.cancel()
    await yard.leave("first")

    assert {"third"} == set(yard.inside)
    await yard.leave("third")


async def test_who_is_given_a_slot_and_goes_away_gives_it_back():
    slots = Slots(1, 0)

    async def briefly():
        async with slots.one(urgent=False):
            pass

    task = asyncio.create_task(briefly())
    holding = slots.one(urgent=False)
    await holding.__aenter__()
    await asyncio.sleep(0)
    await holding.__aexit__(None, None, None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async with asyncio.timeout(1):
        await briefly()


@given(st.integers(1, 4), st.integers(0, 3), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_never_more_are_in_than_there_are_slots(count, kept, steps):
    """
    And as long as anybody waits who may come in, all slots are taken.
    """
    kept = min(kept, count - 1)

    async def go():
        yard, waiting = Yard(count, kept), []
        for number, (leaves, urgent) in enumerate(steps):
            if leaves and yard.inside:
                await yard.leave(next(iter(yard.inside)))
            else:
                waiting.append((number, urgent))
                await yard.come(number, urgent=urgent)
            waiting = [one for one in waiting if one[0] not in yard.came]

            assert len(yard.inside) <= count
            assert not [urgent for _, urgent in waiting if urgent] or len(yard.inside) == count
            assert not waiting or len(yard.inside) >= count - kept
        while yard.inside:
            await yard.leave(next(iter(yard.inside)))

    asyncio.run(go())
