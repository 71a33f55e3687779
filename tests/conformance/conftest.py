"""A running server and the world of the corpus in it, as `argus apply` makes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from integration.serving import applied, argus, serving

from integration.postgres import fresh_database, server

HERE = Path(__file__).parent


@dataclass
class Installation:
    """Where the server listens, and the file that describes its world."""

    url: str
    world: Path


@pytest.fixture(scope="session")
def installation(tmp_path_factory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("conformance")
    spec = json.loads((HERE / "world.spec.json").read_text())
    with server() as postgres, fresh_database(postgres) as dsn:
        environment = {"DATABASE_URL": dsn, "ARGUS_TIME_ZONE": spec["server"]["time_zone"], "ARGUS_SEND_NOTIFICATIONS": "false"}
        argus("migrate", environment=environment, folder=folder)
        applied(spec, environment=environment, folder=folder)
        with serving(environment=environment, folder=folder) as served:
            yield Installation(served.url, folder / "world.json")
