"""What open pages hear of their lists."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from adapters.web import live as lives
from adapters.web.incidents import stream as streams
from adapters.web.incidents.stream import OVER, told
from adapters.web.live import Live, Look
from argus_core.domain.errors import Unavailable
from argus_core.domain.filters import EVERYTHING, IsOpen, LevelAtMost
from argus_core.domain.incidents import EventType

pytestmark = pytest.mark.anyio

SOON = 5.0
OPEN = Look(IsOpen(), 50, None, None)


@asynccontextmanager
async def running(world):
    live = Live(lambda: world.now)
    task = asyncio.create_task(live.run())
    yield live
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lives, "AT_MOST_EVERY", 0.001)


async def heard(page):
    message = await page.next(SOON)
    said = json.loads(message.removeprefix(b"data: "))
    return dict(said["rows"]), dict(said["left"])


async def test_a_page_hears_what_its_list_has(world):
    one = await world.report()
    async with running(world) as live:
        with live.looking(OPEN, world.journal) as page:
            assert ({one.id: 1}, {}) == await heard(page)

            two = await world.report()
            live.heard()

            assert ({one.id: 1, two.id: 1}, {}) == await heard(page)


async def test_what_leaves_a_list_is_still_told_of(world):
    """
    With its version, so that whoever shows it sees that it is another one now, and again when it changes later.
    """
    one = await world.report()
    async with running(world) as live:
        with live.looking(OPEN, world.journal) as page:
            await heard(page)
            await world.incidents.post(one.id, EventType.CLOSE, actor=await world.actor())
            live.heard()
            assert ({}, {one.id: 2}) == await heard(page)

            await world.incidents.post(one.id, EventType.OTHER, actor=await world.actor(), why="Well")
            live.heard()

            assert ({}, {one.id: 3}) == await heard(page)


async def test_time_alone_changes_lists_without_any_hint(world, monkeypatch):
    monkeypatch.setattr(lives, "UNASKED", 0.01)
    one = await world.report(end_time=world.now + timedelta(minutes=1))
    async with running(world) as live:
        with live.looking(OPEN, world.journal) as page:
            assert ({one.id: 1}, {}) == await heard(page)

            world.now += timedelta(minutes=2)

            assert ({}, {one.id: 1}) == await heard(page)


async def test_whoever_is_slow_hears_the_newest_only(world):
    async with running(world) as live:
        with live.looking(OPEN, world.journal) as page, live.looking(OPEN, world.journal) as other:
            await heard(other)
            for _ in range(5):
                await world.report()
                live.heard()
                await heard(other)

            rows, _ = await heard(page)

            assert 5 == len(rows)
            assert await page.next(0.01) is None


async def test_equal_lists_are_read_once_for_all(world):
    read = []

    class Counted:
        async def page(self, condition, *more):
            read.append(condition)
            return await world.journal.page(condition, *more)

    live = Live(lambda: world.now)
    with live.looking(OPEN, Counted()) as one, live.looking(Look(IsOpen(), 50, None, None), Counted()) as two:
        task = asyncio.create_task(live.run())
        await heard(one)
        await heard(two)
        task.cancel()

    assert [IsOpen()] == read[:1]
    assert len(read) < 4


async def test_nobody_reads_what_nobody_looks_at(world):
    class Refusing:
        async def page(self, *_):
            raise AssertionError

    live = Live(lambda: world.now)
    with live.looking(OPEN, Refusing()):
        pass

    assert {} == live._watched


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("broken")])
async def test_one_list_that_cannot_be_read_leaves_the_others_alone(world, error):
    class Broken:
        async def page(self, *_):
            raise error

    await world.report()
    async with running(world) as live:
        with live.looking(Look(EVERYTHING, 50, None, None), Broken()), live.looking(OPEN, world.journal) as page:
            assert 1 == len((await heard(page))[0])


async def test_only_so_many_that_left_are_remembered(world, monkeypatch):
    monkeypatch.setattr(lives, "REMEMBERED", 2)
    here = [await world.report(level=1) for _ in range(4)]
    async with running(world) as live:
        with live.looking(Look(LevelAtMost(1), 1, None, None), world.journal) as page:
            await heard(page)
            for _ in here:
                world.now += timedelta(seconds=1)
                await world.report(level=1)
                live.heard()
                _, left = await heard(page)

            assert 2 == len(left)


async def test_all_streams_end_at_once_when_the_process_stops(world):
    async with running(world) as live:
        ends = [asyncio.create_task(read_all(told(live, OPEN, world.journal, known))) for _ in range(3)]
        await asyncio.sleep(0.05)

        live.stop()

        async with asyncio.timeout(SOON):
            await asyncio.gather(*ends)
            await read_all(told(live, OPEN, world.journal, known))
        assert {} == live._watched


async def test_the_stream_ends_with_the_session(world, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT", 0.01)
    answers = iter([True, True, False])  # on a busy machine the first is for the list itself

    async def is_known():
        return next(answers)

    async with running(world) as live, asyncio.timeout(SOON):
        sent = await read_all(told(live, OPEN, world.journal, is_known))

    assert OVER == sent[-1]
    assert b"event: beat\ndata: \n\n" in sent


async def test_a_session_that_cannot_be_looked_up_goes_on(world, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT", 0.01)
    answers = iter([Unavailable("down"), False])

    async def is_known():
        answer = next(answers)
        if answer:
            raise answer
        return answer

    async with running(world) as live, asyncio.timeout(SOON):
        sent = await read_all(told(live, OPEN, world.journal, is_known))

    assert OVER == sent[-1]


async def known():
    return True


async def read_all(stream):
    return [one async for one in stream]
