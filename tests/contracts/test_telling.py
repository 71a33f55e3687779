"""What is explained is what was sent, in PostgreSQL."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from adapters.db.outbox import PgOutbox
from adapters.db.profiles import PgProfiles
from strategies import NOON
from telling import Clock, Stores, check_that_what_is_explained_was_sent


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_explained_was_sent(database_url, data):
    """Other examples leave in the same database what is theirs alone."""

    async def check():
        async with Database(database_url).opened() as database:
            stores = Stores(PgIncidents(database), PgAccounts(database), PgProfiles(database), PgOutbox(database), Clock(NOON))
            await check_that_what_is_explained_was_sent(data, stores)

    asyncio.run(check())
