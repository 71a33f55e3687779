import pytest

pytestmark = pytest.mark.anyio

KINDS = [("acks", {"ack": {}}), ("events", {"event": {"type": "OTH"}}), ("ticket_url", {"ticket_url": "https://t.example.org/1"})]


@pytest.mark.parametrize(("kind", "what"), KINDS)
async def test_each_incident_has_its_own_status(world, kind, what):
    pks = [(await world.incident())["pk"] for _ in range(2)]
    unknown = [987654321, 0, -1, 2**70]
    answer = await world.ask("alice", "POST", f"incidents/{kind}/bulk/", json={"ids": [*pks, str(pks[0]), *unknown], **what})

    changes = answer.json()["changes"]
    assert 201 == answer.status_code
    assert {str(pk) for pk in (*pks, *unknown)} == set(changes)
    assert [(201, None)] * 2 == [(changes[str(pk)]["status"], changes[str(pk)]["errors"]) for pk in pks]
    for pk in unknown:
        entry = changes[str(pk)]
        assert (400, {"ids": f"Incident with id {pk} could not be found."}) == (entry["status"], entry["errors"])
        assert [None, 400] == list(entry.values())[:2]


@pytest.mark.parametrize(("kind", "what"), KINDS)
async def test_only_when_nothing_went_through_the_whole_is_refused(world, kind, what):
    answer = await world.ask("alice", "POST", f"incidents/{kind}/bulk/", json={"ids": [987654321, 2**70], **what})

    assert (400, ["changes"]) == (answer.status_code, list(answer.json()))


@pytest.mark.parametrize(("kind", "what"), KINDS)
@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([], ["This list may not be empty."]),
        ("x", ['Expected a list of items but got type "str".']),
        (["x", 1, True, 1.5], {place: ["A valid integer is required."] for place in "023"}),
        ([None], {"0": ["This field may not be null."]}),
        (None, ["This field may not be null."]),
    ],
)
async def test_ids_are_a_list_of_numbers(world, kind, what, ids, said):
    answer = await world.ask("alice", "POST", f"incidents/{kind}/bulk/", json={"ids": ids, **what})

    assert (400, {"ids": said}) == (answer.status_code, answer.json())


async def test_the_rules_of_single_events_hold_for_each(world):
    pks = [(await world.incident())["pk"] for _ in range(2)]
    await world.ask("alice", "POST", f"incidents/{pks[1]}/events/", json={"type": "CLO"})

    answer = await world.ask("alice", "POST", "incidents/events/bulk/", json={"ids": pks, "event": {"type": "CLO"}})

    changes = answer.json()["changes"]
    assert 201 == answer.status_code
    assert {"event": None, "status": 400, "errors": {"type": "The incident is already closed."}} == changes[str(pks[1])]
    assert "CLO" == changes[str(pks[0])]["event"]["type"]["value"]


async def test_an_ack_that_ends_before_it_begins_is_refused_for_each(world):
    pk = (await world.incident())["pk"]
    ack = {"timestamp": "2024-03-01T12:00:00Z", "expiration": "2024-03-01T11:00:00Z"}
    answer = await world.ask("alice", "POST", "incidents/acks/bulk/", json={"ids": [pk], "ack": ack})

    assert 400 == answer.status_code
    assert ["non_field_errors"] == list(answer.json()["changes"][str(pk)]["errors"])


@pytest.mark.parametrize(
    ("kind", "what", "wrong"),
    [
        ("events", {}, {"event": ["This field is required."]}),
        ("events", {"event": 1}, {"event": {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}}),
        ("events", {"event": {}}, {"event": {"type": ["This field is required."]}}),
        ("events", {"event": None}, {"event": ["This field may not be null."]}),
        ("acks", {}, {"ack": ["This field is required."]}),
        ("acks", {"ack": {"description": None}}, {"ack": {"description": ["This field may not be null."]}}),
        ("ticket_url", {}, {"ticket_url": ["This field is required."]}),
        ("ticket_url", {"ticket_url": "nope"}, {"ticket_url": ["Enter a valid URL."]}),
    ],
)
async def test_what_is_wrong_inside_is_told_where_it_is(world, kind, what, wrong):
    answer = await world.ask("alice", "POST", f"incidents/{kind}/bulk/", json={"ids": [1], **what})

    assert (400, wrong) == (answer.status_code, answer.json())


async def test_sources_have_to_tell_the_time_in_bulk_too(world):
    answer = await world.ask("nav", "POST", "incidents/events/bulk/", json={"ids": [1], "event": {"type": "OTH"}})

    assert (400, {"event": {"timestamp": ["This field is required."]}}) == (answer.status_code, answer.json())


async def test_the_same_ack_twice_is_two_acks(world):
    pk = (await world.incident())["pk"]
    body = {"ids": [pk], "ack": {"timestamp": "2024-03-01T12:00:00Z", "event": {"junk": 1}}}

    assert [201, 201] == [(await world.ask("alice", "POST", "incidents/acks/bulk/", json=body)).status_code for _ in range(2)]


async def test_more_than_a_thousand_at_once(world):
    pk = (await world.incident())["pk"]
    answer = await world.ask("alice", "POST", "incidents/ticket_url/bulk/", json={"ids": [*range(pk, pk + 3_000)], "ticket_url": ""})

    assert (201, 3_000) == (answer.status_code, len(answer.json()["changes"]))
