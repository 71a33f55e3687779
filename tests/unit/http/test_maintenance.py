"""Planned maintenance in API v2."""

from datetime import timedelta

import pytest

from argus_core.usecases.dispatch import Dispatcher

pytestmark = pytest.mark.anyio

HERE = "plannedmaintenance"


@pytest.fixture
def ask(world):
    async def ask(method, path="", status=200, who="ada", **body):
        answer = await world.ask(who, method, f"{HERE}/{path}", **({"json": body} if method in ("POST", "PATCH") else {}))
        assert status == answer.status_code, answer.text
        return answer.json() if answer.content else None

    return ask


@pytest.fixture
async def filter_(world):
    return (await world.ask("ada", "POST", "notificationprofiles/filters/", json={"name": "a", "filter": {"tags": ["host=a"]}})).json()


async def test_it_is_shown_as_it_was_planned(world, ask, filter_):
    start, end = world.now + timedelta(hours=1), world.now + timedelta(hours=2)

    made = await ask(
        "POST", status=201, start_time=start.isoformat(), end_time=end.isoformat(), description="Switch", filters=[filter_["pk"]]
    )

    assert {
        "pk": made["pk"],
        "created_by": world.pks["ada"],
        "created": "2024-03-01T13:00:00+01:00",
        "start_time": "2024-03-01T14:00:00+01:00",
        "end_time": "2024-03-01T15:00:00+01:00",
        "description": "Switch",
        "filters": [filter_],
        "phase": "future",
        "running": False,
    } == made
    assert [made] == await ask("GET", who="nav")
    assert made == await ask("GET", f"{made['pk']}/", who="alice")


async def test_what_it_may_have_besides_is_shown_where_it_was_given(ask, filter_):
    recurrences = [
        {"days": [7], "start": "22:00:00", "end": "04:00:00", "ends_next_day": True, "weeks": [-1, 1]},
        {"days": [3], "all_day": True},
    ]

    made = await ask(
        "POST", status=201, start_time="2024-03-01", filters=[filter_["pk"]], time_recurrences=recurrences, zone="Asia/Kathmandu"
    )

    assert ("infinity", "Asia/Kathmandu", "current", False) == (made["end_time"], made["zone"], made["phase"], made["running"])
    night, whole = made["time_recurrences"]
    assert recurrences[0] == night
    assert {"days": [3], "start": "00:00:00", "end": "23:59:59.999999", "all_day": True} == whole


async def test_parts_of_it_may_change_until_it_is_over(world, ask, filter_):
    made = await ask(
        "POST", status=201, start_time=world.now.isoformat(), filters=[filter_["pk"]], time_recurrences=[{"days": [1], "all_day": 1}]
    )
    path = f"{made['pk']}/"

    changed = await ask("PATCH", path, description="longer", time_recurrences=[], zone=None, end_time="2024-03-02")
    same = await ask("PATCH", path)
    end = await ask("PATCH", path, filters=[], status=400)
    world.later(days=2)
    over = await ask("PATCH", path, status=400, description="no")

    assert changed == same
    assert ("longer", "2024-03-02T00:00:00+01:00", True) == (changed["description"], changed["end_time"], changed["running"])
    assert {"filters": ["This list may not be empty."]} == end
    assert ["This planned maintenance is over and stays as it was."] == over
    assert over == await ask("DELETE", path, status=400)


async def test_filters_are_copied_when_they_are_chosen(world, ask, filter_):
    made = await ask("POST", status=201, start_time=world.now.isoformat(), filters=[filter_["pk"]])
    other = {"name": "b", "filter": {"maxlevel": 1}}
    await world.ask("ada", "PUT", f"notificationprofiles/filters/{filter_['pk']}/", json=other)

    before = await ask("GET", f"{made['pk']}/")
    after = await ask("PATCH", f"{made['pk']}/", filters=[filter_["pk"]])

    assert ("a", "b") == (before["filters"][0]["name"], after["filters"][0]["name"])


async def test_what_has_begun_ends_when_it_is_called_off_and_the_rest_is_gone(world, ask, filter_):
    running = await ask("POST", status=201, start_time="2024-03-01", filters=[filter_["pk"]])
    later = await ask("POST", status=201, start_time="2024-03-03", filters=[filter_["pk"]])
    world.later(hours=1)

    for one in (running, later):
        await ask("DELETE", f"{one['pk']}/", status=204)

    (left,) = await ask("GET")
    assert ("past", "2024-03-01T14:00:00+01:00") == (left["phase"], left["end_time"])
    await ask("GET", f"{later['pk']}/", status=404)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({}, {"start_time": ["This field is required."], "filters": ["This field is required."]}),
        ({"start_time": "2024-03-01", "filters": [99]}, {"filters": ['Invalid pk "99" - object does not exist.']}),
        ({"start_time": "2024-03-01", "filters": []}, {"filters": ["This list may not be empty."]}),
        (
            {"start_time": "2024-03-01", "filters": [], "time_recurrences": [{"days": [1], "all_day": True, "weeks": [0]}]},
            {"time_recurrences": {"0": {"weeks": {"0": ['"0" is not a valid choice.']}}}},
        ),
    ],
)
async def test_what_is_wrong_is_named(ask, wrong, errors):
    assert errors == await ask("POST", status=400, **wrong)


async def test_a_preview_lists_what_its_filters_match(world, ask, filter_):
    made = await ask("POST", status=201, start_time=world.now.isoformat(), filters=[filter_["pk"]])
    affected = await world.incident(tags=[{"tag": "host=a"}])
    await world.incident(tags=[{"tag": "host=b"}])

    assert [affected["pk"]] == [incident["pk"] for incident in await ask("GET", f"{made['pk']}/preview/", who="alice")]


async def test_notifications_tell_what_kept_them_back(world, ask, filter_):
    slot = (await world.ask("alice", "GET", "notificationprofiles/timeslots/")).json()[0]
    mail = (await world.ask("alice", "GET", "notificationprofiles/destinations/")).json()[0]
    mine = (await world.ask("alice", "POST", "notificationprofiles/filters/", json={"name": "a", "filter": {"maxlevel": 5}})).json()
    body = {"timeslot": slot["pk"], "filters": [mine["pk"]], "destinations": [mail["pk"]]}
    profile = (await world.ask("alice", "POST", "notificationprofiles/", json=body)).json()
    made = await ask("POST", status=201, start_time=world.now.isoformat(), filters=[filter_["pk"]], description="Switch")
    incident = await world.incident(tags=[{"tag": "host=a"}])
    await world.incident(tags=[{"tag": "host=b"}])
    await Dispatcher(world.outbox, world.profile_store, world.media).decide(10)
    world.later(minutes=1)
    await ask("DELETE", f"{made['pk']}/", status=204)
    world.later(minutes=1)
    title = f'Planned maintenance {made["pk"]} "Switch"'

    rounded_up = await world.services.maintenance.round_up()
    (kept,) = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/notifications/")).json()
    (event,) = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/")).json()
    explained = (await world.ask("alice", "GET", f"incidents/{incident['pk']}/events/{event['pk']}/explain/")).json()
    dry = (await world.ask("alice", "GET", f"notificationprofiles/{profile['pk']}/dryrun/")).json()

    assert 1 == rounded_up
    assert ("suppressed", made["pk"], f"{title} keeps it back.") == (kept["status"], kept["maintenance"], kept["reason"])
    assert {"pk": made["pk"], "name": title} == explained["maintenance"]
    assert (1, 1) == (len(dry["events"]), dry["kept_back"])
    (roundup, *_) = await world.outbox.listed(owner=world.pks["alice"])
    assert (kept["merged_into"], f"{title} is over") == (roundup.id, roundup.title)
