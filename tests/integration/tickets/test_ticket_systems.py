"""Ticket systems against servers on this machine: what they are asked, precisely, and what becomes of every kind of answer."""

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from adapters.tickets import rest
from adapters.tickets.github import GitHub
from adapters.tickets.gitlab import GitLab
from adapters.tickets.jira import Jira
from adapters.tickets.request_tracker import RequestTracker
from adapters.tickets.wording import facts, markdown
from argus_core.conformance import sample_notification
from argus_core.domain.actors import Actor
from argus_core.ports.tickets import TicketFailed, TicketSystem

pytestmark = pytest.mark.anyio

INCIDENT = sample_notification().incident
TITLE = "Strømbrudd på gw1 🔥"
OLA = Actor(id=2, username="ola")
LINK = "https://argus.example.org/incidents/42/"
PLAIN = facts(INCIDENT, actor=OLA)
REFERENCE = f"Incident 42 in Argus: {LINK}"
TOKEN = "s3cr3t-t0ken"


@dataclass(frozen=True)
class Known:
    """What the public documentation of a ticket system says about making a ticket."""

    system: type[TicketSystem]
    project: str
    line: str
    headers: dict
    content: dict
    answer: dict
    url: str
    refusal: tuple
    says: str


KNOWN = {
    "github": Known(
        system=GitHub,
        project="example/net.work",
        line="POST /base/repos/example/net.work/issues HTTP/1.1",
        headers={"authorization": f"Bearer {TOKEN}", "accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
        content={"title": TITLE, "body": f"{markdown(PLAIN)}\n\n{REFERENCE}"},
        answer={"id": 1, "number": 7, "html_url": "https://github.example.org/example/net.work/issues/7"},
        url="https://github.example.org/example/net.work/issues/7",
        refusal=(422, {"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]}),
        says='GitHub answered 422: Validation Failed; [{"resource": "Issue", "field": "title", "code": "missing_field"}]',
    ),
    "gitlab": Known(
        system=GitLab,
        project="example/sub/net.work",
        line="POST /base/api/v4/projects/example%2Fsub%2Fnet.work/issues HTTP/1.1",
        headers={"private-token": TOKEN, "accept": "application/json"},
        content={"title": TITLE, "description": f"{markdown(PLAIN)}\n\n{REFERENCE}"},
        answer={"id": 84, "iid": 14, "web_url": "http://gitlab.example.org/example/sub/net.work/issues/14"},
        url="http://gitlab.example.org/example/sub/net.work/issues/14",
        refusal=(400, {"message": {"title": ["can't be blank"]}}),
        says='GitLab answered 400: {"title": ["can\'t be blank"]}',
    ),
    "jira": Known(
        system=Jira,
        project="NOC",
        line="POST /base/rest/api/2/issue HTTP/1.1",
        headers={"authorization": f"Bearer {TOKEN}", "accept": "application/json"},
        content={
            "fields": {
                "project": {"key": "NOC"},
                "issuetype": {"name": "Task"},
                "summary": TITLE,
                "description": f"{{noformat}}\n{PLAIN}\n{{noformat}}\n\n{REFERENCE}",
            },
        },
        answer={"id": "39000", "key": "NOC-101", "self": "http://jira.example.org/rest/api/2/issue/39000"},
        url="{endpoint}/browse/NOC-101",
        refusal=(400, {"errorMessages": ["Nope."], "errors": {"issuetype": "Specify a valid issue type"}}),
        says='Jira answered 400: ["Nope."]; {"issuetype": "Specify a valid issue type"}',
    ),
    "request-tracker": Known(
        system=RequestTracker,
        project="Network Operations",
        line="POST /base/REST/2.0/ticket HTTP/1.1",
        headers={"authorization": f"token {TOKEN}", "accept": "application/json"},
        content={"Queue": "Network Operations", "Subject": TITLE, "Content": f"{PLAIN}\n\n{REFERENCE}", "ContentType": "text/plain"},
        answer={"type": "ticket", "id": "20", "_url": "https://rt.example.org/REST/2.0/ticket/20"},
        url="{endpoint}/Ticket/Display.html?id=20",
        refusal=(422, {"message": "Could not create ticket. Queue not set"}),
        says="Request Tracker answered 422: Could not create ticket. Queue not set",
    ),
}


@pytest.fixture(params=KNOWN)
def known(request):
    return KNOWN[request.param]


@asynccontextmanager
async def server(status=201, content=b"", head=""):
    """A server that keeps what it is asked; `content` is JSON, bytes, or what writes the whole answer."""
    got = SimpleNamespace(requests=[])

    async def serve(reader, writer):
        try:
            line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            body = await reader.readexactly(int(headers["content-length"]))
            got.requests.append(SimpleNamespace(line=line, headers=headers, content=json.loads(body)))
            if callable(content):
                await content(writer)
            else:
                said = content if isinstance(content, bytes) else json.dumps(content).encode()
                writer.write(f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(said)}\r\n\r\n".encode() + said)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    got.endpoint = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/base"
    try:
        yield got
    finally:
        listening.close()


def made(known, endpoint, **changes):
    settings = {"ENDPOINT": endpoint, "TOKEN": TOKEN, "PROJECT": known.project, **changes}
    return known.system({f"ARGUS_TICKET_{name}": value for name, value in settings.items()})


async def failure(known, endpoint):
    began = time.monotonic()
    with pytest.raises(TicketFailed) as caught:
        await made(known, endpoint).create(INCIDENT, actor=OLA, link=LINK)
    reason = str(caught.value)
    assert time.monotonic() - began < 4
    assert TOKEN not in reason
    assert reason.isprintable()
    assert len(reason) <= 300
    return reason


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_ticket_is_asked_for_as_the_documentation_has_it(known, slash):
    async with server(201, known.answer) as got:
        url = await made(known, got.endpoint + slash).create(INCIDENT, actor=OLA, link=LINK)

    (request,) = got.requests
    assert (known.line, "application/json") == (request.line, request.headers["content-type"])
    assert known.headers == {name: request.headers[name] for name in known.headers}
    assert request.headers["user-agent"] == "Argus"
    assert known.content == request.content
    assert known.url.format(endpoint=got.endpoint) == url


@pytest.mark.parametrize(
    ("slug", "labels"),
    [("github", ["argus", "noc team"]), ("gitlab", "argus,noc team")],
)
async def test_labels_are_written_as_the_system_has_them(slug, labels):
    known = KNOWN[slug]
    async with server(201, known.answer) as got:
        await made(known, got.endpoint, LABELS="argus, noc team,").create(INCIDENT, actor=OLA, link=LINK)

    assert labels == got.requests[0].content["labels"]


async def test_jira_in_the_cloud_wants_the_account_and_knows_other_types():
    known = KNOWN["jira"]
    async with server(201, known.answer) as got:
        system = made(known, got.endpoint, USER="argus@example.org", TYPE="Incident", LABELS="argus")
        await system.create(INCIDENT, actor=OLA, link=LINK)

    (request,) = got.requests
    assert request.headers["authorization"] == f"Basic {base64.b64encode(f'argus@example.org:{TOKEN}'.encode()).decode()}"
    assert ({"name": "Incident"}, ["argus"]) == (request.content["fields"]["issuetype"], request.content["fields"]["labels"])


async def test_a_project_of_gitlab_may_be_a_number():
    known = KNOWN["gitlab"]
    async with server(201, known.answer) as got:
        await made(known, got.endpoint, PROJECT="1234").create(INCIDENT, actor=OLA, link=LINK)

    assert got.requests[0].line == "POST /base/api/v4/projects/1234/issues HTTP/1.1"


async def test_a_number_of_request_tracker_may_be_a_number():
    known = KNOWN["request-tracker"]
    async with server(201, {"id": 20}) as got:
        url = await made(known, got.endpoint).create(INCIDENT, actor=OLA, link=LINK)

    assert f"{got.endpoint}/Ticket/Display.html?id=20" == url


async def test_a_refusal_is_told_in_the_words_of_the_system(known):
    status, content = known.refusal
    async with server(status, content) as got:
        reason = await failure(known, got.endpoint)

    assert known.says == reason


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_named_and_not_shown(known, status):
    pair = base64.b64encode(f"argus:{TOKEN}".encode()).decode()
    async with server(status, {"message": f"Bad credentials {TOKEN}\r\nX: y"}) as got:
        reason = await failure(known, got.endpoint)

    assert f"{known.system.name} answered {status} (look at ARGUS_TICKET_TOKEN): Bad credentials *** X: y" == reason
    assert pair not in reason


@pytest.mark.parametrize(("status", "content"), [(404, b""), (410, b"[1]"), (429, b"{}"), (500, b"<html>Oops</html>"), (503, b"\xff\x00")])
async def test_a_refusal_without_words_is_told_by_its_number(known, status, content):
    async with server(status, content) as got:
        reason = await failure(known, got.endpoint)

    assert f"{known.system.name} answered {status}." == reason


async def test_a_long_refusal_is_cut(known):
    async with server(400, {"message": "x" * 100_000}) as got:
        reason = await failure(known, got.endpoint)

    assert len(reason) == 300


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(known, status):
    async with server(201, known.answer) as elsewhere, server(status, b"", f"Location: {elsewhere.endpoint}/\r\n") as got:
        reason = await failure(known, got.endpoint)

    assert f"{known.system.name} answered with a redirect ({status}): set ARGUS_TICKET_ENDPOINT to the address it leads to." == reason
    assert [] == elsewhere.requests


@pytest.mark.parametrize(
    "content", [b"", b"ok", b"[]", b"null", b'"x"', b"[" * 100_000, b"\xff", b"x" * 2_000_000], ids=lambda said: repr(said[:9])
)
async def test_an_answer_that_is_no_object_may_be_a_ticket_nevertheless(known, content):
    async with server(201, content) as got:
        reason = await failure(known, got.endpoint)

    assert f"{known.system.name} answered 201, but not with a JSON object; look there whether it made a ticket." == reason


@pytest.mark.parametrize("value", ["", 7, None, ["x"], "javascript:alert(1)", "/issues/7", "https://", "NOC", "../7", "7\n", "NOC-1\n"])
async def test_an_answer_without_a_ticket_is_nonsense(known, value):
    content = dict.fromkeys(known.answer, value) if not (known.system is RequestTracker and value == 7) else {}
    async with server(201, content) as got:
        reason = await failure(known, got.endpoint)

    assert reason.startswith(f"{known.system.name} answered without ")
    assert reason.endswith("; look there whether it made a ticket.")


async def hanging(writer):
    await asyncio.sleep(5)


async def dripping(writer):
    writer.write(b"HTTP/1.1 201 X\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("content", [hanging, dripping])
async def test_a_system_that_hangs_is_given_up(monkeypatch, known, content):
    monkeypatch.setattr(rest, "SECONDS", 0.2)
    async with server(content=content) as got:
        reason = await failure(known, got.endpoint)

    assert f"{known.system.name} did not answer within 0.2 seconds; look there whether it made a ticket." == reason


async def endless(writer):
    writer.write(b"HTTP/1.1 201 X\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()


async def test_an_answer_without_an_end_is_not_read_to_the_end(known):
    async with server(content=endless) as got:
        reason = await failure(known, got.endpoint)

    assert "but not with a JSON object" in reason


async def hanging_up(writer):
    writer.close()


async def breaking_off(writer):
    writer.write(b"HTTP/1.1 201 X\r\nContent-Length: 100\r\n\r\n{")


async def babbling(writer):
    writer.write(b"hello\r\n\r\n")


@pytest.mark.parametrize("content", [hanging_up, breaking_off, babbling])
async def test_a_system_that_breaks_off_may_have_made_a_ticket(known, content):
    async with server(content=content) as got:
        reason = await failure(known, got.endpoint)

    assert reason.startswith(f"{known.system.name} broke off: ")
    assert reason.endswith("; look there whether it made a ticket.")


async def test_a_system_that_is_not_there_has_made_no_ticket(known):
    async with server() as got:
        pass

    assert (await failure(known, got.endpoint)).startswith(f"{known.system.name} cannot be reached: ")
