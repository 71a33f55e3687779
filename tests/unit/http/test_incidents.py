import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from adapters.http.v2.shapes import Shapes, joined
from argus_core.domain.limits import TAGS
from argus_core.ports.incidents import IncidentRow

pytestmark = pytest.mark.anyio

AT = "2024-03-01T12:00:00Z"


async def test_an_incident_has_exactly_the_keys_that_clients_know(world):
    shown = await world.incident(source_incident_id="1", tags=[{"tag": " a = b "}, {"tag": "a=b"}], metadata={"x": [1, None]})

    assert shown == {
        "pk": 1,
        "start_time": "2024-03-01T13:00:00+01:00",
        "end_time": "infinity",
        "source": {
            "pk": world.sources["nav"].id,
            "name": "nav",
            "type": {"name": "nav"},
            "user": world.pks["nav"],
            "base_url": "https://nav.example.org/",
        },
        "source_incident_id": "1",
        "details_url": "",
        "description": "",
        "level": 5,
        "ticket_url": "",
        "metadata": {"x": [1, None]},
        "tags": [{"added_by": world.pks["nav"], "added_time": "2024-03-01T13:00:00+01:00", "tag": "a=b"}],
        "stateful": True,
        "open": True,
        "acked": False,
    }
    assert shown == (await world.ask("bob", "GET", "incidents/1/")).json()
    assert [shown] == (await world.ask("bob", "GET", "incidents/")).json()["results"]


@pytest.mark.parametrize(
    ("end_time", "shown"),
    [
        ("infinity", ("infinity", True, True)),
        ("9999-12-31T23:59:59.999999", ("infinity", True, True)),
        (None, (None, False, False)),
        ("2024-03-01T12:00:00.000001Z", ("2024-03-01T13:00:00.000001+01:00", True, True)),
        ("2024-03-01T12:00:00Z", ("2024-03-01T13:00:00+01:00", True, False)),
        ("2024-07-01T12:00:00Z", ("2024-07-01T14:00:00+02:00", True, True)),
    ],
)
async def test_ends_are_shown_as_they_were_meant(world, end_time, shown):
    made = await world.incident(end_time=end_time)

    assert shown == (made["end_time"], made["stateful"], made["open"])


@pytest.mark.parametrize("end_time", ["-infinity", "2024-03-01T11:59:59Z"])
async def test_an_end_before_the_start_is_told_of_both(world, end_time):
    answer = await world.ask("nav", "POST", "incidents/", json={"start_time": AT, "end_time": end_time, "tags": []})

    assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))


@pytest.mark.parametrize(
    ("base_url", "details_url", "shown"),
    [
        ("https://nav.example.org/x/", "/a/1", "https://nav.example.org/a/1"),
        ("https://nav.example.org/x/", "a/1?b#c", "https://nav.example.org/x/a/1?b#c"),
        ("https://nav.example.org/", "https://other.example.org/a", "https://other.example.org/a"),
        ("https://nav.example.org/", "//other.example.org/a", "https://other.example.org/a"),
        ("https://nav.example.org/", "no url at all", "no url at all"),
        ("https://nav.example.org/", "javascript:alert(1)", "javascript:alert(1)"),
        ("https://nav.example.org/", "http://[", "http://["),
    ],
)
async def test_relative_details_are_joined_with_the_address_of_the_source(base_url, details_url, shown):
    assert shown == joined(base_url, details_url)


async def test_details_are_shown_as_they_are_where_the_source_has_no_address(world):
    made = await world.incident("zabbix", details_url="/a/1")

    assert made["details_url"] == "/a/1"


SUMMER, WINTER = datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("added", [[], [SUMMER], [SUMMER, WINTER], [WINTER, SUMMER, WINTER], [WINTER, WINTER]])
async def test_a_page_shows_every_time_with_its_own_offset(added):
    tags, people = [f"a={number}" for number, _ in enumerate(added)], [number for number, _ in enumerate(added)]
    row = IncidentRow(1, 1, SUMMER, None, True, 1, "s", "t", 2, "", "", "", "", 3, "", {}, tags, people, added, None)

    (shown,) = Shapes(ZoneInfo("Europe/Oslo")).incidents([row], WINTER)

    offsets = {SUMMER: timedelta(hours=2), WINTER: timedelta(hours=1)}
    assert offsets[SUMMER] == shown.start_time.utcoffset()
    expected = [(by, at, offsets[at], tag) for by, at, tag in zip(people, added, tags, strict=True)]
    assert expected == [(tag.added_by, tag.added_time, tag.added_time.utcoffset(), tag.tag) for tag in shown.tags]


async def test_only_sources_and_superusers_report(world):
    body = {"start_time": AT, "tags": []}
    mine = world.sources["nav"].id

    def ask(who, **more):
        return world.ask(who, "POST", "incidents/mine/", json={**body, **more})

    assert 201 == (await ask("nav")).status_code
    assert 201 == (await ask("ada", source=str(mine))).status_code
    for refused in (
        await ask("alice"),
        await ask("ada"),
        await ask("ada", source=None),
        await ask("ada", source=987654321),
        await ask("ada", source=2**70),
        await ask("nav", source=mine),
        await ask("nav", source=None),
        await ask("alice", source=mine),
    ):
        assert (400, list) == (refused.status_code, type(refused.json()))
    assert (400, ["source"]) == ((bad := await ask("ada", source="x")).status_code, list(bad.json()))


async def test_a_superuser_reports_on_behalf_of_the_source(world):
    made = await world.incident("ada", source=world.sources["zabbix"].id, tags=[{"tag": "a=b"}])
    (event,) = (await world.ask("bob", "GET", f"incidents/{made['pk']}/events/")).json()

    assert ("zabbix", world.pks["ada"]) == (made["source"]["name"], made["tags"][0]["added_by"])
    assert {"pk": world.pks["zabbix"], "username": "zabbix"} == event["actor"]


async def test_a_second_incident_with_the_same_id_is_refused_in_words_that_glue_looks_for(world):
    await world.incident(source_incident_id="x")
    answer = await world.ask("nav", "POST", "incidents/", json={"start_time": AT, "tags": [], "source_incident_id": " x "})

    assert answer.status_code == 400
    assert "source_incident_id" in answer.text


async def test_the_list_of_ones_own_is_that_of_ones_source(world):
    await world.incident("nav")
    await world.incident("zabbix")

    listed = [(await world.ask(who, "GET", "incidents/mine/?level__lte=1&source__id__in=x")).json()["results"] for who in ("nav", "alice")]

    assert [1, 0] == [len(results) for results in listed]


async def test_source_types_are_known_by_name(world):
    known, unknown = [await world.ask("alice", "GET", f"incidents/?source__type__in=nav,{type_}") for type_ in ("zabbix", "nope")]

    assert (200, 400, ["source__type__in"]) == (known.status_code, unknown.status_code, list(unknown.json()))


async def test_a_patch_changes_what_may_be_changed(world):
    pk = (await world.incident())["pk"]
    wanted = {
        "details_url": "https://d.example.org/",
        "ticket_url": "https://t.example.org/",
        "level": "1",
        "description": " new ",
        "metadata": [1],
        "tags": [{"tag": "a=b"}],
    }
    changed = (await world.ask("alice", "PATCH", f"incidents/{pk}/", json=wanted)).json()

    assert ("https://d.example.org/", "https://t.example.org/", 1, "new", [1]) == tuple(
        changed[name] for name in ("details_url", "ticket_url", "level", "description", "metadata")
    )
    assert ["a=b"] == [tag["tag"] for tag in changed["tags"]]
    events = (await world.ask("alice", "GET", f"incidents/{pk}/events/")).json()
    assert ["CHI"] * 6 == [event["type"]["value"] for event in events if event["actor"]["username"] == "alice"]


async def test_a_patch_of_nothing_is_fine(world):
    made = await world.incident()

    assert made == (await world.ask("alice", "PATCH", f"incidents/{made['pk']}/", json={})).json()


async def test_a_patch_is_refused_whole_and_tells_what_cannot_be_changed(world):
    pk = (await world.incident())["pk"]
    body = {"start_time": "x", "nonsense": 1, "\ud800": 2, "ticket_url": "https://t.example.org/1"}
    answer = await world.ask("ada", "PATCH", f"incidents/{pk}/", content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert 400 == answer.status_code
    assert {
        "start_time": "The field is not allowed to be changed.",
        "nonsense": "The field does not exist.",
        "?": "The field does not exist.",
    } == answer.json()
    assert "" == (await world.ask("ada", "GET", f"incidents/{pk}/")).json()["ticket_url"]


@pytest.mark.parametrize("body", [{"nonsense": 1}, {"ticket_url": "nope"}, {"level": 1}])
async def test_that_there_is_no_such_incident_is_said_before_what_is_wrong_with_the_patch(world, body):
    assert 404 == (await world.ask("alice", "PATCH", "incidents/987654321/", json=body)).status_code


async def test_foreign_tags_are_refused_by_name(world):
    pk = (await world.incident(tags=[{"tag": "a=b"}, {"tag": "c=d"}]))["pk"]
    answer = await world.ask("alice", "PATCH", f"incidents/{pk}/", json={"tags": [{"tag": "c=d"}]})

    assert (400, ["a=b"]) == (answer.status_code, list(answer.json()))


async def test_tickets_are_set_and_removed(world):
    pk = (await world.incident())["pk"]
    path = f"incidents/{pk}/ticket_url/"
    answers = [
        await world.ask("alice", "PUT", path, json={"ticket_url": url}) for url in ("https://t.example.org/1", "", "nope", None, 5, " ")
    ]
    missing = await world.ask("alice", "PUT", path, json={})

    assert [200, 200, 400, 400, 400, 400] == [answer.status_code for answer in answers]
    assert [{"ticket_url": "https://t.example.org/1"}, {"ticket_url": ""}] == [answer.json() for answer in answers[:2]]
    assert (400, {"ticket_url": ["This field is required."]}) == (missing.status_code, missing.json())


async def test_without_a_plugin_only_tickets_that_are_there_are_found(world):
    without = (await world.incident())["pk"]
    with_ = (await world.incident(ticket_url="https://t.example.org/9"))["pk"]

    refused, found, unknown = [
        await world.ask("alice", "PUT", f"incidents/{pk}/automatic-ticket/", content=b"whatever") for pk in (without, with_, 987654321)
    ]

    assert refused.status_code == 400
    assert "No path to" in refused.json()
    assert (200, {"ticket_url": "https://t.example.org/9"}) == (found.status_code, found.json())
    assert unknown.status_code == 404


async def test_a_tag_that_is_there_can_be_added_to_as_many_as_there_may_be(world):
    pk = (await world.incident(tags=[{"tag": f"t{number}=1"} for number in range(TAGS)]))["pk"]

    again, one_more = [await world.ask("alice", "POST", f"incidents/{pk}/tags/", json={"tag": tag}) for tag in ("t1=1", "x=1")]

    assert (201, 400) == (again.status_code, one_more.status_code)


async def test_tags_one_by_one(world):
    pk = (await world.incident(tags=[{"tag": "a=b"}]))["pk"]
    path = f"incidents/{pk}/tags/"

    added = await world.ask("alice", "POST", path, json={"tag": " c = d e "})
    listed = (await world.ask("alice", "GET", path)).json()
    found = await world.ask("alice", "GET", f"{path}c=d%20e/")
    foreign = await world.ask("alice", "DELETE", f"{path}a=b/")
    removed = await world.ask("alice", "DELETE", f"{path}c=d%20e/")
    gone = [await world.ask("alice", method, f"{path}c=d%20e/") for method in ("GET", "DELETE")]
    bad = [await world.ask("alice", "POST", path, json=body) for body in ({"tag": "nope"}, {}, {"tag": None}, {"tag": 5})]
    unknown = await world.ask("alice", "POST", "incidents/987654321/tags/", json={"tag": "a=b"})

    assert (201, {"tag": "c=d e"}) == (added.status_code, added.json())
    assert [{"tag": "a=b"}, {"tag": "c=d e"}] == listed
    assert (200, {"tag": "c=d e"}) == (found.status_code, found.json())
    assert (400, ["a=b"]) == (foreign.status_code, list(foreign.json()))
    assert 204 == removed.status_code
    assert [404, 404] == [answer.status_code for answer in gone]
    assert [(400, ["tag"])] * 4 == [(answer.status_code, list(answer.json())) for answer in bad]
    assert {"tag": "The tag does not have its delimiter: =."} == bad[0].json()
    assert 404 == unknown.status_code


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("tag", ["url=https://a.example.org//b/", "url=https://a.example.org/tags/b=c", "port=ge-0/0/1", "path=/"])
async def test_a_tag_with_slashes_is_one(world, version, tag):
    pk = (await world.incident(tags=[{"tag": "port=ge-0"}]))["pk"]
    await world.ask("alice", "POST", f"incidents/{pk}/tags/", json={"tag": tag})
    paths = [f"/api/{version}/incidents/{pk}/tags/{written}/" for written in (quote(tag, safe=""), quote(tag, safe="/"))]

    async with world.as_("alice") as client:
        found = [await client.get(path) for path in paths]
        removed = [await client.delete(path) for path in paths]

    assert [(200, {"tag": tag})] * 2 == [(answer.status_code, answer.json()) for answer in found]
    assert [204, 404] == [answer.status_code for answer in removed]
    assert [{"tag": "port=ge-0"}] == (await world.ask("alice", "GET", f"incidents/{pk}/tags/")).json()


async def test_sources_are_listed_with_exactly_the_keys_that_clients_know(world):
    listed = (await world.ask("alice", "GET", "incidents/sources/")).json()
    one = await world.ask("alice", "GET", f"incidents/sources/{listed[0]['pk']}/")
    types = await world.ask("alice", "GET", "incidents/source-types/")

    nav = world.sources["nav"]
    assert {"pk": nav.id, "name": "nav", "type": {"name": "nav"}, "user": nav.user_id, "base_url": nav.base_url} == listed[0]
    assert listed[0] == one.json()
    assert [{"name": "nav"}, {"name": "zabbix"}] == types.json()
