import json
from datetime import timedelta

import pytest

pytestmark = pytest.mark.anyio

AT = "2024-03-01T12:00:00Z"


async def test_an_event_has_exactly_the_keys_that_clients_know(world):
    await world.incident()
    posted = await world.ask(
        "alice", "POST", "incidents/1/events/", json={"type": "CLO", "timestamp": "2024-03-01 14:00", "description": " why "}
    )

    event = {
        "pk": 2,
        "incident": 1,
        "actor": {"pk": world.pks["alice"], "username": "alice"},
        "timestamp": "2024-03-01T14:00:00+01:00",
        "received": "2024-03-01T13:00:00+01:00",
        "type": {"value": "CLO", "display": "Close"},
        "description": "why",
    }
    assert (201, event) == (posted.status_code, posted.json())
    assert event == (await world.ask("nav", "GET", "incidents/1/events/2/")).json()
    assert event == (await world.ask("nav", "GET", "incidents/1/events/")).json()[0]


@pytest.mark.parametrize(("who", "required"), [("alice", {"type"}), ("nav", {"type", "timestamp"})])
async def test_only_people_may_leave_the_timestamp_out(world, who, required):
    await world.incident()
    answer = await world.ask(who, "POST", "incidents/1/events/", json={})

    assert (400, required) == (answer.status_code, set(answer.json()))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "RES"},
        {"type": "oth"},
        {"type": ""},
        {"type": None},
        {"type": 5},
        {"type": ["OTH"]},
        {"type": {"value": "OTH"}},
        {"type": "end-reached"},
        {"type": "\ud800"},
    ],
)
async def test_types_are_known_by_their_codes(world, body):
    await world.incident()
    answer = await world.ask("alice", "POST", "incidents/1/events/", content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert (400, list) == (answer.status_code, type(answer.json()["type"]))


@pytest.mark.parametrize(
    ("who", "type_"), [("alice", "STA"), ("alice", "END"), ("alice", "ACK"), ("alice", "REO"), ("nav", "STA"), ("nav", "CLO")]
)
async def test_a_type_that_does_not_fit_is_refused_in_one_sentence(world, who, type_):
    await world.incident()
    answer = await world.ask(who, "POST", "incidents/1/events/", json={"type": type_, "timestamp": AT})

    assert (400, str) == (answer.status_code, type(answer.json()["type"]))


async def test_the_actor_is_whoever_asks(world):
    await world.incident()
    claimed = {"type": "OTH", "pk": 5, "incident": 9, "received": "x", "junk": True, "actor": {"pk": 1, "username": "bob"}}
    taken = await world.ask("alice", "POST", "incidents/1/events/", json=claimed)
    refused = await world.ask("alice", "POST", "incidents/1/events/", json={**claimed, "actor": "bob"})

    assert "alice" == taken.json()["actor"]["username"]
    assert (400, {"actor": {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}}) == (
        refused.status_code,
        refused.json(),
    )


async def test_the_body_is_looked_at_before_the_incident(world):
    bad, good = [await world.ask("alice", "POST", "incidents/987654321/events/", json={"type": type_}) for type_ in ("nope", "OTH")]

    assert [400, 404] == [bad.status_code, good.status_code]


async def test_an_acknowledgement_is_flat_on_the_way_in_and_nested_on_the_way_out(world):
    await world.incident()
    body = {"timestamp": "2024-03-01 12:30", "description": "seen", "expiration": "2024-03-02", "event": {"timestamp": "ignored"}}
    posted = await world.ask("alice", "POST", "incidents/1/acks/", json=body)

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
    assert ack == (await world.ask("nav", "GET", "incidents/1/acks/2/")).json()
    assert [ack] == (await world.ask("nav", "GET", "incidents/1/acks/")).json()
    assert (await world.ask("nav", "GET", "incidents/1/")).json()["acked"]


async def test_an_acknowledgement_needs_nothing(world):
    await world.incident()
    answer = await world.ask("alice", "POST", "incidents/1/acks/")

    assert (201, None, "2024-03-01T13:00:00+01:00") == (
        answer.status_code,
        answer.json()["expiration"],
        answer.json()["event"]["timestamp"],
    )


async def test_an_acknowledgement_ends_with_what_it_was_made_until(world):
    """
    Alone and in bulk; answers show its end when that has come, and nothing new.
    """
    await world.incident(level=3)
    single = await world.ask("alice", "POST", "incidents/1/acks/", json={"until": "level-rises", "description": "a"})
    body = {"ids": [1], "ack": {"until": "resolved", "description": "b"}}
    bulk = await world.ask("alice", "POST", "incidents/acks/bulk/", json=body)
    wrong = await world.ask("alice", "POST", "incidents/1/acks/", json={"until": "later"})
    assert ([201, 201], 400, {"until": ['"later" is not a valid choice.']}) == (
        [single.status_code, bulk.status_code],
        wrong.status_code,
        wrong.json(),
    )
    assert {"pk", "event", "expiration"} == set(single.json())

    async def ends():
        return {ack["event"]["description"]: ack["expiration"] for ack in (await world.ask("nav", "GET", "incidents/1/acks/")).json()}

    assert {"a": None, "b": None} == await ends()
    await world.ask("alice", "PATCH", "incidents/1/", json={"level": 2})
    assert {"a": "2024-03-01T13:00:00+01:00", "b": None} == await ends()
    await world.ask("alice", "POST", "incidents/1/events/", json={"type": "CLO"})
    assert None not in (await ends()).values()
    assert not (await world.ask("nav", "GET", "incidents/1/")).json()["acked"]


async def test_only_people_acknowledge(world):
    await world.incident()
    await world.ask("alice", "POST", "incidents/1/acks/")
    asked = [
        await world.ask("nav", "POST", "incidents/1/acks/", json={"timestamp": AT}),
        await world.ask("nav", "PUT", "incidents/1/acks/2/", json={}),
        await world.ask("nav", "POST", "incidents/acks/bulk/", json={"ids": [1], "ack": {}}),
    ]

    assert [(403, ["detail"])] * 3 == [(answer.status_code, list(answer.json())) for answer in asked]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_the_expiration_can_be_moved_until_it_is_reached(world, method):
    await world.incident()
    await world.ask("alice", "POST", "incidents/1/acks/")

    async def move(**body):
        answer = await world.ask("bob", method, "incidents/1/acks/2/", json=body)
        return answer.status_code, answer.json()

    soon = (world.now + timedelta(hours=1)).isoformat()
    moved, removed, past, junk, again = (
        await move(expiration=soon),
        await move(),
        await move(expiration="2013-11-13 12:00:00"),
        await move(expiration="sometime"),
        await move(expiration=soon),
    )
    world.later(hours=2)
    too_late = await move(expiration=(world.now + timedelta(hours=1)).isoformat())

    assert [(200, "2024-03-01T14:00:00+01:00"), (200, None)] == [(status, body["expiration"]) for status, body in (moved, removed)]
    assert [(400, ["expiration"])] * 2 == [(status, list(body)) for status, body in (past, junk)]
    assert 200 == again[0]
    assert (400, list) == (too_late[0], type(too_late[1]))


@pytest.mark.parametrize("expiration", ["2024-03-01T12:00:00Z", "2024-03-01T11:00:00Z"])
async def test_an_acknowledgement_expires_after_it_is_made(world, expiration):
    await world.incident()
    answer = await world.ask("alice", "POST", "incidents/1/acks/", json={"timestamp": AT, "expiration": expiration})

    assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))
