"""Pages over stores in memory, and browsers that keep cookies, without a network."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import ClassVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar

from adapters.http.lists import Addresses
from adapters.keys import RandomKeys
from adapters.plugins import load_media
from adapters.web import Live, Web, web_routes
from argus_core.domain.audit import AuditQuery
from argus_core.domain.errors import ProviderTrouble
from argus_core.domain.flapping import Threshold
from argus_core.domain.identities import Identity, RoleGroups
from argus_core.domain.sessions import Lifetime
from argus_core.domain.transitions import IncidentReport
from argus_core.memory import MemoryAccounts, MemoryIncidents, MemoryProfiles, MemoryTicketClaims
from argus_core.memory.audit import MemoryAudit
from argus_core.memory.logins import MemoryAttempts, MemorySessions, MemorySlips
from argus_core.memory.outbox import MemoryOutbox
from argus_core.memory.statistics import MemoryStatistics
from argus_core.memory.watching import MemoryWatch
from argus_core.ports.identity import Departure
from argus_core.ports.media import BadSettings, EnabledMedium, Media
from argus_core.ports.tickets import TicketFailed
from argus_core.usecases.accounts import AccountService, NewUser
from argus_core.usecases.administration import AdministrationService
from argus_core.usecases.audit import AuditService
from argus_core.usecases.dispatch import Dispatcher
from argus_core.usecases.flapping import FlappingService, KnownThresholds
from argus_core.usecases.identities import IdentityService
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.logins import LoginService
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.overview import OverviewService
from argus_core.usecases.profiles import ProfileService
from argus_core.usecases.reading import ReadingService
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.trying_out import TrialService
from argus_core.usecases.watching import WatchService
from unit.http.conftest import PlainPasswords
from unit.usecases.test_logins import Mailbox

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HTTPS = "https://argus.example.org"
SECRET = "first secret"


def words_of(text):
    """What the content of a page says, in one line."""
    content = text.partition("<main")[2] or text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


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

    def __init__(self, error=None):
        self._error = error or RuntimeError("unheard of")

    async def find(self, digest):
        raise self._error


class Pager:
    """Takes everything; one of its settings is secret."""

    slug, name, lacks = "pager", "Pager", ""
    schema: ClassVar = {
        "type": "object",
        "required": ["number", "key"],
        "properties": {
            "number": {"type": "integer", "title": "Number"},
            "key": {"type": "string", "title": "Key", "writeOnly": True},
            "loud": {"type": "boolean", "title": "Loud"},
            "tone": {"type": "string", "title": "Tone", "enum": ["low", "high"]},
        },
    }

    def clean(self, settings):
        problems = {name: "This field is required." for name in ("number", "key") if not settings.get(name)}
        if problems:
            raise BadSettings(problems)
        return {name: settings[name] for name in self.schema["properties"] if settings.get(name)}

    def label(self, settings):
        return f"Pager: {settings['number']}"


class Tickets:
    """Makes tickets, or says why not."""

    slug, name, fails = "desk", "The desk", ""

    async def create(self, incident, *, actor, link):
        if self.fails:
            raise TicketFailed(self.fails)
        return f"https://desk.example.org/{incident.id}?{link}"


class Present:
    """What the world that a test is in has behind its pages."""

    def __getattr__(self, name):
        return getattr(self.web, name)


PRESENT = Present()


@cache
def pages():
    """Making an application takes longer than most tests: this one serves each world in turn."""
    return Litestar([web_routes(PRESENT, {})], openapi_config=None, logging_config=None)


class World:
    """Alice is somebody, Sam is of the staff, NAV is a source."""

    def __init__(self, public_url=""):
        self.now = NOON
        clock = lambda: self.now  # noqa: E731 - the same for all
        accounts = MemoryAccounts(clock)
        self.people = AccountService(accounts, PlainPasswords(), RandomKeys(), 14, "UTC", MemoryAttempts(clock))
        self.mailbox = Mailbox()
        sessions = MemorySessions(accounts, Lifetime(timedelta(hours=8), timedelta(days=14)), clock)
        self.logins = LoginService(self.people, sessions, MemorySlips(clock), self.mailbox)
        self.journal = MemoryIncidents(accounts)
        self.incidents = IncidentService(self.journal, accounts, clock)
        self.media = Media((*load_media(("email",), {}).enabled, EnabledMedium(slug="pager", name="Pager", medium=Pager())))
        profiles = MemoryProfiles(accounts)
        self.profiles = ProfileService(profiles, self.media, "Europe/Oslo")
        self.outbox = MemoryOutbox(self.journal, accounts, clock)
        self.desk = Tickets()
        self.dispatcher = Dispatcher(self.outbox, profiles, self.media)
        thresholds = KnownThresholds(profiles, clock, Threshold(5, timedelta(minutes=30)))
        self.rooms = {
            "accounts": self.people,
            "incidents": self.incidents,
            "reading": ReadingService(self.journal),
            "tickets": TicketService(self.incidents, MemoryTicketClaims(), self.desk),
            "profiles": self.profiles,
            "notifications": NotificationService(self.outbox, self.journal, profiles, self.media, clock, thresholds),
            "maintenance": MaintenanceService(profiles, self.outbox, self.media, clock, "Europe/Oslo"),
            "overview": OverviewService(MemoryStatistics(self.journal), clock, thresholds),
            "media": self.media,
            "clock": clock,
            "addresses": Addresses(
                SimpleNamespace(accounts=self.people, profiles=self.profiles, zone=ZoneInfo("Europe/Oslo"), clock=clock)
            ),
            "live": Live(clock),
        }
        notifications, tickets = self.rooms["notifications"], self.rooms["tickets"]
        self.audit = AuditService(MemoryAudit(accounts), accounts)
        self.watch = MemoryWatch(accounts, self.outbox, clock)
        watching = WatchService(self.watch, self.people, self.incidents, self.media, timedelta(days=7), timedelta(hours=1))
        flapping = FlappingService(profiles, self.people, thresholds)
        administration = AdministrationService(self.people, self.logins, profiles, notifications, watching, self.audit, flapping)
        self.worries = []
        self.rooms |= {
            "administration": administration,
            "trying_out": TrialService(self.people, self.incidents, notifications, tickets),
            "settings": [("ARGUS_EMAIL_HOST", "mail.example.org", "environment"), ("ARGUS_EMAIL_PASSWORD", "********", "environment")],
            "worries": self._worries,
        }
        self.feide = Feide()
        self.identities = IdentityService(self.logins, {"feide": self.feide})
        self.serve(public_url)

    async def _worries(self):
        return self.worries

    async def noted(self, **query):
        """What the audit log has, newest first: who, from where, did what, about what, and how it was."""
        found = await self.audit.newest(AuditQuery(**query), 1_000)
        entries = [record.entry for record in found]
        return [(entry.origin.username, entry.origin.address, entry.deed.value, entry.about, entry.details) for entry in entries]

    def serve(self, public_url="", logins=None):
        zone = ZoneInfo("Europe/Oslo")
        PRESENT.web = Web(logins=logins or self.logins, identities=self.identities, public_url=public_url, zone=zone, **self.rooms)
        self.app = pages()

    def forget(self):
        """Serve with pages that remember nothing of what was asked for before."""
        pages.cache_clear()
        self.app = pages()

    def browser(self, url=HTTPS, address="192.0.2.1"):
        transport = httpx.ASGITransport(self.app, client=(address, 1234), raise_app_exceptions=False)
        return Browser(httpx.AsyncClient(transport=transport, base_url=url, headers={"user-agent": "Firefox/1 (Linux)"}))

    async def somebody(self, name="alice", url=HTTPS):
        browser = self.browser(url)
        assert (await browser.log_in(name)).status_code == 303
        return browser

    async def actor(self, name="alice"):
        return await self.people.acting(await self.people.user_named(name))

    async def report(self, source="nav", **fields):
        """A new incident of a source."""
        if source not in [known.name for known in await self.people.sources()]:
            await self.people.create_source(
                source, "nav", username="nav" if source == "nav" else "robot", base_url="https://nav.example.org/"
            )
        (robot,) = [known.user_id for known in await self.people.sources() if known.name == source]
        actor = await self.people.acting(await self.people.user(robot))
        return (await self.incidents.report(IncidentReport(**{"start_time": self.now, **fields}), actor=actor)).incident

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

    async def main(self, path):
        """What a page says, without what it is made of, in one line."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return words_of(answer.text)

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
