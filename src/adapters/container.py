"""
What is made of what. Every process, and every command for its moment, puts itself together here.

This is the only file that knows dependency-injector; everybody else gets plain objects.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import random
from time import monotonic

from dependency_injector import containers, providers

from adapters.db.accounts import PgAccounts
from adapters.db.audit import PgAudit
from adapters.db.claims import PgTicketClaims
from adapters.db.database import REPLICA, Database, Runs
from adapters.db.hints import Hints
from adapters.db.journal import PgIncidents
from adapters.db.logins import PgAttempts, PgSessions, PgSlips
from adapters.db.outbox import PgOutbox
from adapters.db.profiles import PgProfiles
from adapters.db.replica import Reads, Replica
from adapters.db.statistics import PgStatistics
from adapters.db.watching import PgWatch
from adapters.durations import duration
from adapters.keys import RandomKeys
from adapters.media.plain import PlainMail
from adapters.passwords import Argon2Passwords
from adapters.plugins import load_media, load_ticket_system
from adapters.room import room_for
from adapters.settings import Settings
from argus_core.domain.audit import ITSELF, Origin
from argus_core.domain.budgets import parse_budget
from argus_core.domain.flapping import parse_threshold
from argus_core.domain.sessions import Lifetime
from argus_core.ports.identity import IdentityProviders
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.administration import AdministrationService
from argus_core.usecases.apply import ApplyService
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
from argus_core.usecases.roundups import RoundupService
from argus_core.usecases.sending import Letterhead, Sender
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.trying_out import TrialService
from argus_core.usecases.watching import WatchService

FOR_WORK = 2
"""So many of a process's connections are for units of work, the others for the journal."""


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


def open_database(settings: Settings, url: str, name: str) -> Database:
    """The connections that the settings allow; nothing is connected yet."""
    return Database(
        url,
        connections=settings.pool_size - FOR_WORK,
        connections_for_work=FOR_WORK,
        application_name=name,
        direct=settings.database_direct_url,
    )


def open_replica(settings: Settings, primary: Database, name: str) -> Replica | None:
    """The replica of the settings, if there is one. It may take half of the time: what it cannot do is done where it is written."""
    if settings.database_read_url is None:
        return None
    database = Database(
        settings.database_read_url,
        connections=settings.pool_size - FOR_WORK,
        seconds=primary.seconds / 2,
        application_name=name,
        name=REPLICA,
    )
    return Replica(primary, database, timedelta(seconds=settings.read_staleness))


def reads(primary: Database, replica: Replica | None, *, newest: bool) -> Runs:
    """Where is read what nothing is decided on."""
    return primary if replica is None else Reads(primary, replica, newest=newest)


def address_of_pages(settings: Settings) -> str:
    """Where links in messages lead to: to somebody else's pages if there are any, else to our own, if their address is known."""
    return settings.frontend_url or settings.public_url


def session_lifetime(settings: Settings) -> Lifetime:
    """How long somebody stays logged in."""
    return Lifetime(duration(settings.session_idle), duration(settings.session_lifetime))


def identity_providers(settings: Settings) -> IdentityProviders:
    """Those of the settings. What speaks to them is loaded only where there are any."""
    if not settings.oidc:
        return {}
    from adapters.oidc.provider import OidcProvider

    return {slug: OidcProvider(slug, provider) for slug, provider in settings.oidc.items()}


class Container(containers.DeclarativeContainer):
    """One of each. `settings`, `url` and `name` come from whoever makes it; anything can be overridden."""

    settings = providers.Dependency(instance_of=Settings)
    url = providers.Dependency(instance_of=str)
    name = providers.Dependency(instance_of=str)
    clock = providers.Object(utc_now)
    origin = providers.Dependency(instance_of=Origin)

    database = providers.Singleton(open_database, settings, url, name)
    replica = providers.Singleton(open_replica, settings, database, name)
    hints = providers.Singleton(Hints, database)
    journal = providers.Singleton(PgIncidents, database, hints.provided.give, providers.Singleton(reads, database, replica, newest=True))
    outbox = providers.Singleton(PgOutbox, database)
    account_store = providers.Singleton(PgAccounts, database)
    passwords = providers.Singleton(Argon2Passwords)
    secrets = providers.Singleton(RandomKeys)
    attempts = providers.Singleton(PgAttempts, database)

    room = providers.Singleton(room_for, settings)
    incidents = providers.Singleton(IncidentService, journal, account_store, clock, settings.provided.sources_own_incidents_only, room)
    reading = providers.Singleton(ReadingService, journal, settings.provided.sources_own_incidents_only)
    accounts = providers.Singleton(
        AccountService,
        account_store,
        passwords,
        secrets,
        settings.provided.auth_token_expires_after_days,
        settings.provided.time_zone,
        attempts,
        origin,
    )
    audit = providers.Singleton(AuditService, providers.Singleton(PgAudit, database), account_store, origin)
    logins = providers.Singleton(
        LoginService,
        accounts,
        providers.Singleton(PgSessions, database, providers.Callable(session_lifetime, settings)),
        providers.Singleton(PgSlips, database),
        providers.Singleton(PlainMail, settings.provided.plugins),
    )
    identities = providers.Singleton(IdentityService, logins, providers.Callable(identity_providers, settings))
    media = providers.Singleton(load_media, settings.provided.media, settings.provided.plugins)
    ticket_system = providers.Singleton(load_ticket_system, settings.provided.ticket_system, settings.provided.plugins)
    tickets = providers.Singleton(TicketService, incidents, providers.Singleton(PgTicketClaims, database), ticket_system)
    profile_store = providers.Singleton(PgProfiles, database)
    profiles = providers.Singleton(ProfileService, profile_store, media, settings.provided.time_zone)
    flapping = providers.Callable(parse_threshold, settings.provided.flapping)
    thresholds = providers.Singleton(KnownThresholds, profile_store, clock, flapping)
    dispatcher = providers.Singleton(
        Dispatcher,
        outbox,
        profile_store,
        media,
        sends=settings.provided.send_notifications,
        own_only=settings.provided.sources_own_incidents_only,
        flapping=flapping,
    )
    budget = providers.Callable(parse_budget, settings.provided.delivery_budget)
    sender = providers.Singleton(
        Sender,
        outbox,
        media,
        providers.Factory(Letterhead, zone=settings.provided.time_zone, frontend=providers.Callable(address_of_pages, settings)),
        seconds=providers.Object(monotonic),
        chance=providers.Object(random),
        sends=settings.provided.send_notifications,
        budget=budget,
        administers=accounts.provided.administers,
    )
    notifications = providers.Singleton(
        NotificationService,
        outbox,
        journal,
        profile_store,
        media,
        clock,
        thresholds,
        settings.provided.send_notifications,
        settings.provided.sources_own_incidents_only,
        origin,
        budget,
    )
    overview = providers.Singleton(
        OverviewService,
        providers.Singleton(PgStatistics, providers.Singleton(reads, database, replica, newest=False)),
        clock,
        thresholds,
        settings.provided.sources_own_incidents_only,
    )
    maintenance = providers.Singleton(MaintenanceService, profile_store, outbox, media, clock, settings.provided.time_zone, origin)
    roundups = providers.Singleton(RoundupService, outbox, profile_store, media)
    watching = providers.Singleton(
        WatchService,
        providers.Singleton(PgWatch, database),
        accounts,
        incidents,
        media,
        providers.Callable(duration, settings.provided.token_warning),
        providers.Callable(duration, settings.provided.undelivered_limit),
    )
    source_flapping = providers.Singleton(FlappingService, profile_store, accounts, thresholds)
    administration = providers.Singleton(
        AdministrationService, accounts, logins, profile_store, notifications, watching, audit, source_flapping
    )
    trying_out = providers.Singleton(TrialService, accounts, incidents, notifications, tickets)
    applying = providers.Singleton(ApplyService, accounts)


def contain(settings: Settings, url: str, origin: Origin = ITSELF, *, name: str = "argus") -> Container:
    """
    A container for these settings and the database at this address, which knows us by that name.

    What is done is done on behalf of Argus itself or of somebody.
    """
    return Container(
        settings=providers.Object(settings), url=providers.Object(url), origin=providers.Object(origin), name=providers.Object(name)
    )


@asynccontextmanager
async def opened(settings: Settings, url: str, origin: Origin = ITSELF, *, name: str = "argus") -> AsyncIterator[Container]:
    """The same, connected to the database until the end of the block."""
    container = contain(settings, url, origin, name=name)
    async with container.database().opened():
        yield container
