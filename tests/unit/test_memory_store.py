"""The stores in dicts keep the promises that every store makes."""

import pytest
from hypothesis import settings

from argus_core.conformance import STORE_CHECKS, check_store, make_world
from argus_core.memory import MemoryAccounts, MemoryIncidents
from state_machine import Lives, Stores

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


def run(coroutine):
    """Stores in dicts never wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("A store in dicts has waited for something.")


class MemoryLives(Lives):
    def open_stores(self):
        accounts = MemoryAccounts()
        incidents = MemoryIncidents(accounts)

        async def outbox(incident_id):
            return [version for id_, version in incidents.outbox if id_ == incident_id]

        return Stores(incidents, accounts, run, outbox)


TestMemoryLives = MemoryLives.TestCase
TestMemoryLives.settings = settings(stateful_step_count=30)
