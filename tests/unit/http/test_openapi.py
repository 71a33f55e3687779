import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import fields, times
from adapters.http.health import SILENT, STUCK
from adapters.http.schemas import MOMENT_PATTERN as _MOMENT_PATTERN
from adapters.http.v2.schemas import SCHEMAS
from argus_core.domain.errors import Unavailable
from argus_core.domain.tags import Tag

URL = SCHEMAS["Ticket"]["properties"]["ticket_url"]["anyOf"][1]["pattern"]
TAG = SCHEMAS["NewTag"]["properties"]["tag"]["pattern"]
PK = SCHEMAS["BulkTicket"]["properties"]["ids"]["items"]["anyOf"][1]["pattern"]


@pytest.fixture
async def described(world):
    async with world.as_() as client:
        return (await client.get("/api/schema/")).json()


def within(node, key):
    """Every value of that key, however deep."""
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == key)
        node = [*node.values()]
    if isinstance(node, list):
        for inner in node:
            yield from within(inner, key)


@pytest.mark.anyio
async def test_every_reference_leads_somewhere(described):
    references = {reference for reference in within(described, "$ref") if isinstance(reference, str)}

    assert references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(described["components"]["schemas"])


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_each_version_is_described_alone_too(world, described, version):
    async with world.as_() as client:
        alone = (await client.get(f"/api/{version}/schema/")).json()["paths"]

    of_version = {path for path in described["paths"] if path.startswith(f"/api/{version}/")}
    assert of_version
    assert of_version == {path for path in alone if re.match("/api/v[0-9]/", path)}


@pytest.mark.anyio
async def test_exactly_the_routes_that_are_served_are_described(world, described):
    for path, operations in described["paths"].items():
        filled = re.sub(r"\{\w+\}", "1", path)
        async with world.as_("alice") as client:
            answer = await client.request("TRACE", filled)

        allowed = {method.lower() for method in answer.headers["allow"].split(", ")} - {"head", "options"}
        assert (405, set(operations)) == (answer.status_code, allowed), path


@pytest.mark.anyio
async def test_every_route_of_the_api_is_described(world, described):
    served = {site for site in [*world.app._sites._plain] if site.startswith("/api/v2/") and not site.endswith("/schema/")}

    assert served <= set(described["paths"])
    # All but those of the viewer's files and of the pages about media.
    assert len(world.app._sites._with_parameters) - 2 == len([path for path in described["paths"] if "{" in path])


@pytest.mark.anyio
async def test_every_operation_tells_how_it_may_fail(described):
    for path, operations in described["paths"].items():
        for operation in operations.values():
            told = set(operation["responses"])
            assert not operation["security"] or {} in operation["security"] or {"401", "503"} <= told, path
            assert "requestBody" not in operation or {"400", "413", "415"} <= told, path
            assert "{" not in path or "404" in told, path


@pytest.mark.anyio
async def test_an_answer_has_the_keys_that_are_described(world, described):
    shown = await world.incident(tags=[{"tag": "a=b"}])
    schemas = described["components"]["schemas"]

    assert list(shown) == schemas["IncidentOut"]["required"]
    assert list(shown["source"]) == schemas["SourceOut"]["required"]
    assert list(shown["tags"][0]) == schemas["TagOut"]["required"]
    assert not schemas["IncidentOut"]["additionalProperties"]


@given(st.from_regex(_MOMENT_PATTERN, fullmatch=True))
def test_moments_as_described_are_understood(written):
    assert times.moment(written, ZoneInfo("Europe/Oslo"))


@given(st.from_regex(URL, fullmatch=True))
def test_addresses_as_described_are_taken(written):
    assert written.strip() == fields.ticket(written)


@given(st.from_regex(TAG, fullmatch=True).filter(lambda written: len(written) < 256 and not re.search("[\ud800-\udfff]", written)))
def test_tags_as_described_are_taken(written):
    assert Tag.parse(written)


@given(st.from_regex(PK, fullmatch=True).filter(lambda written: len(written) < 1000))
def test_pks_as_described_are_numbers(written):
    assert isinstance(fields.integer(written), int)


@pytest.mark.anyio
async def test_the_viewer_asks_nobody_else(world):
    async with world.as_() as client:
        page = await client.get("/api/docs/")
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
        files = [await client.get(address) for address in addresses if address.startswith("/")]

    assert {"data:,"} | {f"/api/docs/files/{name}" for name in ("swagger-ui.css", "swagger-ui-bundle.js", "viewer.js")} == set(addresses)
    assert [200] * 3 == [file.status_code for file in files]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in files[-1].text


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["README.md", "LICENSE", "..%2Fapp.py", "nothing.js"])
async def test_the_viewer_has_no_other_files(world, name):
    async with world.as_() as client:
        assert 404 == (await client.get(f"/api/docs/files/{name}")).status_code


@pytest.mark.anyio
async def test_what_clients_ask_about_the_server(world):
    async with world.as_() as client:
        about, methods, root = [await client.get(path) for path in ("/api/", "/login-methods/", "/")]

    assert ("1.2.3", "v2") == (about.json()["server-version"], about.json()["api-version"]["stable"])
    assert (None, ["adapters.media.email.Email", "adapters.media.sms.Sms"]) == (
        about.json()["ticket_plugin"],
        about.json()["destination_plugins"],
    )
    assert [{"type": "username_password", "url": "http://argus.example.org/api/v2/token-auth/", "name": "user_pw"}] == methods.json()
    assert (302, "/api/docs/") == (root.status_code, root.headers["location"])


@pytest.mark.anyio
async def test_a_process_with_problems_is_alive_but_not_ready(world):
    async with world.as_() as client:
        well = await client.get("/health/ready")
        world.problems = ("The clock is wrong.",)
        unwell, alive = await client.get("/health/ready"), await client.get("/health/live")

    notes = ["ARGUS_EMAIL_HOST is not set, so mail waits.", "ARGUS_SMS_GATEWAY_ADDRESS is not set, so SMS wait."]
    assert (200, {"status": "ok", "notes": notes}) == (well.status_code, well.json())
    failed = {"name": "database", "state": "failed", "message": "The clock is wrong."}
    assert (503, {"status": "not ready", "problems": ["The clock is wrong."], "notes": notes, "checks": [failed]}) == (
        unwell.status_code,
        unwell.json(),
    )
    assert 200 == alive.status_code


@pytest.mark.anyio
async def test_events_about_which_nobody_can_decide_are_noted(world):
    incident = await world.incident()
    await world.outbox.put_aside((incident["pk"], 1), "a bug")
    async with world.as_() as client:
        stuck = await client.get("/health/ready")
        world.outbox.aside = away
        unknown = await client.get("/health/ready")

    assert (200, STUCK) == (stuck.status_code, stuck.json()["notes"][-1])
    # A moment ago the database answered; now it does not.
    assert (503, [SILENT]) == (unknown.status_code, unknown.json()["problems"])


async def away(_):
    raise Unavailable
