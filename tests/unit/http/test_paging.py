from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.http.errors import Refused
from adapters.http.paging import cursor, position
from argus_core.ports.incidents import Position

moments = st.datetimes(timezones=st.just(UTC))
ids = st.integers(0, 2**63 - 1)


@given(moments, ids, st.booleans())
def test_a_cursor_is_a_place(moment, incident_id, backwards):
    place = Position(moment, incident_id, backwards)

    assert place == position(cursor(place))


@given(st.text() | st.text("abcXYZ019-_="))
@example("null")
@example("garbage!")
@example("cD0yMDIw")
@example("_" * 23)
@example("æøå")
@example("cj0x")
def test_any_text_is_a_cursor_or_is_not_found(text):
    status = 404
    try:
        position(text)
    except Refused as error:
        status = error.status

    assert status == 404


def test_no_cursor_is_the_first_page():
    assert position("") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # "p=2020-09-23+13%3A02%3A16.455832%2B00%3A00", without and with "r=1&"
        ("cD0yMDIwLTA5LTIzKzEzJTNBMDIlM0ExNi40NTU4MzIlMkIwMCUzQTAw", Position(datetime(2020, 9, 23, 13, 2, 16, 455832, UTC), 0)),
        (
            "cj0xJnA9MjAyMC0wOS0yMysxMyUzQTAyJTNBMTYuNDU1ODMyJTJCMDAlM0EwMA==",
            Position(datetime(2020, 9, 23, 13, 2, 16, 455832, UTC), 2**63 - 1, backwards=True),
        ),
    ],
)
def test_cursors_of_another_argus_server_are_understood(text, expected):
    assert expected == position(text)


@pytest.mark.anyio
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(starts=st.lists(st.integers(0, 3), min_size=1, max_size=9), size=st.integers(1, 4))
async def test_pages_lead_through_everything_and_back(lasting_world, starts, size):
    mark = str(lasting_world.later(days=1) or lasting_world.now.timestamp())
    for start in starts:
        moment = (lasting_world.now + timedelta(seconds=start)).isoformat()
        await lasting_world.incident(start_time=moment, tags=[{"tag": f"run={mark}"}])
    url = f"http://argus.example.org/api/v2/incidents/?tags=run%3D{mark}&nonsense=%C3%A6&page_size={size}"

    async with lasting_world.as_("alice") as client:
        there, back = [], []
        while url:
            page = (await client.get(url)).json()
            there.append([incident["pk"] for incident in page["results"]])
            last, url = url, page["next"]
        while last:
            page = (await client.get(last)).json()
            back.append([incident["pk"] for incident in page["results"]])
            last = page["previous"]

    everything = [pk for page in there for pk in page]
    assert len(starts) == len(set(everything))
    assert everything == sorted(everything, key=lambda pk: (starts[pk - min(everything)], pk), reverse=True)
    assert there == back[::-1]
    assert all(len(page) == size for page in there[:-1])


@pytest.mark.anyio
async def test_links_keep_all_parameters(world):
    for _ in range(3):
        await world.incident(tags=[{"tag": "a=ø b&c"}])

    answer = await world.ask(
        "alice", "GET", "incidents/", params=[("tags", "a=ø b&c"), ("open", ""), ("page_size", "1"), ("x", "1"), ("x", "2")]
    )

    link = urlsplit(answer.json()["next"])
    assert ("http", "argus.example.org", "/api/v2/incidents/") == (link.scheme, link.netloc, link.path)
    kept = parse_qsl(link.query, keep_blank_values=True)
    assert [("tags", "a=ø b&c"), ("open", ""), ("page_size", "1"), ("x", "1"), ("x", "2")] == kept[:-1]
    assert kept[-1][0] == "cursor"


@pytest.mark.anyio
async def test_a_bad_cursor_is_not_found(world):
    answer = await world.ask("alice", "GET", "incidents/", params={"cursor": "null"})

    assert (404, {"detail": "Invalid cursor"}) == (answer.status_code, answer.json())
