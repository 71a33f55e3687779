"""An answer leaves in one packet, and nothing is held longer than a turn of the loop."""

import asyncio

import pytest

from adapters.wire import OneWrite

pytestmark = pytest.mark.anyio


class Transport:
    """Notes what is written, and in how many writes."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.written.append("closed")

    def is_closing(self):
        return "closed" in self.written


@pytest.fixture
def transport():
    return Transport()


@pytest.fixture
async def one(transport):
    return OneWrite(transport, asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write(one, transport):
    one.write(b"head ")
    one.write(b"body")
    await asyncio.sleep(0)

    assert [b"head body"] == transport.written


async def test_what_comes_alone_is_written_at_once(one, transport):
    for part in (b"first", b"second"):
        one.write(part)
        await asyncio.sleep(0)

    assert [b"first", b"second"] == transport.written


async def test_everything_is_written_before_it_closes(one, transport):
    one.write(b"last")
    one.close()
    await asyncio.sleep(0)

    assert [b"last", "closed"] == transport.written
    assert one.is_closing()
