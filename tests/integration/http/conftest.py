"""One server for all, with a person, a superuser and two sources."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from integration.postgres import fresh_database
from integration.serving import Served, applied, argus, serving

SPEC = {
    "users": [
        {"actor": "alice", "username": "alice", "password": "correct-horse-1", "token": "valid"},
        {"actor": "bob", "username": "bob", "password": "correct-horse-2", "token": "valid"},
        {"actor": "nav", "username": "nav.oslo", "token": "valid"},
        {"actor": "zabbix", "username": "zabbix.one", "token": "valid"},
    ],
    "source_types": ["nav", "zabbix"],
    "sources": [
        {"name": "nav-oslo", "type": "nav", "user": "nav", "base_url": "https://nav.example.org/"},
        {"name": "zabbix-1", "type": "zabbix", "user": "zabbix", "base_url": ""},
    ],
}


@dataclass
class Installation:
    """A running server, its world, and the commands beside it."""

    served: Served
    tokens: dict
    environment: dict
    folder: object

    def client(self, who: str) -> httpx.Client:
        """Somebody who speaks to API v2."""
        return self.served.client(self.tokens[who])

    def argus(self, *arguments: object) -> str:
        """Another command on the same database."""
        return argus(*arguments, environment=self.environment, folder=self.folder)

    def log(self) -> str:
        """What the server has said so far."""
        return self.served.log.read_text()


@pytest.fixture(scope="session")
def installation(postgres, migrated, tmp_path_factory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("http")
    with fresh_database(postgres, template=migrated) as dsn:
        environment = {"DATABASE_URL": dsn, "ARGUS_TIME_ZONE": "Europe/Oslo"}
        world = applied(SPEC, environment=environment, folder=folder)
        with serving(environment=environment, folder=folder) as served:
            tokens = {name: actor["token"] for name, actor in world["actors"].items()}
            yield Installation(served, tokens, environment, folder)
