"""Whatever is sent to API v1, the answer is one of those it describes."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio

PROFILES = "notificationprofiles/"
PATHS = [
    ("POST", "token-auth/"),
    ("POST", "auth/logout/"),
    ("POST", "incidents/"),
    ("PATCH", "incidents/1/"),
    ("PUT", "incidents/1/ticket_url/"),
    ("POST", "incidents/1/events/"),
    ("POST", "incidents/1/acks/"),
    ("PUT", "incidents/1/acks/2/"),
    ("POST", "incidents/1/tags/"),
    ("POST", "auth/phone-number/"),
    ("PUT", "auth/phone-number/{phone}/"),
    ("POST", PROFILES),
    ("PUT", PROFILES + "{profile}/"),
    ("PATCH", PROFILES + "{profile}/"),
    ("POST", PROFILES + "timeslots/"),
    ("PATCH", PROFILES + "timeslots/{timeslot}/"),
    ("POST", PROFILES + "filters/"),
    ("PUT", PROFILES + "filters/{filter}/"),
    ("PATCH", PROFILES + "filters/{filter}/"),
    ("POST", PROFILES + "filterpreview/"),
]
texts = st.text() | st.sampled_from(["", "EM", "SM", "a=b", "08:00", "24:00", "2024-03-01", "STA", "true", "\x00", "\ud800", "+4790909090"])
leaves = st.none() | st.booleans() | st.integers() | st.integers(0, 12) | st.floats() | texts
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
definitions = st.dictionaries(
    st.sampled_from(["sourceSystemIds", "tags", "open", "acked", "stateful", "maxlevel", "event_type", "event_types"]),
    st.lists(leaves, max_size=3) | anything,
)
recurrences = st.lists(
    st.dictionaries(st.sampled_from(["days", "start", "end", "all_day"]), st.lists(st.integers(0, 8)) | leaves), max_size=2
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "name": texts | anything,
        "filter": definitions | anything,
        "filter_string": definitions.map(json.dumps) | anything,
        "time_recurrences": recurrences | anything,
        "timeslot": anything,
        "filters": st.lists(leaves, max_size=2) | anything,
        "media": st.lists(st.sampled_from(["EM", "SM"]) | leaves, max_size=2) | anything,
        "phone_number": anything,
        "active": anything,
        "event": st.dictionaries(st.sampled_from(["timestamp", "description"]), leaves) | anything,
        "expiration": anything,
        "type": anything,
        "tags": anything,
    },
)


@pytest.fixture(scope="module")
def pks(lasting_world):
    """What alice owns, by kind."""
    return {}


async def filled(world, pks):
    """The pks of one thing of each kind, made at the first time."""
    if not pks:
        client = world.as_("alice")
        for kind, path, body in (
            ("phone", "auth/phone-number/", {"phone_number": "+4767676767"}),
            ("timeslot", PROFILES + "timeslots/", {"name": "one", "time_recurrences": []}),
            ("filter", PROFILES + "filters/", {"name": "one"}),
        ):
            pks[kind] = (await client.post(f"/api/v1/{path}", json=body)).json()["pk"]
        body = {"timeslot": pks["timeslot"], "filters": [pks["filter"]]}
        pks["profile"] = (await client.post(f"/api/v1/{PROFILES}", json=body)).json()["pk"]
        await client.aclose()
    return pks


@given(where=st.sampled_from(PATHS), body=bodies | definitions | anything)
@example(where=("POST", PROFILES + "filters/"), body={"name": "x", "filter_string": "1" * 5_000})
@example(where=("POST", PROFILES), body={"timeslot": 2**70, "filters": [2**70], "phone_number": -1, "media": []})
@example(where=("POST", PROFILES + "filters/"), body={"name": "x", "filter": {"sourceSystemIds": [2**63], "tags": ["\ud800\ud800\ud800"]}})
async def test_no_json_causes_an_error_of_the_server(lasting_world, pks, where, body):
    method, path = where
    path = path.format(**await filled(lasting_world, pks))
    async with lasting_world.as_("alice", **{"Content-Type": "application/json"}) as client:
        answer = await client.request(method, f"/api/v1/{path}", content=json.dumps(body))

    assert answer.status_code < 500, answer.text


@given(where=st.sampled_from(PATHS), fields=st.dictionaries(st.sampled_from(["name", "filters", "media", "filter", "timeslot"]), st.text()))
async def test_no_form_causes_an_error_of_the_server(lasting_world, pks, where, fields):
    method, path = where
    path = path.format(**await filled(lasting_world, pks))
    async with lasting_world.as_("alice") as client:
        answer = await client.request(method, f"/api/v1/{path}", data=fields)

    assert answer.status_code < 500, answer.text
