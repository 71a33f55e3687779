import json
from dataclasses import replace
from datetime import time, timedelta

import pytest

from adapters.http import build_app
from argus_core.domain.filters import IsOpen
from argus_core.domain.incidents import EventType
from argus_core.domain.timeslots import Recurrence

pytestmark = pytest.mark.anyio

NUMBER, OTHER = "+4790909090", "+4767676767"
AT = "notificationprofiles/"
SLOTS, FILTERS, PREVIEW = f"{AT}timeslots/", f"{AT}filters/", f"{AT}filterpreview/"
NOTHING = {"open": None, "acked": None, "stateful": None, "maxlevel": None}

QUARTER = timedelta(minutes=15)


def body_of(shown):
    """What to send to leave a profile as it is shown."""
    number = shown["phone_number"]
    return {
        "timeslot": shown["timeslot"]["pk"],
        "filters": [filter_["pk"] for filter_ in shown["filters"]],
        "media": shown["media"],
        "active": shown["active"],
        "phone_number": number and number["pk"],
    }


async def destinations(world, profile):
    own = await world.profiles.belongings(world.pks["alice"])
    return own.profile(profile["pk"]).destination_ids


async def test_a_profile_shows_what_it_consists_of(world, ask, make, profile):
    number = await make("alice", "auth/phone-number/", phone_number=NUMBER)
    shown = await profile(media=["SM", "EM"], phone_number=number["pk"])

    assert {
        "pk": shown["pk"],
        "timeslot": {"pk": shown["timeslot"]["pk"], "name": "slot", "time_recurrences": []},
        "filters": [
            {
                "pk": shown["filters"][0]["pk"],
                "name": "filter",
                "filter_string": '{"sourceSystemIds": [], "tags": ["a=b"]}',
                "filter": {**NOTHING, "tags": ["a=b"]},
            }
        ],
        "media": ["EM", "SM"],
        "active": True,
        "phone_number": number,
    } == shown
    assert shown == (await ask("alice", "GET", f"{AT}{shown['pk']}/")).json()
    assert [shown] == (await ask("alice", "GET", AT)).json()


@pytest.mark.parametrize(
    ("who", "more", "expected"),
    [
        ("alice", {}, ["EM"]),
        ("alice", {"media": []}, []),
        ("alice", {"media": ["EM", "EM"]}, ["EM"]),
        ("alice", {"media": ["SM"], "phone_number": "own"}, ["SM"]),
        ("alice", {"media": ["EM"], "phone_number": "own"}, ["EM"]),
        ("alice", {"media": ["SM"]}, "phone_number"),
        ("alice", {"media": ["SM"], "phone_number": None}, "phone_number"),
        ("alice", {"media": ["SM"], "phone_number": 987654321}, "phone_number"),
        ("alice", {"media": ["SM"], "phone_number": "x"}, "phone_number"),
        ("alice", {"media": ["sms"]}, "media"),
        ("alice", {"media": [["EM"]]}, "media"),
        ("alice", {"media": "EM"}, "media"),
        ("alice", {"media": None}, "media"),
        ("bob", {}, "media"),
        ("bob", {"media": []}, []),
        ("bob", {"media": ["SM"], "phone_number": "own"}, "phone_number"),
    ],
)
async def test_media_are_the_own_address_and_one_own_number(ask, make, who, more, expected):
    number = await make("alice", "auth/phone-number/", phone_number=NUMBER)
    slot = await make(who, SLOTS, name="s", time_recurrences=[])
    filter_ = await make(who, FILTERS, name="f", filter={})
    given = {name: number["pk"] if value == "own" else value for name, value in more.items()}
    answer = await ask(who, "POST", AT, json={"timeslot": slot["pk"], "filters": [filter_["pk"]], **given})

    if isinstance(expected, str):
        assert (400, [expected]) == (answer.status_code, list(answer.json()))
    else:
        assert (201, expected) == (answer.status_code, answer.json()["media"])
        assert (number if "SM" in expected else None) == answer.json()["phone_number"]


async def test_what_v1_cannot_say_of_a_profile_is_kept(world, ask, make, profile):
    """Whoever sends back what was shown changes nothing; whoever changes media changes the own address and the phone numbers only."""
    alice = world.actor("alice")
    first, second = [(await make("alice", "auth/phone-number/", phone_number=number))["pk"] for number in (NUMBER, OTHER)]
    work = (await world.profiles.add_destination(alice, medium="email", settings={"email_address": "work@example.org"})).id
    own = (await world.profiles.belongings(alice.id)).destinations[0].id
    shown = await profile(media=[])
    await world.profiles.change_profile(
        alice,
        shown["pk"],
        lambda present, _: replace(present, name="Mine", destination_ids=(own, first, second, work), escalate_after=QUARTER),
    )
    shown = (await ask("alice", "GET", f"{AT}{shown['pk']}/")).json()
    assert (["EM", "SM"], first) == (shown["media"], shown["phone_number"]["pk"])

    async def after(method, **changes):
        answer = await ask("alice", method, f"{AT}{shown['pk']}/", json={**(body_of(shown) if method == "PUT" else {}), **changes})
        assert answer.status_code == 200, answer.text
        return await destinations(world, shown)

    everything = tuple(sorted((own, first, second, work)))
    assert everything == await after("PUT")
    assert everything == await after("PATCH", active=False)
    assert everything == await after("PUT", media=[])
    assert tuple(sorted((first, second, work))) == await after("PUT", media=["SM"])
    assert tuple(sorted((own, second, work))) == await after("PUT", phone_number=second)
    assert tuple(sorted((own, first, work))) == await after("PATCH", phone_number=first)
    assert tuple(sorted((own, work))) == await after("PUT", media=["EM"])
    kept = (await world.profiles.belongings(alice.id)).profile(shown["pk"])
    assert ("Mine", QUARTER) == (kept.name, kept.escalate_after)


async def test_a_whole_profile_needs_its_timeslot_and_filters_and_a_part_does_not(ask, profile):
    shown = await profile(active=False)
    whole = await ask("alice", "PUT", f"{AT}{shown['pk']}/", json={"active": True})
    active = await ask("alice", "PUT", f"{AT}{shown['pk']}/", json={key: body_of(shown)[key] for key in ("timeslot", "filters")})
    part = await ask("alice", "PATCH", f"{AT}{shown['pk']}/", json={"active": True})

    assert (400, {"timeslot", "filters"}) == (whole.status_code, set(whole.json()))
    assert (200, shown) == (active.status_code, active.json())
    assert (200, {**shown, "active": True}) == (part.status_code, part.json())


@pytest.mark.parametrize("field", ["timeslot", "filters"])
async def test_profiles_consist_of_what_their_owner_has(ask, make, profile, field):
    hers = body_of(await profile("alice"))
    slot = await make("bob", SLOTS, name="s", time_recurrences=[])
    filter_ = await make("bob", FILTERS, name="f", filter={})
    answer = await ask("bob", "POST", AT, json={"timeslot": slot["pk"], "filters": [filter_["pk"]], "media": [], field: hers[field]})

    assert (400, ["non_field_errors" if field == "timeslot" else "filters"]) == (answer.status_code, list(answer.json()))


async def test_a_profile_can_be_sent_as_a_form(ask, profile):
    shown = await profile(media=[])
    more = await profile(name="2", media=[])
    filters = [shown["filters"][0]["pk"], more["filters"][0]["pk"]]
    answer = await ask(
        "alice", "PUT", f"{AT}{shown['pk']}/", data={"timeslot": shown["timeslot"]["pk"], "filters": filters, "media": ["EM"]}
    )

    assert (200, filters, ["EM"]) == (answer.status_code, [filter_["pk"] for filter_ in answer.json()["filters"]], answer.json()["media"])


async def test_the_incidents_of_a_profile_are_those_all_its_filters_match(world, ask, make, profile):
    app = build_app(replace(world.services, unpaged_limit=1))
    for level in (1, 5, 1):
        world.later(minutes=1)
        await world.incident(tags=[{"tag": "a=b"}], level=level)
    bad = await make("alice", FILTERS, name="bad", filter={"maxlevel": 2})
    empty = await make("alice", FILTERS, name="empty", filter={"event_type": "STA"})
    shown = await profile(media=[], active=False)
    path = f"{AT}{shown['pk']}/"

    async def listed(filters, app=None):
        await ask("alice", "PATCH", path, json={"filters": [shown["filters"][0]["pk"], *filters]})
        answer = await ask("alice", "GET", f"{path}incidents/", app)
        return [incident["pk"] for incident in answer.json()], answer.links.get("next", {}).get("url")

    cut, link = await listed([bad["pk"]], app)
    async with world.as_("alice") as client:
        rest = [incident["pk"] for incident in (await client.get(link)).json()["results"]]

    assert [([3, 2, 1], None), ([3, 1], None), ([], None)] == [await listed(filters) for filters in ([], [bad["pk"]], [empty["pk"]])]
    assert ([3], [1]) == (cut, rest)


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_incidents_of_no_profile_of_ones_own_are_a_bad_request(ask, profile, who):
    shown = await profile(media=[])
    answer = await ask(who, "GET", f"{AT}{shown['pk'] if who == 'bob' else 987654321}/incidents/")

    assert (400, list) == (answer.status_code, type(answer.json()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, NOTHING),
        ({"filter": {"event_types": ["STA"], "junk": 1}}, NOTHING),
        ({"filter": {"event_type": "STA"}}, {**NOTHING, "event_type": "STA"}),
        ({"filter": {"event_type": None}}, NOTHING),
        (
            {"filter": {"open": "true", "maxlevel": "2", "sourceSystemIds": ["7"]}},
            {**NOTHING, "open": True, "maxlevel": 2, "sourceSystemIds": [7]},
        ),
        ({"filter_string": '{"sourceSystemIds": [7], "tags": ["abc"]}'}, {**NOTHING, "sourceSystemIds": [7], "tags": ["abc"]}),
        (
            {"filter": {"tags": [], "open": False}, "filter_string": '{"sourceSystemIds": [7], "tags": ["abc"]}'},
            {**NOTHING, "sourceSystemIds": [7], "tags": [], "open": False},
        ),
    ],
)
async def test_a_filter_is_completed_by_its_string(ask, make, body, expected):
    shown = await make("alice", FILTERS, name="f", **body)

    assert expected == shown["filter"]
    assert {name: expected.get(name, []) for name in ("sourceSystemIds", "tags")} == json.loads(shown["filter_string"])
    assert shown == (await ask("alice", "GET", f"{FILTERS}{shown['pk']}/")).json()
    assert [shown] == (await ask("alice", "GET", FILTERS)).json()


@pytest.mark.parametrize(
    "string",
    [
        None,
        "",
        5,
        [],
        "nonsense",
        "NaN",
        "[]",
        "null",
        "[" * 100_000,
        "{}",
        '{"tags": []}',
        '{"sourceSystemIds": []}',
        '{"sourceSystemIds": [], "tags": [], "open": true}',
        '{"sourceSystemIds": "x", "tags": []}',
        '{"sourceSystemIds": [null], "tags": ["a"]}',
        "1" * 5_000,
    ],
)
async def test_a_filter_string_holds_exactly_sources_and_tags(ask, string):
    answer = await ask("alice", "POST", FILTERS, json={"name": "f", "filter_string": string})

    assert (400, ["filter_string"]) == (answer.status_code, list(answer.json()))


async def test_what_v1_cannot_say_of_a_filter_is_kept(world, ask, make):
    alice = world.actor("alice")
    shown = await make("alice", FILTERS, name="f", filter={"open": True})
    more = {"event_types": (EventType.CLOSE,), "expression": IsOpen()}
    await world.profiles.change_filter(alice, shown["pk"], lambda present: replace(present, definition=replace(present.definition, **more)))
    path = f"{FILTERS}{shown['pk']}/"

    seen = (await ask("alice", "GET", path)).json()
    sent_back = await ask("alice", "PUT", path, json=seen)
    string_alone = await ask("alice", "PUT", path, json={"name": "g", "filter_string": '{"sourceSystemIds": [7], "tags": []}'})
    another = await ask("alice", "PATCH", path, json={"filter": {"maxlevel": 3, "event_types": ["STA"]}})
    nothing = await ask("alice", "PATCH", path, json={})
    definition = (await world.profiles.belongings(alice.id)).filter(shown["pk"]).definition

    assert seen == shown
    assert {**NOTHING, "open": True, "sourceSystemIds": [], "tags": []} == sent_back.json()["filter"]
    assert ("g", {**NOTHING, "open": True, "sourceSystemIds": [7], "tags": []}) == (
        string_alone.json()["name"],
        string_alone.json()["filter"],
    )
    assert {**NOTHING, "maxlevel": 3} == another.json()["filter"]
    assert another.json() == nothing.json()
    assert more == {"event_types": definition.event_types, "expression": definition.expression}


async def test_a_filter_in_use_cannot_be_deleted(ask, profile):
    shown = await profile(media=[])
    path = f"{FILTERS}{shown['filters'][0]['pk']}/"
    refused = await ask("alice", "DELETE", path)
    await ask("alice", "DELETE", f"{AT}{shown['pk']}/")

    assert (400, str) == (refused.status_code, type(refused.json()))
    assert [204, 404] == [(await ask("alice", "DELETE", path)).status_code for _ in range(2)]


@pytest.mark.parametrize(
    ("wanted", "pks"),
    [
        ({"tags": ["a=b"]}, [2, 1]),
        ({"tags": ["a=b", "a=c"], "maxlevel": 2}, [3, 1]),
        ({"tags": ["abc"]}, []),
        ({}, []),
        ({"open": None, "tags": [], "event_type": "STA", "event_types": ["END"], "junk": 1}, []),
        ({"event_types": ["XXX"]}, "event_types"),
        ({"event_type": "XXX"}, "event_type"),
        ({"tags": ["ab"]}, "tags"),
    ],
)
async def test_a_preview_lists_what_a_filter_says_of_incidents(world, ask, wanted, pks):
    for tag, level in (("a=b", 1), ("a=b", 5), ("a=c", 2)):
        world.later(minutes=1)
        await world.incident(tags=[{"tag": tag}], level=level)
    answer = await ask("bob", "POST", PREVIEW, json=wanted)

    if isinstance(pks, str):
        assert (400, [pks]) == (answer.status_code, list(answer.json()))
    else:
        assert (200, pks) == (answer.status_code, [incident["pk"] for incident in answer.json()])


async def test_a_preview_that_is_cut_leads_to_the_rest(world, ask):
    app = build_app(replace(world.services, unpaged_limit=1))
    for _ in range(3):
        world.later(minutes=1)
        await world.incident(tags=[{"tag": "a=b"}])
    answer = await ask("alice", "POST", PREVIEW, app, json={"tags": ["a=b"], "open": True})
    async with world.as_("alice") as client:
        rest = (await client.get(answer.links["next"]["url"])).json()["results"]

    assert [3, 2, 1] == [incident["pk"] for incident in (*answer.json(), *rest)]


async def test_a_timeslot_is_shown_as_it_was_meant(ask, make):
    given = [{"days": [5, 1, 5], "start": "8:00", "end": "16:30:00.5"}, {"days": [7], "all_day": True, "start": "junk"}]
    shown = await make("alice", SLOTS, name=" mine ", time_recurrences=given)

    assert {
        "pk": shown["pk"],
        "name": "mine",
        "time_recurrences": [
            {"days": [1, 5], "start": "08:00:00", "end": "16:30:00.500000"},
            {"days": [7], "start": "00:00:00", "end": "23:59:59.999999", "all_day": True},
        ],
    } == shown
    assert shown == (await ask("alice", "GET", f"{SLOTS}{shown['pk']}/")).json()
    assert ["All the time", "mine"] == [slot["name"] for slot in (await ask("alice", "GET", SLOTS)).json()]


async def test_what_v1_cannot_say_of_a_timeslot_is_kept(world, ask):
    """The zone, and that a recurrence ends on the next day, as long as that recurrence is still there."""
    night = Recurrence(days=frozenset({1, 2}), start=time(22), end=time(6), ends_next_day=True)
    slot = await world.profiles.add_timeslot(world.actor("alice"), name="nights", recurrences=(night,), zone="Asia/Tokyo")
    path = f"{SLOTS}{slot.id}/"
    shown = (await ask("alice", "GET", path)).json()

    async def kept(method, **changes):
        answer = await ask("alice", method, path, json={**(shown if method == "PUT" else {}), **changes})
        assert answer.status_code == 200, answer.text
        return (await world.profiles.belongings(world.pks["alice"])).timeslot(slot.id)

    day = {"days": [6], "start": "08:00", "end": "09:00"}
    assert {"days": [1, 2], "start": "22:00:00", "end": "06:00:00"} == shown["time_recurrences"][0]
    assert slot == await kept("PUT")
    assert replace(slot, name="n") == await kept("PATCH", name="n")
    changed = await kept("PUT", time_recurrences=[day, *shown["time_recurrences"]])
    assert ("Asia/Tokyo", [False, True]) == (changed.zone, [recurrence.ends_next_day for recurrence in changed.recurrences])
    refused = await ask("alice", "PUT", path, json={**shown, "time_recurrences": [{"days": [3], "start": "22:00", "end": "06:00"}]})
    assert (400, {"0": {"non_field_errors": ["'start' must be before 'end'."]}}) == (
        refused.status_code,
        refused.json()["time_recurrences"],
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "time_recurrences": "x"},
        {"name": "x", "time_recurrences": ["x"]},
        {"name": "x", "time_recurrences": [{"days": [8], "all_day": True}]},
        {"name": "x", "time_recurrences": [{"days": [1], "start": "24:00", "end": "08:00", "ends_next_day": True}]},
        {"name": "x", "time_recurrences": [{"days": [1], "start": "09:00", "end": "08:00", "ends_next_day": True}]},
    ],
)
async def test_what_is_no_recurrence_is_refused(ask, body):
    answer = await ask("alice", "POST", SLOTS, json=body)

    assert (400, ["time_recurrences"]) == (answer.status_code, list(answer.json()))


async def test_a_timeslot_takes_its_profiles_along(ask, profile):
    shown = await profile(media=[])
    removed = await ask("alice", "DELETE", f"{SLOTS}{shown['timeslot']['pk']}/")

    assert (204, 404) == (removed.status_code, (await ask("alice", "GET", f"{AT}{shown['pk']}/")).status_code)


@pytest.mark.parametrize("who", ["bob", "ada"])
async def test_nobody_else_sees_or_changes_what_somebody_owns(ask, profile, who):
    shown = await profile(media=[])
    mine = [f"{AT}{shown['pk']}/", f"{SLOTS}{shown['timeslot']['pk']}/", f"{FILTERS}{shown['filters'][0]['pk']}/"]
    asked = [await ask(who, method, path, json={}) for path in mine for method in ("GET", "PUT", "PATCH", "DELETE")]

    assert [404] * 12 == [answer.status_code if answer.status_code != 400 else answer.text for answer in asked]
    assert shown == (await ask("alice", "GET", mine[0])).json()


@pytest.mark.parametrize("name", [None, "", " ", "x" * 41, True, "a\0b"])
@pytest.mark.parametrize("path", [SLOTS, FILTERS])
async def test_names_are_short_and_visible(ask, path, name):
    answer = await ask("alice", "POST", path, json={"name": name, "time_recurrences": []})

    assert (400, ["name"]) == (answer.status_code, list(answer.json()))
