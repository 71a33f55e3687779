import io
import json
import logging
from dataclasses import replace

import httpx
import pytest

from adapters.http import build_app
from adapters.logs import JsonLines
from argus_core.domain.errors import ReadOnly, TooSlow, Unavailable

pytestmark = pytest.mark.anyio

FRONT = "https://front.example.org"


def broken(world, error):
    """The same world, but lists of incidents raise."""

    async def page(*_, **__):
        raise error

    world.journal.page = page
    return world


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "slashed"),
    [
        ("/api/v2/incidents", "/api/v2/incidents/"),
        ("/api/v2/incidents?open=true&tags=a%3Db", "/api/v2/incidents/?open=true&tags=a%3Db"),
        ("/api/v2/incidents/987654321/events", "/api/v2/incidents/987654321/events/"),
        ("/api/v2/incidents/1/tags/a%3D%C3%B8", "/api/v2/incidents/1/tags/a%3D%C3%B8/"),
        ("/api/v2/token-auth", "/api/v2/token-auth/"),
        ("/api", "/api/"),
    ],
)
async def test_a_missing_slash_is_a_redirect_for_anybody(lasting_world, method, path, slashed):
    async with lasting_world.as_() as client:
        answer = await client.request(method, path)

    assert (301, slashed, b"") == (answer.status_code, answer.headers["location"], answer.content)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/nothing-here/",
        "/api/v2/nothing-here",
        "/api/v2/",
        "/api/v2/incidents//",
        "//api/v2/incidents/",
        "/api/v2//incidents/",
        "/api/v3/incidents/",
        "/api/v2/incidents/1/2/3/",
        "/api/v2/incidents/abc/",
        "/api/v2/incidents/-1/",
        "/api/v2/incidents/%D9%A1/",
        "/api/v2/incidents/open/",
        "/api/v2/incidents/open+unacked/",
        "/api/v2/incidents/metadata/",
        "/api/v2/incidents/1/tags//",
        "/api/v2/auth/users/",
        "/health/live/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_unknown_paths_are_not_found_by_anybody(lasting_world, method, path):
    transport = httpx.ASGITransport(lasting_world.app)
    async with httpx.AsyncClient(transport=transport) as client:
        request = client.build_request(method, "http://argus.example.org/")
        request.url = httpx.URL("http://argus.example.org", raw_path=path.encode())
        answer = await client.send(request)

    assert (404, {"detail": "Not found."}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    "path",
    [
        "incidents/{}/",
        "incidents/{}/events/",
        "incidents/1/events/{}/",
        "incidents/{}/acks/",
        "incidents/1/acks/{}/",
        "incidents/{}/tags/",
        "incidents/{}/tags/a=b/",
        "incidents/sources/{}/",
        "auth/users/{}/",
    ],
)
@pytest.mark.parametrize("pk", ["0", "987654321", str(2**63 - 1), str(2**63), "9" * 19, "9" * 20, "9" * 5000])
async def test_pks_that_cannot_be_are_not_found(lasting_world, path, pk):
    answer = await lasting_world.ask("alice", "GET", path.format(pk))

    assert answer.status_code == 404
    assert ["detail"] == list(answer.json())


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "incidents/", {"GET", "POST", "HEAD", "OPTIONS"}),
        ("DELETE", "incidents/1/", {"GET", "PATCH", "HEAD", "OPTIONS"}),
        ("GET", "incidents/1/ticket_url/", {"PUT", "OPTIONS"}),
        ("HEAD", "incidents/1/ticket_url/", {"PUT", "OPTIONS"}),
        ("DELETE", "incidents/1/acks/2/", {"GET", "PUT", "PATCH", "HEAD", "OPTIONS"}),
        ("POST", "incidents/1/tags/a=b/", {"GET", "DELETE", "HEAD", "OPTIONS"}),
        ("GET", "token-auth/", {"POST", "OPTIONS"}),
        ("TRACE", "incidents/sources/", {"GET", "POST", "HEAD", "OPTIONS"}),
        ("NONSENSE", "incidents/mine/", {"GET", "POST", "HEAD", "OPTIONS"}),
    ],
)
async def test_other_methods_are_told_what_is_allowed(world, method, path, allow):
    answer = await world.ask("alice", method, path, content=b"{" if method != "HEAD" else None)

    assert answer.status_code == 405
    assert allow == set(answer.headers["allow"].split(", "))
    assert method == "HEAD" or {"detail": f'Method "{method}" not allowed.'} == answer.json()


async def test_options_tell_what_is_allowed(world):
    answer = await world.ask("alice", "OPTIONS", "incidents/1/acks/2/")

    assert (204, {"GET", "PUT", "PATCH", "HEAD", "OPTIONS"}) == (answer.status_code, set(answer.headers["allow"].split(", ")))


@pytest.mark.parametrize("path", ["incidents/", "incidents/1/", "incidents/999/", "auth/user/"])
async def test_head_is_get_without_body(world, path):
    await world.incident()

    got, looked = await world.ask("alice", "GET", path), await world.ask("alice", "HEAD", path)

    assert b"" == looked.content
    assert got.status_code == looked.status_code
    assert got.headers["content-length"] == looked.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "incidents/", 200),
        ("GET", "incidents", 301),
        ("GET", "nothing/", 404),
        ("PUT", "incidents/", 405),
        ("POST", "incidents/", 400),
        ("GET", "incidents/999/", 404),
        ("OPTIONS", "incidents/", 204),
    ],
)
async def test_every_answer_may_be_read_by_pages_of_known_origins(world, method, path, status):
    for origin, allowed in [(FRONT, FRONT), ("https://evil.example.org", None)]:
        answer = await world.ask("alice", method, path, headers={"Origin": origin})

        assert (status, allowed) == (answer.status_code, answer.headers.get("access-control-allow-origin"))
        assert answer.headers["vary"] == "origin"
        assert "access-control-allow-credentials" not in answer.headers


async def test_errors_of_the_server_may_be_read_by_pages_too(world):
    answer = await broken(world, RuntimeError("boom")).ask("alice", "GET", "incidents/", headers={"Origin": FRONT})

    assert (500, FRONT) == (answer.status_code, answer.headers["access-control-allow-origin"])


@pytest.mark.parametrize("path", ["/api/v2/incidents/1/", "/api/v2/incidents"])
async def test_a_preflight_needs_no_token(world, path):
    headers = {"Origin": FRONT, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,content-type"}
    async with world.as_(None, **headers) as client:
        answer = await client.options(path)

    told = {name.removeprefix("access-control-"): value for name, value in answer.headers.items() if name.startswith("access-control-")}
    assert answer.status_code == 204
    assert told == {
        "allow-origin": FRONT,
        "allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "allow-headers": "authorization, content-type",
        "max-age": "86400",
    }


def allowing(world, *origins):
    """Somebody who asks the same world, told of other origins."""
    return world.as_("alice", build_app(replace(world.services, cors_origins=frozenset(origins))))


async def test_without_origins_nothing_is_said_of_them(world):
    async with allowing(world) as client:
        answer = await client.get("/api/v2/incidents/", headers={"Origin": FRONT})

    assert not {"vary", "access-control-allow-origin"} & set(answer.headers)


async def test_a_star_stands_for_all_origins(world):
    async with allowing(world, "*") as client:
        answer = await client.get("/api/v2/incidents/", headers={"Origin": "http://any.example.org"})

    assert answer.headers["access-control-allow-origin"] == "http://any.example.org"


async def test_every_answer_has_a_request_id(world):
    for path in ("incidents/", "incidents", "nothing/"):
        answers = [await world.ask("alice", "GET", path) for _ in range(2)]
        given = await world.ask("alice", "GET", path, headers={"X-Request-Id": "from-outside.1"})
        junk = await world.ask("alice", "GET", path, headers={"X-Request-Id": "no good"})

        assert 2 == len({answer.headers["x-request-id"] for answer in answers})
        assert given.headers["x-request-id"] == "from-outside.1"
        assert junk.headers["x-request-id"] != "no good"


async def test_every_line_of_the_log_that_a_request_causes_carries_its_id(world, monkeypatch):
    """
    Also lines of those who know nothing of requests, such as a store.
    """
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    store = logging.getLogger("argus.a-store")
    monkeypatch.setattr(store, "handlers", [handler])

    async def page(*_, **__):
        store.warning("This takes long")
        raise Unavailable

    world.journal.page = page
    for request in ("one", "two"):
        await world.ask("alice", "GET", "incidents/", headers={"X-Request-Id": request})

    assert ["one", "two"] == [json.loads(line)["request"] for line in written.getvalue().splitlines()]


async def test_what_nobody_expected_is_logged_and_not_told(world, caplog):
    answer = await broken(world, RuntimeError("the secret plan")).ask("alice", "GET", "incidents/", headers={"X-Request-Id": "abc"})

    assert answer.status_code == 500
    assert "abc" in answer.json()["detail"]
    assert "secret" not in answer.text
    (record,) = [record for record in caplog.records if record.name == "argus.http"]
    assert "abc" in record.getMessage()
    assert "the secret plan" in str(record.exc_info[1])


async def test_a_store_out_of_reach_is_no_error_of_anybody(world, caplog):
    answer = await broken(world, Unavailable()).ask("alice", "GET", "incidents/")

    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert ["detail"] == list(answer.json())
    assert not caplog.records


async def test_what_takes_a_store_too_long_is_told_from_one_out_of_reach(world):
    answer = await broken(world, TooSlow()).ask("alice", "GET", "incidents/")

    assert (503, "1", True) == (answer.status_code, answer.headers["retry-after"], "Ask for less" in answer.json()["detail"])


async def test_a_store_that_is_only_read_is_told_from_one_out_of_reach(world):
    answer = await broken(world, ReadOnly()).ask("alice", "GET", "incidents/")

    assert (503, "1", True) == (answer.status_code, answer.headers["retry-after"], "read-only" in answer.json()["detail"])


async def test_a_store_out_of_reach_may_show_at_the_gate(world):
    async def credential(_):
        raise Unavailable

    world.accounts.credential = credential
    answer = await world.ask("alice", "GET", "incidents/")

    assert answer.status_code == 503


async def test_the_access_log_tells_who_did_what_but_no_secrets(world, caplog):
    caplog.set_level(logging.INFO, "argus.access")
    await world.ask("alice", "GET", "incidents/", params={"tags": "a=secret"})
    await world.ask(None, "POST", "token-auth/", json={"username": "alice", "password": "alice's secret"})

    lines = [record.getMessage() for record in caplog.records if record.name == "argus.access"]
    assert ["GET /api/v2/incidents/ 200", "POST /api/v2/token-auth/ 200"] == lines
    assert ["alice", "-"] == [record.user for record in caplog.records if record.name == "argus.access"]
    everything = str([vars(record) for record in caplog.records])
    assert "secret" not in everything
    assert world.tokens["alice"] not in everything


async def test_whoever_leaves_early_is_no_error(world, caplog):
    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        pass

    path = "/api/v2/incidents/"
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"x"), (b"authorization", f"Token {world.tokens['nav']}".encode()), (b"content-type", b"application/json")],
    }
    await world.app(scope, receive, send)

    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_lifespans_last_as_long_as_the_application(world):
    told = []

    class Lifespan:
        async def __aenter__(self):
            told.append("began")

        async def __aexit__(self, *_):
            told.append("ended")

    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(messages)

    async def send(message):
        told.append(message["type"])

    await build_app(world.services, lifespan=[lambda _: Lifespan()])({"type": "lifespan", "asgi": {}, "state": {}}, receive, send)

    assert ["began", "lifespan.startup.complete", "ended", "lifespan.shutdown.complete"] == told
