"""With ARGUS_SOURCES_OWN_INCIDENTS_ONLY, the incidents of others are not there for a source."""

import pytest

from adapters.http import build_app

pytestmark = pytest.mark.anyio

NOW = "2024-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def app(only_world):
    only_world.own_only = True
    return build_app(only_world.services)


@pytest.fixture
def ask(world, app):
    async def ask(who, method, path, **request):
        async with world.as_(who, app=app) as client:
            return await client.request(method, f"/api/{path}", **request)

    return ask


@pytest.fixture
async def places(world):
    """An incident of NAV's with an acknowledgement, and one of Zabbix's."""
    nav, zabbix = [(await world.incident(who, tags=[{"tag": "host=a"}]))["pk"] for who in ("nav", "zabbix")]
    ack = (await world.ask("alice", "POST", f"incidents/{nav}/acks/", json={})).json()
    return {"nav": nav, "zabbix": zabbix, "ack": ack["pk"], "event": ack["event"]["pk"]}


READS = [
    "",
    "events/",
    "events/{event}/",
    "acks/",
    "acks/{ack}/",
    "tags/",
    "tags/host=a/",
]
READS_OF_V2 = ["notifications/", "events/{event}/explain/"]


@pytest.mark.parametrize("path", [*(f"{version}/incidents/{{nav}}/{path}" for version in ("v1", "v2") for path in READS)])
async def test_a_source_reads_what_is_its_own_only(ask, places, path):
    own, foreign, person = [(await ask(who, "GET", path.format(**places))).status_code for who in ("nav", "zabbix", "alice")]

    assert (200, 404, 200) == (own, foreign, person)


@pytest.mark.parametrize("path", READS_OF_V2)
async def test_nor_does_it_read_about_notifications_of_others(ask, places, path):
    path = f"v2/incidents/{places['nav']}/{path.format(**places)}"

    assert [200, 404] == [(await ask(who, "GET", path)).status_code for who in ("nav", "zabbix")]


WRITES = [
    ("PATCH", "", {"description": "mine now"}),
    ("POST", "events/", {"type": "OTH", "timestamp": NOW}),
    ("POST", "tags/", {"tag": "host=b"}),
    ("PUT", "ticket_url/", {"ticket_url": "https://tickets.example.org/1"}),
]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: " ".join(write[:2]))
async def test_a_source_changes_what_is_its_own_only(ask, places, world, version, write):
    method, path, body = write
    path = f"{version}/incidents/{places['nav']}/{path}"
    before = await world.journal.get(places["nav"])

    foreign = await ask("zabbix", method, path, json=body)

    assert (404, before) == (foreign.status_code, await world.journal.get(places["nav"]))
    assert (await ask("nav", method, path, json=body)).status_code < 300


async def test_tickets_of_others_are_not_shown_nor_made(ask, places):
    await ask("nav", "PUT", f"v2/incidents/{places['nav']}/ticket_url/", json={"ticket_url": "https://tickets.example.org/1"})

    answers = [(await ask(who, "PUT", f"v2/incidents/{places['nav']}/automatic-ticket/")).status_code for who in ("nav", "zabbix", "alice")]

    assert [200, 404, 200] == answers


async def test_among_many_those_of_others_are_as_if_they_were_not_there(ask, places):
    body = {"ids": [places["nav"], places["zabbix"], 999], "event": {"type": "OTH", "timestamp": NOW}}

    changes = (await ask("zabbix", "POST", "v2/incidents/events/bulk/", json=body)).json()["changes"]

    foreign, own, missing = (changes[str(pk)] for pk in body["ids"])
    assert (201, 400) == (own["status"], missing["status"])
    assert foreign == {**missing, "errors": {"ids": f"Incident with id {places['nav']} could not be found."}}


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_lists_hold_what_is_its_own(ask, places, version):
    listed = {
        who: [one["pk"] for one in (await ask(who, "GET", f"{version}/incidents/")).json()["results"]] for who in ("nav", "zabbix", "alice")
    }

    assert {
        "nav": [places["nav"]],
        "zabbix": [places["zabbix"]],
        "alice": sorted([places["nav"], places["zabbix"]], reverse=True),
    } == listed


@pytest.mark.parametrize("path", ["open/", "open+unacked/"])
async def test_lists_without_pages_too(ask, places, path):
    assert [places["zabbix"]] == [one["pk"] for one in (await ask("zabbix", "GET", f"v1/incidents/{path}")).json()]


async def test_counts_too(ask, places):
    assert 1 == (await ask("zabbix", "GET", "v2/incidents/?count=true")).json()["count"]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_previews_too(ask, places, version):
    answer = await ask("zabbix", "POST", f"{version}/notificationprofiles/filterpreview/", json={"open": True})

    assert [places["zabbix"]] == [one["pk"] for one in answer.json()]


async def test_dry_runs_too(ask, places, world):
    zabbix = world.actor("zabbix")
    filter_ = (await ask("zabbix", "POST", "v2/notificationprofiles/filters/", json={"name": "f", "filter": {"open": True}})).json()["pk"]
    slot = (await world.profiles.belongings(zabbix.id)).timeslots[0].id
    body = {"timeslot": slot, "filters": [filter_], "destinations": [], "active": True}
    profile = (await ask("zabbix", "POST", "v2/notificationprofiles/", json=body)).json()["pk"]

    run = (await ask("zabbix", "GET", f"v2/notificationprofiles/{profile}/dryrun/")).json()

    assert {places["zabbix"]} == {one["incident"] for one in run["events"]}


async def test_without_it_everybody_sees_everything(world, places):
    assert 200 == (await world.ask("zabbix", "GET", f"incidents/{places['nav']}/")).status_code
