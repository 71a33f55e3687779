"""Pages over stores in memory, and browsers that keep cookies, without a network."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar

from adapters.keys import RandomKeys
from adapters.web import Web, web_routes
from argus_core.domain.errors import ProviderTrouble
from argus_core.domain.identities import Identity, RoleGroups
from argus_core.domain.sessions import Lifetime
from argus_core.memory import MemoryAccounts
from argus_core.memory.logins import MemoryAttempts, MemorySessions, MemorySlips
from argus_core.ports.identity import Departure
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.identities import IdentityService
from argus_core.usecases.logins import LoginService
from unit.http.conftest import PlainPasswords
from unit.usecases.test_logins import Mailbox

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HTTPS = "https://argus.example.org"
SECRET = "first secret"


class Feide:
    """Says who it is told to; without that, it is down."""

    slug, name, roles = "feide", "Feide", RoleGroups()
    says = None

    async def depart(self, return_to):
        return Departure(url="https://feide.example.org/", state="a-state", nonce="n", verifier="v")

    async def arrive(self, query, departure, return_to):
        if self.says is None:
            raise ProviderTrouble("Feide cannot be used at the moment.")
        return self.says

    async def leave(self, proof, return_to):
        return f"https://feide.example.org/out?{proof}"


class Broken:
    """Reads no session."""

    async def find(self, digest):
        raise RuntimeError("unheard of")


class World:
    """Alice is somebody, Sam is of the staff."""

    def __init__(self, public_url=""):
        self.now = NOON
        clock = lambda: self.now  # noqa: E731 - the same for all
        accounts = MemoryAccounts(clock)
        self.people = AccountService(accounts, PlainPasswords(), RandomKeys(), 14, "UTC", MemoryAttempts(clock))
        self.mailbox = Mailbox()
        sessions = MemorySessions(accounts, Lifetime(timedelta(hours=8), timedelta(days=14)), clock)
        self.logins = LoginService(self.people, sessions, MemorySlips(clock), self.mailbox)
        self.feide = Feide()
        self.identities = IdentityService(self.logins, {"feide": self.feide})
        self.serve(public_url)

    def serve(self, public_url="", logins=None):
        web = Web(logins=logins or self.logins, identities=self.identities, public_url=public_url, zone=ZoneInfo("Europe/Oslo"))
        self.app = Litestar([web_routes(web, {})], openapi_config=None, logging_config=None)

    def browser(self, url=HTTPS, address="192.0.2.1"):
        transport = httpx.ASGITransport(self.app, client=(address, 1234), raise_app_exceptions=False)
        return Browser(httpx.AsyncClient(transport=transport, base_url=url, headers={"user-agent": "Firefox/1 (Linux)"}))

    async def somebody(self, name="alice", url=HTTPS):
        browser = self.browser(url)
        assert (await browser.log_in(name)).status_code == 303
        return browser

    def vouched(self, **more):
        self.feide.says = Identity(issuer="i", subject="s", username="olga", proof="signed", **more)


@dataclass
class Browser:
    client: httpx.AsyncClient

    async def get(self, path, **more):
        return await self.client.get(path, **more)

    async def token(self, path):
        """What the form on a page carries."""
        return re.search(r'name="csrf_token" value="(\w+)"', (await self.get(path)).text)[1]

    async def send(self, path, fields=(), page="/login/", **more):
        """Fill in a form on a page."""
        return await self.client.post(path, data={"csrf_token": await self.token(page), **dict(fields)}, **more)

    async def log_in(self, name="alice", password=SECRET, **more):
        return await self.send("/login/", {"username": name, "password": password, **more})

    def cookie(self, name):
        return self.client.cookies.get(name)


@pytest.fixture
async def world():
    world = World()
    await world.people.create_user(NewUser(username="alice", password=SECRET, email="alice@example.org"))
    await world.people.create_user(NewUser(username="sam", password=SECRET, staff=True))
    return world
