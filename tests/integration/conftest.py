from collections.abc import Iterator

import pytest

from integration.postgres import fresh_database, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a role that may create databases."""
    with server() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def migrated(postgres: str) -> Iterator[str]:
    """The DSN of a database with all migrations, to copy."""
    from adapters.db.migrate import upgrade

    with fresh_database(postgres) as dsn:
        upgrade(dsn)
        yield dsn


@pytest.fixture
def database_url(postgres: str, migrated: str) -> Iterator[str]:
    """The DSN of a migrated database for this test alone."""
    with fresh_database(postgres, template=migrated) as dsn:
        yield dsn
