import tempfile
from pathlib import Path

import pytest

from integration.notifications.hooks import hooks
from integration.notifications.people import Installation
from integration.serving import applied, serving
from integration.sink import sink


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="argus-notifications-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def mailbox():
    with sink() as opened:
        yield opened


@pytest.fixture
def receiver():
    with hooks() as found:
        yield found


@pytest.fixture(scope="module")
def database(postgres, migrated):
    from integration.postgres import fresh_database

    with fresh_database(postgres, template=migrated) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def installation(database, folder, mailbox):
    """Argus with a mail server, a source, Alice who wants to hear of everything, Bob who does not, and an administrator."""
    environment = {"DATABASE_URL": database, "ARGUS_FRONTEND_URL": "https://argus.example.org", **mailbox.settings}
    world = applied(Installation.SPEC, environment=environment, folder=folder)
    with serving(environment=environment, folder=folder) as served:
        installed = Installation(served, {name: one["token"] for name, one in world["actors"].items()}, environment, folder)
        installed.want("alice")
        yield installed
        installed.close()
