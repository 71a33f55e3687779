"""What was found out lately is not looked for again."""

import asyncio

import pytest

from adapters.lately import Lately

pytestmark = pytest.mark.anyio


class Finding:
    """Finds another number each time, when it is let."""

    def __init__(self):
        self.now, self.found = 0.0, 0
        self.may = asyncio.Event()
        self.may.set()
        self.lately = Lately(self.find, 5.0, lambda: self.now)

    async def find(self):
        await self.may.wait()
        self.found += 1
        return self.found


@pytest.fixture
async def finding():
    return Finding()


async def test_it_is_good_for_so_long_and_no_longer(finding):
    seen = []
    for finding.now in (0.0, 4.9, 5.0, 9.9, 10.0):
        seen.append(await finding.lately())

    assert [1, 1, 2, 2, 3] == seen


async def test_those_who_ask_at_the_same_time_wait_for_one(finding):
    finding.may.clear()
    asking = [asyncio.create_task(finding.lately()) for _ in range(5)]
    await asyncio.sleep(0)
    finding.may.set()

    assert [1] * 5 == await asyncio.gather(*asking)


async def test_what_goes_wrong_is_tried_again_by_the_next_one(finding):
    async def find():
        if finding.now == 0:
            raise LookupError
        return await finding.find()

    lately = Lately(find, 5.0, lambda: finding.now)
    with pytest.raises(LookupError):
        await lately()
    finding.now = 0.1

    assert 1 == await lately()
