"""One server for all clients, in a world with two sources and two people; each test posts incidents of its own."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from integration.postgres import fresh_database
from integration.serving import Served, applied, serving

SPEC = {
    "users": [
        {"actor": "alice", "username": "alice", "password": "correct-horse-1", "email": "alice@example.org", "token": "valid"},
        {"actor": "root", "username": "root", "password": "correct-horse-2", "is_superuser": True, "is_staff": True, "token": "valid"},
        {"actor": "nav", "username": "nav.oslo", "token": "valid"},
        {"actor": "zabbix", "username": "zabbix.one", "token": "valid"},
    ],
    "source_types": ["nav", "zabbix"],
    "sources": [
        {"name": "nav-oslo", "type": "nav", "user": "nav", "base_url": "https://nav.example.org/"},
        {"name": "zabbix-1", "type": "zabbix", "user": "zabbix", "base_url": ""},
    ],
}


@pytest.fixture(scope="session")
def installation(postgres, migrated, tmp_path_factory) -> Iterator[tuple[Served, dict]]:
    """A running server whose clocks are in Oslo, and the world in it."""
    folder = tmp_path_factory.mktemp("clients")
    with fresh_database(postgres, template=migrated) as dsn:
        environment = {"DATABASE_URL": dsn, "ARGUS_TIME_ZONE": "Europe/Oslo", "ARGUS_CORS_ORIGINS": "https://argus.example.org"}
        world = applied(SPEC, environment=environment, folder=folder)
        with serving(environment=environment, folder=folder) as served:
            yield served, world


@pytest.fixture(scope="session")
def served(installation) -> Served:
    return installation[0]


@pytest.fixture(scope="session")
def world(installation) -> dict:
    return installation[1]


@pytest.fixture(scope="session")
def tokens(world) -> dict[str, str]:
    """The token of each actor."""
    return {name: actor["token"] for name, actor in world["actors"].items()}


def _speaking(actor: str):
    @pytest.fixture
    def client(served, tokens) -> Iterator[httpx.Client]:
        with served.client(tokens[actor]) as client:
            yield client

    return client


alice, root, nav, zabbix = map(_speaking, ("alice", "root", "nav", "zabbix"))


@pytest.fixture
def anybody(served) -> Iterator[httpx.Client]:
    """Somebody without a token, who names paths from the root."""
    with httpx.Client(base_url=served.url) as client:
        yield client


_numbers = count(1)


@pytest.fixture
def key() -> str:
    """A `source_incident_id` of this test's own, that is a number as well."""
    return f"{70_000 + next(_numbers)}"
