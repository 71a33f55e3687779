"""A stranger's coroutine in a thread of its own: it blocks nobody, and whatever it raises ends no thread."""

import asyncio
import time

import pytest

from adapters.aside import Aside
from argus_core.ports.media import PerhapsDelivered, TryLater

pytestmark = pytest.mark.anyio


class Own(BaseException):
    """Of a plugin that has its own ideas."""


@pytest.fixture
def aside():
    return Aside("test")


async def give(answer):
    return answer


async def fail(error):
    raise error


async def test_what_blocks_is_waited_for_by_nobody_else(aside, monkeypatch):
    monkeypatch.setattr("adapters.aside.PARTING", 0.01)

    async def block():
        time.sleep(0.5)  # noqa: ASYNC251 - that is what must not matter

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.run(block)
    gone = asyncio.create_task(aside.run(block))
    await asyncio.sleep(0.05)

    assert time.monotonic() - began < 1.5
    await gone
    assert 7 == await aside.run(lambda: give(7))


@pytest.mark.parametrize("error", [TryLater("busy"), KeyError("x")])
async def test_what_is_raised_is_raised_here(aside, error):
    with pytest.raises(type(error)) as caught:
        await aside.run(lambda: fail(error))

    assert error is caught.value


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Own("x")])
async def test_what_would_end_the_thread_is_an_error_and_the_thread_goes_on(aside, error):
    with pytest.raises(RuntimeError, match=type(error).__name__):
        await aside.run(lambda: fail(error))

    assert 7 == await aside.run(lambda: give(7))


async def test_whoever_ends_by_itself_is_told_from_who_is_stopped(aside):
    with pytest.raises(asyncio.CancelledError):
        await aside.run(lambda: fail(asyncio.CancelledError()))

    assert 0 == asyncio.current_task().cancelling()


async def test_who_is_stopped_may_say_what_came_of_it(aside):
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def doubt():
        loop.call_soon_threadsafe(begun.set)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise PerhapsDelivered("everything was handed over") from None

    asking = asyncio.create_task(aside.run(doubt))
    await begun.wait()
    asking.cancel()

    with pytest.raises(PerhapsDelivered):
        await asking
