"""Every store keeps the promises of its ports; the one in dicts is held to them in the unit tests."""

import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.conformance import STORE_CHECKS, check_store, make_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stores(database_url):
    async with Database(database_url).opened() as database:
        yield PgIncidents(database), PgAccounts(database)


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise(check, stores):
    await check(await make_world(*stores))


async def test_postgresql_keeps_all_promises_in_one_database(stores):
    await check_store(*stores)
