"""Two processes, one PostgreSQL and a ticket system on this machine: an incident gets one ticket, or is left as it was."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from adapters.asgi import application
from adapters.container import contain
from adapters.readiness import Readiness
from adapters.settings import load
from adapters.tickets import rest
from argus_core.usecases.accounts import NewUser

pytestmark = pytest.mark.anyio


class GitHubHere:
    """Makes issues, slowly; may be told to answer something else, or nothing."""

    def __init__(self):
        self.status, self.seconds, self.made = 201, 0.1, 0
        self.asked, self.free = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def answer(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await asyncio.sleep(self.seconds)
        await self.free.wait()
        self.made += self.status == 201
        body = json.dumps({"html_url": f"https://github.example.org/noc/net/issues/{self.made}"}).encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (self.status, len(body), body))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def installation(database_url, folder):
    """Clients of two processes, somebody's header, an incident, and the ticket system."""
    github = GitHubHere()
    server = await asyncio.start_server(github.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    environment = {
        "ARGUS_TICKET_SYSTEM": "github",
        "ARGUS_TICKET_ENDPOINT": f"http://127.0.0.1:{port}",
        "ARGUS_TICKET_TOKEN": "t0ken",
        "ARGUS_TICKET_PROJECT": "noc/net",
    }
    settings = load(None, environment, folder).settings
    async with AsyncExitStack() as opened:
        opened.push_async_callback(server.wait_closed)
        opened.callback(server.close)
        containers = [contain(settings, database_url) for _ in range(2)]
        for container in containers:
            await opened.enter_async_context(container.database().opened())
        accounts = containers[0].accounts()
        await accounts.create_user(NewUser(username="ola"))
        person = await accounts.create_token("ola", "test", days=1)
        _, robot = await accounts.create_source("nav", "nav")
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(application(container, Readiness(container))),
                    base_url="http://argus/api/v2/incidents/",
                    headers={"Authorization": f"Token {person.key}"},
                )
            )
            for container in containers
        ]
        report = {"start_time": "2024-03-01T12:00:00Z", "tags": []}
        made = await clients[0].post("", json=report, headers={"Authorization": f"Token {robot.key}"})
        yield clients, made.json()["pk"], github


async def test_callers_of_two_processes_get_one_ticket(database_url, tmp_path):
    async with installation(database_url, tmp_path) as (clients, pk, github):
        answers = await asyncio.gather(*(client.put(f"{pk}/automatic-ticket/") for client in clients * 4))

        assert {(200, '{"ticket_url":"https://github.example.org/noc/net/issues/1"}')} == {
            (answer.status_code, answer.text) for answer in answers
        }
        assert 1 == github.made
        assert 2 == len((await clients[0].get(f"{pk}/events/")).json())


async def test_a_system_that_refuses_leaves_nothing_behind(database_url, tmp_path):
    """
    Neither in the incident nor in who may try next.
    """
    async with installation(database_url, tmp_path) as (clients, pk, github):
        github.status = 503
        refused = await asyncio.gather(*(client.put(f"{pk}/automatic-ticket/") for client in clients))
        untouched = (await clients[0].get(f"{pk}/")).json()["ticket_url"]
        github.status = 201
        made = await clients[1].put(f"{pk}/automatic-ticket/")

        assert [400, 400] == [answer.status_code for answer in refused]
        assert all(answer.json().startswith("GitHub answered 503") for answer in refused)
        assert ("", 200) == (untouched, made.status_code)


async def test_while_a_system_hangs_everything_else_goes_on(database_url, tmp_path):
    """
    The incident can be changed meanwhile, and the ticket is noted in what it has become.
    """
    async with installation(database_url, tmp_path) as (clients, pk, github):
        github.free.clear()
        asking = asyncio.create_task(clients[0].put(f"{pk}/automatic-ticket/"))
        await github.asked.wait()

        closed = await asyncio.wait_for(clients[1].post(f"{pk}/events/", json={"type": "CLO"}), rest.SECONDS / 2)
        github.free.set()

        assert (201, 200) == (closed.status_code, (await asking).status_code)
        incident = (await clients[1].get(f"{pk}/")).json()
        assert (False, "https://github.example.org/noc/net/issues/1") == (incident["open"], incident["ticket_url"])
