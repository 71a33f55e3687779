import json
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.http import bodies as bodies_module
from adapters.http.bodies import BODY_BYTES, LARGE, MOST_LARGE_EACH
from adapters.http.errors import Refused
from adapters.http.fields import Form
from adapters.http.v2.inputs import Inputs
from argus_core.domain.errors import Invalid

READ = Inputs(ZoneInfo("Europe/Oslo"))
AT = "2024-03-01T12:00:00Z"
GOOD = {"start_time": AT, "tags": []}
JSON = {"Content-Type": "application/json"}

texts = st.text() | st.sampled_from(["", " ", "infinity", AT, "2024-03-01", "a=b", "https://x.example.org/", "3", "OTH", "\x00", "\ud800"])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
tags = st.lists(st.fixed_dictionaries({"tag": texts | leaves}) | anything, max_size=3) | anything
reports = st.fixed_dictionaries(
    {},
    optional={
        "start_time": st.just(AT) | texts | anything,
        "end_time": st.sampled_from([None, "infinity", "2024-03-02", "-infinity"]) | anything,
        "tags": st.just([{"tag": "a=b"}]) | tags,
        "source": st.none() | st.integers() | anything,
        "source_incident_id": texts | st.integers() | anything,
        "details_url": texts | anything,
        "description": texts | anything,
        "level": st.integers(0, 6) | st.sampled_from(["1", "5"]) | anything,
        "ticket_url": texts | anything,
        "metadata": anything,
    },
)
PATHS = [
    ("POST", "token-auth/"),
    ("POST", "auth/token/login/"),
    ("POST", "incidents/"),
    ("POST", "incidents/mine/"),
    ("PATCH", "incidents/1/"),
    ("PUT", "incidents/1/ticket_url/"),
    ("PUT", "incidents/1/automatic-ticket/"),
    ("POST", "incidents/1/events/"),
    ("POST", "incidents/1/acks/"),
    ("PUT", "incidents/1/acks/2/"),
    ("PATCH", "incidents/1/acks/2/"),
    ("POST", "incidents/1/tags/"),
    ("POST", "incidents/acks/bulk/"),
    ("POST", "incidents/events/bulk/"),
    ("POST", "incidents/ticket_url/bulk/"),
]
FIELDS = [
    *("username", "password", "type", "timestamp", "description", "expiration", "ids", "event", "ack", "actor", "source"),
    *("ticket_url", "tag", "tags", "level", "metadata", "details_url"),
]
bodies = anything | st.dictionaries(
    st.sampled_from(FIELDS) | texts,
    anything | texts | st.lists(st.integers() | texts, max_size=3),
    max_size=5,
)


def outcome(read):
    try:
        return read()
    except (Refused, Invalid) as refused:
        return type(refused)


@given(reports)
@example({**GOOD, "tags": [{"tag": "a=b"}] * 257})
@example({**GOOD, "source": 2**70})
@example({**GOOD, "metadata": [10**400]})
def test_the_short_way_reads_what_the_long_way_reads(report):
    body = json.dumps(report).encode()
    short = outcome(lambda: READ.well_formed_incident(body))

    if short is not None:
        assert short == outcome(lambda: READ.any_incident(json.loads(body)))


@pytest.mark.anyio
@given(who=st.sampled_from(["alice", "nav", "ada"]), where=st.sampled_from(PATHS), body=bodies | reports)
async def test_no_json_causes_an_error_of_the_server(lasting_world, who, where, body):
    answer = await lasting_world.ask(who, *where, content=json.dumps(body), headers=JSON)

    assert answer.status_code < 500, answer.text
    assert answer.status_code == 204 or answer.json() is not None


@pytest.mark.anyio
@given(
    where=st.sampled_from(PATHS),
    body=st.binary() | st.sampled_from([b"[" * 10_000 + b"]" * 10_000, b"{" * 10_000, b"1" * 5_000, b"\xef\xbb\xbf{}", b'{"a":1e999}']),
    type_=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"]
    ),
)
@example(
    where=("POST", "incidents/1/tags/"),
    body=b'--x\r\nContent-Disposition: form-data; name="tag"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\na=b\r\n--x--\r\n',
    type_="multipart/form-data; boundary=x",
)
@example(where=("POST", "incidents/1/tags/"), body=b"x", type_='multipart/form-data; boundary=""')
async def test_no_bytes_cause_an_error_of_the_server(lasting_world, where, body, type_):
    answer = await lasting_world.ask("nav", *where, content=body, headers={"Content-Type": type_})

    assert answer.status_code < 500, answer.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON parse error - Expecting property name enclosed in double quotes"),
        (b'{"a": 1,}', "JSON parse error"),
        (b"NaN", "not JSON compliant: 'NaN'"),
        (b'{"metadata": -Infinity}', "not JSON compliant: '-Infinity'"),
        (b"[" * 10_000 + b"]" * 10_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "JSON parse error"),
        (b"\xff", "JSON parse error"),
        (b'{"description": "\xff"}', "JSON parse error"),
    ],
)
async def test_malformed_json_is_told_in_one_sentence(world, body, said):
    answer = await world.ask("nav", "POST", "incidents/", content=body, headers=JSON)

    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"null", "No data provided"),
        (b"[]", "Invalid data. Expected a dictionary, but got list."),
        (b'"x"', "Invalid data. Expected a dictionary, but got str."),
        (b"5", "Invalid data. Expected a dictionary, but got int."),
    ],
)
async def test_a_body_has_to_be_an_object(world, body, said):
    for method, path in [("POST", "token-auth/"), ("POST", "incidents/"), ("PATCH", "incidents/1/"), ("POST", "incidents/1/events/")]:
        await world.incident()
        answer = await world.ask("nav", method, path, content=body, headers=JSON)

        assert (400, {"non_field_errors": [said]}) == (answer.status_code, answer.json())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "a\x00b"),
        ("description", "\ud800"),
        ("source_incident_id", "\x00"),
        ("details_url", "\udfff"),
        ("tags", [{"tag": "a=\x00"}]),
        ("tags", [{"tag": "a=\ud800"}]),
        ("metadata", {"\x00": 1}),
        ("metadata", ["\ud800"]),
        ("metadata", [10**400]),
        ("metadata", 1),
        ("description", "x" * 65_537),
        ("ticket_url", "https://x.example.org/" + "x" * 9_000),
        ("ticket_url", ""),
        ("start_time", "9999-01-01T00:00:00+00:00"),
        ("start_time", "1899-12-31"),
        ("end_time", "9999-12-31T23:59:59.999999Z"),
        ("level", 6),
        ("level", True),
        ("level", 3.0),
        ("source_incident_id", None),
        ("description", False),
        ("tags", [{"tag": "a=b"}] * 257),
    ],
)
async def test_what_cannot_be_stored_is_refused_by_name(world, field, value):
    if (field, value) == ("metadata", 1):
        value = json.loads("[" * 40 + "]" * 40)
    answer = await world.ask("nav", "POST", "incidents/", content=json.dumps({**GOOD, field: value}), headers=JSON)

    assert (400, [field]) == (answer.status_code, list(answer.json()))


@pytest.mark.anyio
async def test_every_bad_field_is_told_at_once(world):
    body = {
        "end_time": "tomorrow",
        "level": 9,
        "tags": [{"tag": "a=b"}, {"tag": "bad"}, {}, "x", {"tag": 5}],
        "description": None,
        "ticket_url": "x",
    }
    answer = await world.ask("nav", "POST", "incidents/", json=body)

    assert answer.status_code == 400
    wrong = answer.json()
    assert {"start_time", "end_time", "level", "tags", "description", "ticket_url"} == set(wrong)
    assert ["This field is required."] == wrong["start_time"]
    assert ['"9" is not a valid choice.'] == wrong["level"]
    assert {"1", "2", "3", "4"} == set(wrong["tags"])
    assert {"tag": "The tag does not have its delimiter: =."} == wrong["tags"]["1"]


@pytest.mark.anyio
async def test_texts_and_numbers_stand_in_for_each_other(world):
    made = await world.incident(source_incident_id=12345, description=4.5, details_url="  /x  ", level="2", metadata=10**30)

    assert ("12345", "4.5", 2, 10**30) == tuple(made[name] for name in ("source_incident_id", "description", "level", "metadata"))
    assert "https://nav.example.org/x" == made["details_url"]


@pytest.mark.anyio
async def test_of_a_repeated_key_the_last_one_counts(world):
    body = f'{{"start_time": "{AT}", "tags": [], "description": "first", "description": "last"}}'
    answer = await world.ask("nav", "POST", "incidents/", content=body, headers=JSON)

    assert (201, "last") == (answer.status_code, answer.json()["description"])


@pytest.mark.anyio
async def test_forms_are_as_good_as_json(world):
    pk = (await world.incident())["pk"]
    multipart = {"files": {"type": (None, "OTH"), "description": (None, "é")}}
    encoded = {"data": {"type": "OTH", "description": "é"}}

    for form in (multipart, encoded):
        answer = await world.ask("alice", "POST", f"incidents/{pk}/events/", **form)

        assert (201, "é") == (answer.status_code, answer.json()["description"])


@pytest.mark.anyio
async def test_a_file_is_the_value_of_no_field(lasting_world):
    for where in PATHS:
        for name in FIELDS:
            answer = await lasting_world.ask("nav", *where, files={name: ("a.txt", b"{}")})

            assert answer.status_code < 500, (where, name)


@pytest.mark.anyio
async def test_metadata_are_written_in_a_form(world):
    pk = (await world.incident())["pk"]
    written = await world.ask("nav", "PATCH", f"incidents/{pk}/", data={"metadata": '{"a": [1]}'})
    bad = [
        await world.ask("nav", "PATCH", f"incidents/{pk}/", **form)
        for form in ({"data": {"metadata": "{"}}, {"files": {"metadata": ("a.txt", b"{}")}})
    ]

    assert (200, {"a": [1]}) == (written.status_code, written.json()["metadata"])
    assert [(400, {"metadata": ["Value must be valid JSON."]})] * 2 == [(answer.status_code, answer.json()) for answer in bad]


@pytest.mark.anyio
async def test_a_list_in_a_form_is_a_repeated_field(world):
    pks = [(await world.incident())["pk"] for _ in range(2)]
    body = urlencode([("ids", pk) for pk in pks] + [("ticket_url", "https://t.example.org/1")])

    answer = await world.ask(
        "alice", "POST", "incidents/ticket_url/bulk/", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert {str(pk) for pk in pks} == set(answer.json()["changes"])


@pytest.mark.anyio
async def test_a_form_says_null_by_leaving_empty(world):
    pk = (await world.incident())["pk"]
    expiration = (world.now + timedelta(hours=1)).isoformat()
    ack = (await world.ask("alice", "POST", f"incidents/{pk}/acks/", json={"expiration": expiration})).json()

    answer = await world.ask("alice", "PUT", f"incidents/{pk}/acks/{ack['pk']}/", data={"expiration": ""})

    assert (200, None) == (answer.status_code, answer.json()["expiration"])


def test_a_form_keeps_every_value():
    assert ["1", "2"] == Form([("ids", "1"), ("x", "3"), ("ids", "2")]).all("ids")


@pytest.mark.anyio
@pytest.mark.parametrize("type_", ["text/plain", "application/vnd.api+json", "text/json", "application/xml", ""])
async def test_other_media_are_refused(world, type_):
    answer = await world.ask("nav", "POST", "incidents/", content=b"{}", headers={"Content-Type": type_})

    assert (415, {"detail": f'Unsupported media type "{type_}" in request.'}) == (answer.status_code, answer.json())


@pytest.mark.anyio
async def test_json_may_name_its_charset(world):
    body = json.dumps(GOOD).encode()
    answer = await world.ask("nav", "POST", "incidents/", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"})

    assert answer.status_code == 201


@pytest.mark.anyio
async def test_an_empty_body_has_no_fields(world):
    answer = await world.ask("nav", "POST", "incidents/", headers={"Content-Type": "text/plain"})

    assert (400, {"start_time", "tags"}) == (answer.status_code, set(answer.json()))


@pytest.mark.anyio
async def test_a_large_body_is_refused_before_it_is_read(world):
    async def body():
        for _ in range(100):
            yield b" " * 65_536
        raise AssertionError("Nobody should have read so far.")

    for headers in ({}, {"Content-Length": str(BODY_BYTES + 1)}):
        answer = await world.ask("nav", "POST", "incidents/", content=body(), headers={**JSON, **headers})

        assert (413, {"detail": f"A request body has at most {BODY_BYTES} bytes."}) == (answer.status_code, answer.json())


@pytest.mark.anyio
async def test_of_large_bodies_only_few_of_a_user_and_some_of_all_may_arrive_at_the_same_time(world, monkeypatch):
    """
    Whoever comes to the end of one may send the next; small ones are not counted.
    """
    monkeypatch.setattr(bodies_module, "MOST_LARGE", MOST_LARGE_EACH + 1)
    begun, end = anyio.Semaphore(0), anyio.Event()
    whole = json.dumps(GOOD).encode().ljust(LARGE + 2)

    async def slowly():
        yield whole[:-1]
        begun.release()
        await end.wait()
        yield whole[-1:]

    async def status(who, content):
        answer = await world.ask(who, "POST", "incidents/", content=content, headers=JSON)
        return answer.status_code, answer.headers.get("retry-after")

    async def send(who):
        assert (201, None) == await status(who, slowly())

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for who in ["nav"] * MOST_LARGE_EACH:
                group.start_soon(send, who)
                await begun.acquire()
            assert (429, "1") == await status("nav", slowly())
            assert (201, None) == await status("nav", json.dumps(GOOD).encode())
            group.start_soon(send, "zabbix")
            await begun.acquire()
            assert (503, "1") == await status("zabbix", slowly())
            end.set()

    assert (201, None) == await status("nav", slowly())


@pytest.mark.anyio
@pytest.mark.parametrize("sizes", [(0,), (LARGE + 1,), (LARGE, 1), (LARGE, 2, 0), (LARGE, LARGE, LARGE)])
async def test_nothing_is_waited_for_behind_the_last_piece(sizes):
    arriving = iter(enumerate(sizes, start=1))

    async def receive():
        number, size = next(arriving)
        return {"type": "http.request", "body": b" " * size, "more_body": number < len(sizes)}

    body = await bodies_module.read(SimpleNamespace(scope={"headers": [], "user": None}, receive=receive))

    assert sum(sizes) == len(body)


@pytest.mark.anyio
async def test_a_body_may_be_as_large_as_is_allowed(world):
    answer = await world.ask("nav", "POST", "incidents/", content=json.dumps(GOOD).encode().ljust(BODY_BYTES), headers=JSON)

    assert answer.status_code == 201
