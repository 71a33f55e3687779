"""A small world over stores in memory, and somebody to ask it over HTTP without a network."""

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from adapters.http import CredentialCache, Services, build_app
from adapters.http.auth import Uses
from adapters.http.services import Check, State
from adapters.keys import RandomKeys
from adapters.plugins import load_media
from argus_core.domain.actors import Actor
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles, MemoryTicketClaims
from argus_core.memory.logins import MemoryAttempts
from argus_core.memory.outbox import MemoryOutbox
from argus_core.memory.watching import MemoryWatch
from argus_core.ports.accounts import Passwords
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.flapping import KnownThresholds
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.profiles import ProfileService
from argus_core.usecases.reading import ReadingService
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.watching import WatchService

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")
ORIGIN = "https://front.example.org"


class PlainPasswords(Passwords):
    """Passwords that cost no time."""

    async def hash(self, password):
        return f"hash of {password}"

    async def verify(self, password, hashed):
        return hashed == f"hash of {password}"

    def is_current(self, hashed):
        return True


@dataclass
class World:
    """Alice and Bob are people, Ada is a superuser, NAV and Zabbix are sources; everybody has a token."""

    now: datetime = NOON
    tokens: dict = field(default_factory=dict)
    pks: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    cache_ok: bool = True
    problems: tuple = ()
    ticket_system: object = None
    unpaged_limit: int = 10_000
    own_only: bool = False
    _keys: object = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self):
        self.accounts = MemoryAccounts(lambda: self.now)
        self.journal = MemoryIncidents(self.accounts)
        self.attempts = MemoryAttempts(lambda: self.now)
        self.people = AccountService(self.accounts, PlainPasswords(), RandomKeys(), 14, "Europe/Oslo", self.attempts)
        self.media = load_media(("email", "sms"), {})
        self.profile_store = MemoryProfiles(self.accounts)
        self.profiles = ProfileService(self.profile_store, self.media, "Europe/Oslo")
        self.outbox = MemoryOutbox(self.journal, self.accounts, lambda: self.now)
        self.watch = MemoryWatch(self.accounts, self.outbox, lambda: self.now)
        self._usual = (self.media, self.profiles)
        self.credentials = CredentialCache()
        self.uses = Uses()
        self.app = build_app(self.services)
        asyncio.run(self._populate())

    def begin_again(self):
        """As if nothing had happened; making an application takes longer than most tests."""
        self.now, self.cache_ok, self.problems, self._keys = NOON, True, (), itertools.count(1)
        self.ticket_system, self.unpaged_limit, self.own_only = None, 10_000, False
        self.media, self.profiles = self._usual
        clock = lambda: self.now  # noqa: E731 - the same for both
        for store, arguments in (
            (self.accounts, [clock]),
            (self.journal, [self.accounts]),
            (self.outbox, [self.journal, self.accounts, clock]),
            (self.attempts, [clock]),
            (self.watch, [self.accounts, self.outbox, clock]),
        ):
            vars(store).clear()
            store.__init__(*arguments)
        self.credentials.clear()
        asyncio.run(self._populate())

    @property
    def thresholds(self):
        return KnownThresholds(self.profile_store, lambda: self.now)

    @property
    def services(self):
        async def checks():
            return [Check("database", State.FAILED, problem) for problem in self.problems]

        return Services(
            incidents=IncidentService(self.journal, self.accounts, lambda: self.now, self.own_only),
            reading=ReadingService(self.journal, self.own_only),
            accounts=self.people,
            profiles=self.profiles,
            tickets=TicketService(
                IncidentService(self.journal, self.accounts, lambda: self.now, self.own_only), MemoryTicketClaims(), self.ticket_system
            ),
            notifications=NotificationService(
                self.outbox, self.journal, self.profile_store, self.media, lambda: self.now, self.thresholds, own_only=self.own_only
            ),
            maintenance=MaintenanceService(self.profile_store, self.outbox, self.media, lambda: self.now, "Europe/Oslo"),
            watching=WatchService(
                self.watch,
                self.people,
                IncidentService(self.journal, self.accounts, lambda: self.now, self.own_only),
                self.media,
                timedelta(days=7),
                timedelta(minutes=15),
            ),
            media=self.media,
            unpaged_limit=self.unpaged_limit,
            clock=lambda: self.now,
            zone=OSLO,
            version="1.2.3",
            cors_origins=frozenset({ORIGIN}),
            credentials=self.credentials,
            uses=self.uses,
            credential_cache_ok=lambda: self.cache_ok,
            checks=checks,
        )

    async def _populate(self):
        await self._person("alice", first_name="Alice", last_name="Adams", email="alice@example.org")
        await self._person("bob")
        await self._person("ada", staff=True, superuser=True)
        await self._source("nav", "https://nav.example.org/")
        await self._source("zabbix", "")

    async def _person(self, name, **more):
        user = await self.people.create_user(NewUser(username=name, password=f"{name}'s secret", **more))
        self.pks[name] = user.id
        self.tokens[name] = (await self.people.create_token(name, "test", days=1000)).key

    async def _source(self, name, base_url):
        source, token = await self.people.create_source(name, name, base_url=base_url)
        self.sources[name] = source
        self.pks[name] = source.user_id
        self.tokens[name] = token.key

    def actor(self, who):
        """A person as one who acts with any token."""
        return Actor(id=self.pks[who], username=who)

    def later(self, **duration):
        """Let time pass."""
        self.now += timedelta(**duration)

    def as_(self, who=None, app=None, **headers):
        """Somebody who asks; nobody in particular when `who` is None."""
        if who is not None:
            headers["Authorization"] = f"Token {self.tokens[who]}"
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://argus.example.org", headers=headers)

    async def ask(self, who, method, path, **request):
        """One request to API v2."""
        async with self.as_(who) as client:
            return await client.request(method, f"/api/v2/{path}", **request)

    async def incident(self, who="nav", **more):
        """A new incident, as its answer shows it."""
        body = {"start_time": self.now.isoformat(), "tags": [], "source_incident_id": str(next(self._keys)), **more}
        answer = await self.ask(who, "POST", "incidents/", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def only_world():
    return World()


@pytest.fixture
def world(only_world):
    only_world.begin_again()
    return only_world


@pytest.fixture(scope="module")
def lasting_world():
    """One for all examples of a property, in which incident 1 has acknowledgement 2."""
    world = World()
    asyncio.run(world.incident())
    asyncio.run(world.ask("alice", "POST", "incidents/1/acks/"))
    return world
