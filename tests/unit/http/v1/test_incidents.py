from dataclasses import replace

import pytest

from adapters.http import build_app

pytestmark = pytest.mark.anyio

KEYS = {
    "pk",
    "start_time",
    "end_time",
    "source",
    "source_incident_id",
    "details_url",
    "description",
    "level",
    "ticket_url",
    "tags",
    "stateful",
    "open",
    "acked",
}
REPORT = {"start_time": "2024-03-01T12:00:00Z", "tags": [{"tag": "a=b"}]}


async def test_no_answer_holds_metadata(world, ask):
    """Older clients pass the keys of an incident on as arguments: one more and they crash, in the answer to PATCH too."""
    posted = await ask("nav", "POST", "incidents/", json=REPORT)
    answers = [
        posted.json(),
        (await ask("alice", "GET", "incidents/1/")).json(),
        (await ask("alice", "PATCH", "incidents/1/", json={"level": 2})).json(),
        (await ask("alice", "GET", "incidents/")).json()["results"][0],
        (await ask("nav", "GET", "incidents/mine/")).json()["results"][0],
        (await ask("alice", "GET", "incidents/open/")).json()[0],
        (await ask("alice", "GET", "incidents/open+unacked/")).json()[0],
        (await ask("alice", "POST", "notificationprofiles/filterpreview/", json={"tags": ["a=b"]})).json()[0],
    ]

    assert 201 == posted.status_code
    assert [KEYS] * len(answers) == [set(answer) for answer in answers]


async def test_metadata_is_unknown_when_an_incident_is_posted_but_may_be_changed(world, ask):
    await ask("nav", "POST", "incidents/", json={**REPORT, "metadata": {"a": 1}})
    dropped = (await world.ask("alice", "GET", "incidents/1/")).json()["metadata"]
    changed = await ask("nav", "PATCH", "incidents/1/", json={"metadata": {"a": 2}})
    kept = (await world.ask("alice", "GET", "incidents/1/")).json()["metadata"]

    assert ({}, 200, {"a": 2}) == (dropped, changed.status_code, kept)


async def test_both_versions_say_the_same_of_an_incident(world, ask):
    await world.incident(details_url="/x", tags=[{"tag": "a=b"}], end_time="2024-03-02", metadata={"a": 1})
    await world.ask("alice", "PATCH", "incidents/1/", json={"tags": [{"tag": "a=b"}, {"tag": "c=d"}]})
    world.later(days=3)
    old, new = (await ask("alice", "GET", "incidents/1/")).json(), (await world.ask("alice", "GET", "incidents/1/")).json()

    assert {key: value for key, value in new.items() if key != "metadata"} == old


async def test_lists_that_are_not_paged_lead_to_the_rest_of_them(world, ask):
    app = build_app(replace(world.services, unpaged_limit=2))
    for _ in range(5):
        world.later(minutes=1)
        await world.incident()
    await world.ask("alice", "POST", "incidents/5/acks/")

    seen = {}
    for path in ("open", "open+unacked"):
        answer = await ask("alice", "GET", f"incidents/{path}/", app)
        seen[path] = [incident["pk"] for incident in answer.json()]
        async with world.as_("alice", app) as client:
            page = (await client.get(answer.links["next"]["url"])).json()
            seen[path] += [incident["pk"] for incident in page["results"]]
            while page["next"]:
                page = (await client.get(page["next"])).json()
                seen[path] += [incident["pk"] for incident in page["results"]]
    whole = await ask("alice", "GET", "incidents/open/")

    assert {"open": [5, 4, 3, 2, 1], "open+unacked": [4, 3, 2, 1]} == seen
    assert (5, {}) == (len(whole.json()), whole.links)


async def test_incidents_can_be_counted(world, ask):
    await world.incident(level=1)
    await world.incident(level=5)
    answer = await ask("alice", "GET", "incidents/", params={"level__lte": "2", "count": "true"})

    assert {"count": 1, "params": {"level__lte": "2", "count": "true"}} == answer.json()


async def test_an_acknowledgement_has_an_event_of_its_own(world, ask):
    await world.incident()
    body = {"event": {"timestamp": "2024-03-01 12:30", "description": "seen", "type": "ACK"}, "expiration": "2024-03-02"}
    posted = await ask("alice", "POST", "incidents/1/acks/", json=body)

    ack = {
        "pk": 2,
        "event": {
            "pk": 2,
            "incident": 1,
            "actor": {"pk": world.pks["alice"], "username": "alice"},
            "timestamp": "2024-03-01T12:30:00+01:00",
            "received": "2024-03-01T13:00:00+01:00",
            "type": {"value": "ACK", "display": "Acknowledge"},
            "description": "seen",
        },
        "expiration": "2024-03-02T00:00:00+01:00",
    }
    assert (201, ack) == (posted.status_code, posted.json())
    assert [ack] == (await ask("nav", "GET", "incidents/1/acks/")).json()
    assert ack == (await ask("nav", "GET", "incidents/1/acks/2/")).json()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "2024-03-01T13:00:00+01:00"),
        ({"event": {}}, "2024-03-01T13:00:00+01:00"),
        ({"timestamp": "2024-03-01 12:30"}, "2024-03-01T13:00:00+01:00"),
        ({"event": None}, {"event": ["This field may not be null."]}),
        ({"event": "x"}, {"event": {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}}),
        ({"event": {"description": []}, "expiration": 5}, {"event": {"description": ["Not a valid string."]}, "expiration": None}),
    ],
)
async def test_when_and_why_are_read_from_the_event_alone(world, ask, body, expected):
    await world.incident()
    answer = await ask("alice", "POST", "incidents/1/acks/", json=body)

    if answer.status_code == 201:
        assert expected == answer.json()["event"]["timestamp"]
    else:
        assert (400, set(expected)) == (answer.status_code, set(answer.json()))
        assert {name: errors for name, errors in expected.items() if errors}.items() <= answer.json().items()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_the_expiration_can_be_moved_and_taken_away(world, ask, method):
    await world.incident()
    await ask("alice", "POST", "incidents/1/acks/", json={"event": {}})
    moved = await ask("bob", method, "incidents/1/acks/2/", json={"expiration": "2024-03-02T00:00:00Z"})
    removed = await ask("bob", method, "incidents/1/acks/2/", json={})

    assert [(200, "2024-03-02T01:00:00+01:00"), (200, None)] == [(a.status_code, a.json()["expiration"]) for a in (moved, removed)]


async def test_only_people_acknowledge(world, ask):
    await world.incident()
    answer = await ask("nav", "POST", "incidents/1/acks/", json={"event": {"timestamp": "2024-03-01T12:00:00Z"}})

    assert 403 == answer.status_code


async def test_events_and_tickets_and_tags_are_those_of_v2(world, ask):
    await world.incident(tags=[{"tag": "a=b"}])
    event = await ask("alice", "POST", "incidents/1/events/", json={"type": "CLO"})
    ticket = await ask("alice", "PUT", "incidents/1/ticket_url/", json={"ticket_url": "https://t.example.org/1"})
    tagged = await ask("alice", "POST", "incidents/1/tags/", json={"tag": "c=d"})
    removed = await ask("alice", "DELETE", "incidents/1/tags/c=d/")
    foreign = await ask("alice", "DELETE", "incidents/1/tags/a=b/")
    missing = await ask("alice", "GET", "incidents/1/tags/c=d/")
    events = (await ask("alice", "GET", "incidents/1/events/")).json()

    assert (201, {"value": "CLO", "display": "Close"}) == (event.status_code, event.json()["type"])
    assert {"ticket_url": "https://t.example.org/1"} == ticket.json()
    assert [201, 204, 400, 404] == [answer.status_code for answer in (tagged, removed, foreign, missing)]
    assert events == (await world.ask("alice", "GET", "incidents/1/events/")).json()
    assert events[0] == (await ask("alice", "GET", f"incidents/1/events/{events[0]['pk']}/")).json()
    assert [{"tag": "a=b"}] == (await ask("alice", "GET", "incidents/1/tags/")).json()


async def test_sources_are_listed_plainly_and_as_metadata(world, ask):
    sources = (await ask("alice", "GET", "incidents/sources/")).json()
    pk = world.sources["nav"].id
    nav = {"pk": pk, "name": "nav", "type": {"name": "nav"}, "user": world.pks["nav"], "base_url": "https://nav.example.org/"}

    assert (nav, 2) == (sources[0], len(sources))
    assert {"sourceSystems": sources} == (await ask("nav", "GET", "incidents/metadata/")).json()
    assert nav == (await ask("alice", "GET", f"incidents/sources/{pk}/")).json()
    assert 404 == (await ask("alice", "GET", "incidents/sources/987654321/")).status_code


@pytest.mark.parametrize(
    "path",
    ["incidents/acks/bulk/", "incidents/events/bulk/", "incidents/ticket_url/bulk/", "auth/refresh-token/", "incidents/sources/heartbeat/"],
)
async def test_what_came_later_is_not_in_it(world, ask, path):
    assert 404 == (await ask("alice", "POST", path, json={})).status_code
