"""What is explained is what was sent, on the stores in dicts."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles
from argus_core.memory.outbox import MemoryOutbox
from strategies import NOON
from telling import Clock, Stores, check_that_what_is_explained_was_sent


@given(st.data())
def test_what_is_explained_was_sent(data):
    clock = Clock(NOON)
    accounts = MemoryAccounts(clock)
    incidents = MemoryIncidents(accounts)
    stores = Stores(incidents, accounts, MemoryProfiles(accounts), MemoryOutbox(incidents, accounts, clock), clock)

    asyncio.run(check_that_what_is_explained_was_sent(data, stores))
