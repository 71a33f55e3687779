"""Who may collect metrics, and what requests are counted as."""

from dataclasses import replace
from ipaddress import ip_network

import httpx
import pytest

from adapters.http import build_app
from adapters.http.edge import NOWHERE
from argus_core.domain.actors import Scope

pytestmark = pytest.mark.anyio

INCIDENTS, INCIDENT = "/api/v2/incidents/", "/api/v2/incidents/{pk}/"


async def metrics():
    return b"argus_up 1\n"


@pytest.fixture(scope="module")
def measured():
    """What was heard of requests, without how long they took."""
    return []


@pytest.fixture(scope="module")
def app(only_world, measured):
    networks = [ip_network("10.1.2.0/24"), ip_network("2001:db8::/32")]
    measure = lambda *request: measured.append(request[:3])  # noqa: E731 - as short as that
    return build_app(replace(only_world.services, metrics=metrics, metrics_allow=networks, measure=measure))


@pytest.fixture
def ask(world, app, measured):
    """One request; from an address that is nobody's unless one is given."""
    measured.clear()

    async def ask(path, method="GET", who=None, peer="192.0.2.1", **headers):
        if who:
            headers["Authorization"] = f"Token {world.tokens[who]}"
        transport = httpx.ASGITransport(app, client=(peer, 1) if peer else None)
        async with httpx.AsyncClient(transport=transport, base_url="http://argus.example.org") as client:
            return await client.request(method, path, headers=headers)

    return ask


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("nav", 403), ("alice", 200), ("ada", 200)])
async def test_metrics_are_for_people_with_a_token(ask, who, status):
    answer = await ask("/metrics", who=who)

    assert (status, status == 200) == (answer.status_code, answer.content == await metrics())


async def test_the_narrowest_token_is_enough(world, ask):
    world.tokens["reader"] = (await world.people.create_token("alice", "prometheus", days=1, scope=Scope.READ)).key

    answer = await ask("/metrics", who="reader")

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("2001:db8::1", 200),
        ("10.1.3.1", 401),
        ("2001:db9::1", 401),
        (None, 401),
        ("a file", 401),
    ],
)
async def test_from_where_it_is_allowed_no_token_is_needed(ask, peer, status):
    assert status == (await ask("/metrics", peer=peer)).status_code


async def test_a_token_that_is_no_good_is_refused_wherever_it_comes_from(ask):
    assert 401 == (await ask("/metrics", peer="10.1.2.3", Authorization="Token nonsense")).status_code


async def test_as_installed_no_address_is_allowed(world):
    async with world.as_() as client:
        assert 401 == (await client.get("/metrics")).status_code


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/api/v2/incidents/", (INCIDENTS, "GET", 200)),
        ("GET", "/api/v2/incidents/?tags=secret", (INCIDENTS, "GET", 400)),
        ("HEAD", "/api/v2/incidents/", (INCIDENTS, "HEAD", 200)),
        ("GET", "/api/v2/incidents/987654321/", (INCIDENT, "GET", 404)),
        ("GET", "/api/v2/incidents/1/tags/a%3Db/", ("/api/v2/incidents/{pk}/tags/{tag}/", "GET", 404)),
        ("PURGE", "/api/v2/incidents/", (INCIDENTS, "OTHER", 405)),
        ("GET", "/wp-login.php", (NOWHERE, "GET", 404)),
        ("GET", "/api/v2/incidents", (NOWHERE, "GET", 301)),
        ("GET", "/metrics", ("/metrics", "GET", 200)),
    ],
)
async def test_requests_are_counted_by_route_and_never_by_path(ask, measured, method, path, counted):
    await ask(path, method, who="alice")

    assert [counted] == measured


async def test_what_is_refused_at_the_door_is_counted_too(ask, measured):
    await ask("/api/v2/incidents/")

    assert [(INCIDENTS, "GET", 401)] == measured
