"""The process that answers requests, and the application for those who bring their own ASGI server."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from importlib.metadata import version
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import uvicorn
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from adapters import logs
from adapters.child import Parent
from adapters.container import Container, contain
from adapters.counts import note_request
from adapters.databases import data_folder
from adapters.db.hints import OUTBOX
from adapters.db.listen import ACCOUNTS, Listener
from adapters.http.answers import Answer
from adapters.http.app import build_app
from adapters.http.auth import Access, CredentialCache, Uses
from adapters.http.lists import Addresses
from adapters.http.services import LoginMethod, Services, State
from adapters.metrics import Metrics
from adapters.readiness import Readiness
from adapters.settings import Settings, SettingsError, described, load
from adapters.web import Live, Shown, Web, error_page, web_routes
from adapters.wire import Protocol, lose_patience
from argus_core.domain.errors import Unavailable
from argus_core.usecases.accounts import AccountService

if TYPE_CHECKING:
    from adapters.http.answers import App

DRAIN_SECONDS = 10
"""So long may requests take that are being answered when it is time to stop."""

BACKLOG = 2048

LOOKS_EVERY = 10
"""After so many tenths of a second it is looked for those who have taken too long."""

NOTED_EVERY = 15.0
"""So many seconds pass between notes of which tokens were used."""


def create_app() -> "App":
    """
    The application for any ASGI server: `uvicorn --factory adapters.asgi:create_app`.

    Raises:
        SettingsError: the settings are wrong, or name no database.
    """
    loaded = load()
    settings = loaded.settings
    if settings.database_url is None:
        raise SettingsError("DATABASE_URL is not set. Only `argus serve` brings a PostgreSQL of its own.")
    logs.configure(settings.log_level, settings.log_format)
    container = contain(settings, settings.database_url)
    return application(container, Readiness(container), tuple(described(loaded, data_folder(settings))))


def application(container: Container, readiness: Readiness, shown: Sequence[Shown] = ()) -> "App":
    """The application of a container; it connects to the database when it starts."""
    settings: Settings = container.settings()
    cache = CredentialCache()
    uses = Uses()
    live = Live(container.clock())
    readiness.at_stop.append(live.stop)
    listener = Listener(container.database(), {ACCOUNTS: cache.clear, OUTBOX: live.heard})

    @asynccontextmanager
    async def connected(_: Litestar) -> AsyncIterator[None]:
        replica = container.replica()
        async with container.database().opened(), replica.followed() if replica else nullcontext():
            running = (listener.run(), note_uses(uses, services.accounts), live.run())
            tasks = list(map(asyncio.create_task, running))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await _note_once(uses, services.accounts)

    services = Services(
        incidents=container.incidents(),
        reading=container.reading(),
        accounts=container.accounts(),
        profiles=container.profiles(),
        tickets=container.tickets(),
        notifications=container.notifications(),
        maintenance=container.maintenance(),
        watching=container.watching(),
        media=container.media(),
        clock=container.clock(),
        zone=ZoneInfo(settings.time_zone),
        version=version("argus-core"),
        cors_origins=frozenset(settings.cors_origins),
        public_url=settings.public_url,
        login_methods=[LoginMethod(name=slug, path=f"/oidc/login/{slug}/") for slug in settings.oidc],
        unpaged_limit=settings.unpaged_limit,
        credentials=cache,
        uses=uses,
        credential_cache_ok=lambda: listener.connected,
        checks=readiness.checks,
        measure=note_request,
        metrics=Metrics(container, readiness).text,
        metrics_allow=list(map(ip_network, settings.metrics_allow)),
    )
    routes: list[Router | HTTPRouteHandler] = [_pages(container, services, live, readiness, shown), *_routes(settings)]
    return behind(build_app(services, lifespan=[connected], routes=routes, error_page=_error_page), settings.trusted_proxies)


def _pages(container: Container, services: Services, live: Live, readiness: Readiness, shown: Sequence[Shown]) -> Router:
    """The pages that people look at. None looks for a token, and no route of the API for a cookie."""

    async def worries() -> Sequence[str]:
        return [check.message for check in await readiness.checks() if check.state is not State.OK]

    web = Web(
        logins=container.logins(),
        identities=container.identities(),
        accounts=container.accounts(),
        incidents=container.incidents(),
        reading=container.reading(),
        tickets=container.tickets(),
        profiles=container.profiles(),
        notifications=container.notifications(),
        maintenance=container.maintenance(),
        overview=container.overview(),
        media=container.media(),
        clock=container.clock(),
        addresses=Addresses(services),
        live=live,
        administration=container.administration(),
        trying_out=container.trying_out(),
        settings=shown,
        worries=worries,
        public_url=services.public_url,
        zone=services.zone,
    )
    return web_routes(web, {"access": Access.ANYBODY})


async def note_uses(uses: Uses, accounts: AccountService, every: float = NOTED_EVERY) -> None:
    """Have the store note from time to time which tokens were used."""
    while True:
        await asyncio.sleep(every)
        await _note_once(uses, accounts)


async def _note_once(uses: Uses, accounts: AccountService) -> None:
    with suppress(Unavailable):  # they are noted another time, or by the next use
        await uses.flush(accounts)


def behind(app: "App", proxies: Sequence[str]) -> "App":
    """The application, believing these addresses and networks about who asked, and by which scheme; nobody else."""
    return cast("App", ProxyHeadersMiddleware(cast("Any", app), list(proxies))) if proxies else app


def _routes(settings: Settings) -> Sequence[HTTPRouteHandler]:
    """What only some installations serve beside the API."""
    if settings.demo_mailbox is None:
        return ()
    from adapters.demo.pages import mailbox_routes

    return mailbox_routes(settings.demo_mailbox, settings.time_zone)


def _error_page(answer: Answer) -> Answer:
    page = error_page(answer.status)
    headers = {name.encode(): value.encode() for name, value in page.headers.items()}
    kept = [header for header in answer.headers if header[0] not in (b"content-type", b"content-length")]
    return Answer(answer.status, page.content, (b"content-type", b"text/html; charset=utf-8"), *headers.items(), *kept)


class _Server(uvicorn.Server):
    """uvicorn, told to stop by an event instead of signals, and telling when it listens."""

    def __init__(self, config: uvicorn.Config, parent: Parent, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._parent, self._stopping = parent, stopping

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._parent.ready()

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self._stopping.is_set()
        if counter % LOOKS_EVERY == 0:
            lose_patience(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def main(told: int, listening: int) -> None:
    """Answer requests for the supervisor, who hands over the socket."""
    parent = Parent(told)
    listener = socket.socket(fileno=listening)
    orders = parent.orders()
    container = contain(orders.settings, orders.database_url)
    readiness = Readiness(container)
    config = uvicorn.Config(
        application(container, readiness, orders.shown),
        loop="none",
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # by default uvicorn believes whoever is on this machine
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )

    async def serve(stopping: asyncio.Event) -> None:
        async def note_stop() -> None:
            await stopping.wait()
            readiness.stop()

        noting = asyncio.create_task(note_stop())
        try:
            await _Server(config, parent, stopping).serve([listener])
        finally:
            noting.cancel()

    parent.run(serve)
