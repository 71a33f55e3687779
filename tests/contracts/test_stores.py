"""Every store keeps the promises of its ports; the one in dicts is held to them in the unit tests."""

import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from adapters.db.profiles import PgProfiles
from argus_core.conformance import PROFILE_CHECKS, STORE_CHECKS, check_profiles, check_store, make_world

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


@pytest.fixture
async def profiles(database_url):
    async with Database(database_url).opened() as database:
        yield PgProfiles(database), PgAccounts(database)


@pytest.mark.parametrize("check", PROFILE_CHECKS, ids=lambda check: check.__name__)
async def test_postgresql_keeps_each_promise_about_profiles(check, profiles):
    await check(*profiles)


async def test_postgresql_keeps_all_promises_about_profiles_in_one_database(profiles):
    await check_profiles(*profiles)
