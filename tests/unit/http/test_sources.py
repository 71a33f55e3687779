"""Sources and their types in API v2, which superusers make."""

from datetime import timedelta

import pytest

pytestmark = pytest.mark.anyio


async def test_a_source_gets_a_user_of_its_own(world):
    """
    Whatever the source is called, and however its type is told.
    """
    kind = await world.ask("ada", "POST", "incidents/source-types/", json={"name": "icinga"})
    first = await world.ask("ada", "POST", "incidents/sources/", json={"name": "alice", "type": "icinga"})
    second = await world.ask(
        "ada", "POST", "incidents/sources/", json={"name": " West ", "type": {"name": "nav"}, "base_url": "https://west.example.org/"}
    )

    assert (201, {"name": "icinga"}) == (kind.status_code, kind.json())
    source = first.json()
    assert {"pk": source["pk"], "name": "alice", "type": {"name": "icinga"}, "user": source["user"], "base_url": ""} == source
    user = (await world.ask("bob", "GET", f"auth/users/{source['user']}/")).json()
    assert "alice-2" == user["username"]
    assert (201, "West", "https://west.example.org/") == (second.status_code, second.json()["name"], second.json()["base_url"])
    assert [source] == [listed for listed in (await world.ask("bob", "GET", "incidents/sources/")).json() if listed["name"] == "alice"]


async def test_a_source_can_be_changed_and_incidents_show_it(world):
    incident = await world.incident()
    path = f"incidents/sources/{world.sources['nav'].id}/"

    renamed = await world.ask("ada", "PUT", path, json={"name": "north", "type": "nav"})
    moved = await world.ask("ada", "PUT", path, json={"name": "north", "type": "zabbix", "base_url": ""})

    assert ("north", "https://nav.example.org/") == (renamed.json()["name"], renamed.json()["base_url"])
    assert moved.json() == (await world.ask("bob", "GET", f"incidents/{incident['pk']}/")).json()["source"]
    assert {"name": "zabbix"} == moved.json()["type"]


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("sources/", {}, {"name", "type"}),
        ("sources/", {"name": "nav", "type": "nav"}, {"name"}),
        ("sources/", {"name": "x", "type": "nothing"}, {"type"}),
        ("sources/", {"name": "x", "type": {"name": ""}}, {"type"}),
        ("sources/", {"name": "x", "type": "nav", "base_url": "nowhere"}, {"base_url"}),
        ("source-types/", {"name": "nav"}, {"name"}),
        ("source-types/", {"name": "NAV"}, {"name"}),
    ],
)
async def test_what_is_wrong_is_named(world, path, body, fields):
    answer = await world.ask("ada", "POST", f"incidents/{path}", json=body)

    assert (400, fields) == (answer.status_code, set(answer.json()))


async def test_an_unknown_source_is_not_found(world):
    for method in ("GET", "PUT"):
        answer = await world.ask("ada", method, "incidents/sources/987654321/", json={"name": "x", "type": "nav"})

        assert answer.status_code == 404


@pytest.mark.parametrize("who", ["nav", "alice"])
async def test_nobody_else_may_and_that_is_said_first(world, who):
    for method, path in (("POST", "sources/"), ("PUT", "sources/987654321/"), ("POST", "source-types/")):
        answer = await world.ask(who, method, f"incidents/{path}", content=b"{")

        assert (403, ["detail"]) == (answer.status_code, list(answer.json()))


async def test_a_heartbeat_is_noted_for_the_source_that_sends_it(world):
    nav, zabbix = (world.sources[name].id for name in ("nav", "zabbix"))
    for source_id in (nav, zabbix):
        await world.watch.expect(source_id, timedelta(minutes=5))
    world.now += timedelta(minutes=1)

    beat = await world.ask("nav", "POST", "incidents/sources/heartbeat/")

    assert (204, b"") == (beat.status_code, beat.content)
    assert [timedelta(), timedelta(minutes=1)] == [world.now - heart.last for heart in await world.watch.hearts()]
    assert 405 == (await world.ask("nav", "GET", "incidents/sources/heartbeat/")).status_code
