"""Long histories in PostgreSQL: after each step it holds what the domain alone has come to."""

import asyncio
import threading

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import AsyncConnection

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.domain.limits import LATEST
from state_machine import MANY, Lives, Stores


@pytest.fixture
def run():
    """Runs coroutines on one event loop in the background."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def stores(run, database_url):
    database = Database(database_url)
    incidents = PgIncidents(database)
    looking = run(AsyncConnection.connect(database_url, autocommit=True))

    async def outbox(incident_id):
        rows = await looking.execute("select version from outbox where incident_id = %s order by version", [incident_id])
        return [version for (version,) in await rows.fetchall()]

    run(database.open())
    yield Stores(incidents, PgAccounts(database), run, outbox)
    run(looking.close())
    run(database.close())


def test_postgresql_and_the_domain_agree_after_each_step(stores):
    class PostgresLives(Lives):
        """All examples share one database, as all users do."""

        def open_stores(self):
            return stores

        def teardown(self):
            left = self.run(self.incidents.due_timers(LATEST, MANY))
            self.run(self.incidents.forget(left))

    run_state_machine_as_test(PostgresLives, settings=settings(max_examples=settings.default.max_examples // 4, stateful_step_count=30))
