"""`argus demo`: fill the data folder once, then serve, and let the network go on."""

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import psycopg

from adapters import databases, logs, supervisor
from adapters.db import bulk
from adapters.db.embedded import default_data_dir
from adapters.demo import receiver
from adapters.demo.greeting import Greeting
from adapters.demo.history import DAYS, Cast, history
from adapters.demo.installation import FILE, Memory, Remembered, settle
from adapters.demo.mailbox import Mailbox
from adapters.demo.network import DOMAIN
from adapters.demo.receiver import receiving
from adapters.demo.simulation import Simulation
from adapters.demo.stopping import Word, until_told
from adapters.refusals import Refusal
from argus_core.domain.transitions import Change

if TYPE_CHECKING:
    from adapters.settings import Settings

HOST = "127.0.0.1"
MAILBOX = "mailbox"
_TICK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody wants of a demo. Without `data` it lives beside the data of the real installation."""

    data: Path | None = None
    port: int = 8000
    fresh: bool = False
    pace: float = 1.0
    incidents: int = 20_000


def run(settings: "Settings", wishes: Wishes) -> None:
    """
    Run a demo until a signal says to stop. The database that the settings name is not touched, and all mail goes to the demo's own mailbox.

    Raises:
        Refusal: it cannot be done.
    """
    data = (wishes.data or default_data_dir().with_name("argus-demo")).expanduser().absolute()
    # A line for each request would chase the greeting away.
    level = "warning" if settings.log_level == "info" else settings.log_level
    mailbox = Mailbox(data / MAILBOX)
    settings = msgspec.structs.replace(
        settings,
        database_url=None,
        database_direct_url=None,
        database_read_url=None,
        data=data,
        demo_mailbox=mailbox.folder,
        log_level=level,
        sources_own_incidents_only=True,
        **_nobody_elsewhere(),
    )
    logs.configure(settings.log_level, settings.log_format)
    with until_told() as word:
        with supervisor.listening(HOST, wishes.port):
            pass  # somebody may have the port: better said now than after the work
        with databases.reached(settings) as database:
            word.patient = True  # no step from here on takes long, or it asks after the word
            remembered = _prepared(settings, wishes, data, database.url, word)
            if wishes.fresh:
                mailbox.empty()
            mailbox.open()
            with receiving(mailbox.keep) as port:
                plugins = {**settings.plugins, "ARGUS_EMAIL_PORT": str(port)}
                _serve(msgspec.structs.replace(settings, plugins=plugins), wishes, data, remembered, word)


def _nobody_elsewhere() -> dict[str, Any]:
    """Settings with which nothing of a demo gets out of this machine, whatever the real installation has."""
    plugins = {
        "ARGUS_EMAIL_HOST": receiver.HOST,
        "ARGUS_EMAIL_SECURITY": "none",
        "ARGUS_DEFAULT_FROM_EMAIL": f"Argus <argus@{DOMAIN}>",
        "ARGUS_SMS_GATEWAY_ADDRESS": f"sms@{DOMAIN}",
    }
    return {"send_notifications": True, "media": ("email", "sms"), "ticket_system": "", "plugins": plugins}


def _serve(settings: "Settings", wishes: Wishes, data: Path, remembered: Remembered, word: Word) -> None:
    simulations: list[Simulation] = []

    def announce(address: str) -> None:
        word.obey()  # it may have come just before the supervisor listened to signals

        def greet(try_on: int) -> None:
            greeting = Greeting(address=address, data=data, remembered=remembered, try_on=try_on, now=datetime.now(UTC))
            click.echo(greeting.text())

        simulations.append(Simulation(address, remembered.tokens, pace=wishes.pace))
        simulations[0].start(greet)

    try:
        supervisor.serve(supervisor.Plan(settings=settings, host=HOST, port=wishes.port, shown=_told(settings, data)), announce)
    finally:
        for simulation in simulations:
            simulation.stop()


def _told(settings: "Settings", data: Path) -> tuple[tuple[str, str, str], ...]:
    """The settings for people to look at: a demo has none but its own."""
    from adapters.settings import Loaded, described

    return tuple((name, value, "argus demo") for name, value, _ in described(Loaded(settings, {}, None), data))


def _prepared(settings: "Settings", wishes: Wishes, data: Path, url: str, word: Word) -> Remembered:
    """
    Make sure of everything that is there before it is served: tables, people and sources, and their history.

    Raises:
        Refusal: this is somebody's installation, or the demo runs already and shall begin anew.
    """
    word.obey()
    memory = Memory(data / FILE)
    inhabited = _is_inhabited(url)
    if inhabited and memory.recall() is None:
        raise Refusal(f"In {data} lives an installation that is not a demo; choose another folder with --data.")
    if inhabited and wishes.fresh:
        _empty(data, url)
    if wishes.fresh or not inhabited:
        memory.forget()
    if not databases.is_current(url):
        databases.migrate(url)
    word.obey()
    cast, remembered = asyncio.run(_settled(settings, url, memory))
    with psycopg.connect(url) as connection:
        row = connection.execute("select exists (select from incident)").fetchone()
        if row == (False,):
            _load(connection, cast, wishes.incidents, word)
    word.obey()
    return remembered


async def _settled(settings: "Settings", url: str, memory: Memory) -> tuple[Cast, Remembered]:
    from adapters.container import opened

    async with opened(settings, url) as container:
        return await settle(container, memory)


def _load(connection: "psycopg.Connection[tuple[object, ...]]", cast: Cast, incidents: int, word: Word) -> None:
    began = time.monotonic()
    changes = word.obeyed(history(cast, until=datetime.now(UTC), incidents=incidents))
    loaded = bulk.load(connection, map(bulk.packed, bulk.batches(_shown(changes, incidents))))
    click.echo(
        f"Made up {DAYS} days: {loaded.incidents} incidents, {loaded.events} events, {loaded.acks} acknowledgements, "
        f"in {time.monotonic() - began:.1f} s.",
        err=True,
    )


def _shown(changes: Iterable[Change], about: int) -> Iterator[Change]:
    """The same, with a bar that grows for whoever watches."""
    with click.progressbar(length=about, label="Making up a month", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for count, change in enumerate(changes, 1):
            if count % _TICK == 0:
                bar.update(_TICK)
            yield change
        bar.update(about)


def _is_inhabited(url: str) -> bool:
    with psycopg.connect(url) as connection:
        if connection.execute("select to_regclass('account')").fetchone() == (None,):
            return False
        return connection.execute("select exists (select from account)").fetchone() == (True,)


def _empty(data: Path, url: str) -> None:
    """
    Begin anew.

    Raises:
        Refusal: somebody is there.
    """
    with psycopg.connect(url) as connection:
        others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        if connection.execute(others).fetchone() != (0,):
            raise Refusal(f"The demo in {data} is running; stop it before it begins anew.")
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
