"""The version before and the one after run side by side on one database."""

import subprocess
import sys
from contextlib import ExitStack

import httpx
import psycopg
import pytest

from adapters.db import migrate
from integration.journals import assert_whole, journals
from integration.releases import version_before
from integration.serving import applied, argus, environ, serving

SPEC = {
    "users": [
        {"actor": "ola", "username": "ola", "password": "correct-horse-1", "token": "valid"},
        {"actor": "nav", "username": "nav", "token": "valid"},
    ],
    "source_types": ["nav"],
    "sources": [{"name": "oslo", "type": "nav", "user": "nav"}],
}
REPORT = {"start_time": "2026-11-23T08:00:00Z", "description": "Router down", "tags": [{"tag": "host=gw1"}]}


@pytest.fixture(scope="session")
def before(tmp_path_factory):
    """The code of the version before, and the number of its newest step."""
    found = version_before(tmp_path_factory.mktemp("before"))
    if found is None:
        pytest.skip("the history of this checkout does not reach back to the commit before the newest step")
    return found


@pytest.fixture
def environment(database_url):
    return {"DATABASE_URL": database_url}


@pytest.fixture
def older(before, environment):
    """The environment of the version before."""
    told = {**environment, "PYTHONPATH": str(before[0])}
    where = "import adapters; print(adapters.__file__)"
    found = subprocess.run([sys.executable, "-P", "-c", where], env=environ(told), capture_output=True, text=True, check=True).stdout
    assert found.startswith(str(before[0])), "another version would be tested"
    return told


def lives(source, person):
    """An incident's life, told to two servers in turn: what one has done, the other goes on with."""
    incident = source.post("/incidents/", json=REPORT).raise_for_status().json()["pk"]
    person.post(f"/incidents/{incident}/acks/", json={"timestamp": "2026-11-23T08:01:00Z"}).raise_for_status()
    source.post(
        f"/incidents/{incident}/events/", json={"timestamp": "2026-11-23T08:02:00Z", "type": "END", "description": ""}
    ).raise_for_status()
    person.post(
        f"/incidents/{incident}/events/", json={"timestamp": "2026-11-23T08:03:00Z", "type": "REO", "description": ""}
    ).raise_for_status()
    return person.get(f"/incidents/{incident}/").raise_for_status().json()


def test_both_versions_serve_one_database_after_the_step(environment, older, database_url, tmp_path):
    tokens = {name: actor["token"] for name, actor in applied(SPEC, environment=environment, folder=tmp_path)["actors"].items()}
    with (
        serving(environment=older, folder=tmp_path) as old,
        serving(environment=environment, folder=tmp_path) as new,
        ExitStack() as stack,
    ):
        client = {(server, who): stack.enter_context(server.client(tokens[who])) for server in (old, new) for who in tokens}
        told = [lives(client[one, "nav"], client[other, "ola"]) for one, other in ((old, new), (new, old))]
        password = {"username": "ola", "password": "correct-horse-1"}
        logged_in = [httpx.post(f"{server.url}/api/v2/token-auth/", json=password).status_code for server in (old, new)]

        assert [True, True] == [incident["acked"] and incident["open"] for incident in told]
        assert [200, 200] == logged_in
        assert [200, 200] == [client[server, "ola"].get(f"{server.url}/health/ready").status_code for server in (old, new)]
    assert_whole(journals(database_url))


def test_a_step_back_leaves_the_version_before_working_and_a_step_forward_the_newest(environment, older, before, database_url, tmp_path):
    tokens = {name: actor["token"] for name, actor in applied(SPEC, environment=environment, folder=tmp_path)["actors"].items()}

    argus("migrate", "--to", before[1], environment=environment, folder=tmp_path)
    with serving(environment=older, folder=tmp_path) as old, old.client(tokens["nav"]) as nav, old.client(tokens["ola"]) as ola:
        first = lives(nav, ola)
    argus("migrate", environment=environment, folder=tmp_path)
    with serving(environment=environment, folder=tmp_path) as new, new.client(tokens["nav"]) as nav, new.client(tokens["ola"]) as ola:
        again = ola.get(f"/incidents/{first['pk']}/").raise_for_status().json()
        lives(nav, ola)

    assert first == again
    assert_whole(journals(database_url))


def test_prepared_statements_outlive_a_step(environment, older, before, database_url, tmp_path):
    """
    A server that was there before the step goes on after it, with the statements it has prepared.
    """
    tokens = {name: actor["token"] for name, actor in applied(SPEC, environment=environment, folder=tmp_path)["actors"].items()}
    argus("migrate", "--to", before[1], environment=environment, folder=tmp_path)
    with (
        serving(environment=older, folder=tmp_path) as old,
        old.client(tokens["nav"]) as nav,
        old.client(tokens["ola"]) as ola,
    ):
        for _ in range(10):
            lives(nav, ola)

        migrate.upgrade(database_url)

        for _ in range(10):
            lives(nav, ola)
    with psycopg.connect(database_url) as connection:
        assert (20,) == connection.execute("select count(*) from incident").fetchone()
