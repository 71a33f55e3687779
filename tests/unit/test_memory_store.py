"""The stores in dicts keep the promises that every store makes."""

import pytest

from argus_core.conformance import STORE_CHECKS, check_store, make_world
from argus_core.memory import MemoryAccounts, MemoryIncidents

pytestmark = pytest.mark.anyio


@pytest.fixture
def stores():
    accounts = MemoryAccounts()
    return MemoryIncidents(accounts), accounts


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_a_store_in_dicts_keeps_each_promise(check, stores):
    await check(await make_world(*stores))


async def test_a_store_in_dicts_keeps_all_promises_together(stores):
    await check_store(*stores)
