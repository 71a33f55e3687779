import pytest

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.conformance import make_world


@pytest.fixture
async def database(database_url):
    async with Database(database_url, seconds=5).opened() as database:
        yield database


@pytest.fixture
def incidents(database):
    return PgIncidents(database)


@pytest.fixture
def accounts(database):
    return PgAccounts(database)


@pytest.fixture
async def world(incidents, accounts):
    """A source, a person, and a token of that person's."""
    return await make_world(incidents, accounts)
