"""What happens to an installation, each by its name; gives nothing, and does not wait until it is over."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import LiteralString

import httpx
import psycopg

from adapters.db.embedded import running
from adapters.room import LEAST
from chaos.clock import Clock
from chaos.disk import Disk
from integration.killing import Mortal
from integration.lives import Life, may_be
from integration.serving import descendants, serving

HELD = 4.0
"""So many seconds something is stopped or held: longer than clients wait, shorter than the supervisor does."""

CROWD = 40
"""More ask at once than there are connections to the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it happens: the installation, its tokens, its disk or why it has none, and the version before or why there is none."""

    mortal: Mortal
    tokens: dict[str, str]
    environment: dict[str, str]
    clock: Clock
    disk: Disk | str
    before: Path | str
    lives: list[Life] = field(default_factory=list)
    """Those who lived with the version before, too."""
    wrong: list[str] = field(default_factory=list)
    """What somebody in a crowd was answered, and should not have been."""

    @property
    def older(self) -> dict[str, str]:
        """The environment in which the version before runs."""
        return {**self.environment, "PYTHONPATH": f"{self.environment['PYTHONPATH']}{os.pathsep}{self.before}"}


class Faults:
    """The kinds of faults, and those that cannot be had here, with the reason."""

    def __init__(self, place: Place, random: Random) -> None:
        self._place, self._mortal, self._random = place, place.mortal, random
        mortal = place.mortal
        self.kinds: dict[str, Callable[[], None]] = {
            "kill -9 of a worker": mortal.a_worker,
            "kill -9 of all workers": mortal.all_workers,
            "kill -9 of an HTTP process": mortal.an_http_process,
            "kill -9 of all HTTP processes": mortal.all_http_processes,
            "kill -9 of everything but PostgreSQL": mortal.everything_but_postgres,
            "kill -9 of a PostgreSQL backend": mortal.a_backend,
            "kill -9 of the postmaster": mortal.the_postmaster,
            "kill -9 of all of PostgreSQL": mortal.all_of_postgres,
            "kill -9 of everything": mortal.everything,
            "SIGSTOP of an HTTP process": lambda: self._stopped([self._random.choice(mortal.served.children())]),
            "SIGSTOP of the supervisor": lambda: self._stopped([mortal.served.process.pid]),
            "SIGSTOP of all workers": lambda: self._stopped(mortal.workers),
            "SIGSTOP of PostgreSQL": lambda: self._stopped([mortal.postmaster(), *descendants(mortal.postmaster())]),
            "PostgreSQL restarted in order": lambda: self._restarted(signal.SIGINT),
            "PostgreSQL restarted at once": lambda: self._restarted(signal.SIGQUIT),
            "connections used up": self._exhausted,
            "pool used up": self._crowded,
            "tables locked": self._locked,
            "connections broken": self._broken,
            "clock an hour fast": lambda: self._jumped(3600),
            "clock an hour slow": lambda: self._jumped(-3600),
        }
        self.not_here = {"network cut, replica that takes over": "the private PostgreSQL has neither; `integration.several` has both"}
        disk, before = place.disk, place.before
        if isinstance(disk, Disk):
            self.kinds |= {
                "disk nearly full": lambda: self._filled(disk, LEAST // 2),
                "disk full": lambda: self._filled(disk, 0),
            }
        else:
            self.not_here["disk full"] = disk
        if isinstance(before, Path):
            self.kinds["the version before beside it"] = self._beside
        else:
            self.not_here["the version before beside it"] = before
        self.denied = {
            "clock an hour fast": "clock",
            "clock an hour slow": "clock",
            "disk nearly full": "256 MB",
            "disk full": "",
            "SIGSTOP of PostgreSQL": "",
        }
        """During these it has to be said that nothing is ready, in which words."""

    def _stopped(self, pids: Sequence[int]) -> None:
        with _each(pids, signal.SIGSTOP, signal.SIGCONT):
            time.sleep(HELD)

    def _restarted(self, how: signal.Signals) -> None:
        """As an operator would: everybody is thrown out, and it is started again by whoever needs it."""
        with suppress(ProcessLookupError):
            os.kill(self._mortal.postmaster(), how)

    def _exhausted(self) -> None:
        with running(self._mortal.data) as server, ExitStack() as held:
            with suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(psycopg.connect(server.url))
            time.sleep(HELD)

    def _locked(self) -> None:
        with running(self._mortal.data) as server, psycopg.connect(server.url) as connection:
            _lock(connection, "incident, outbox")
            time.sleep(HELD)

    def _crowded(self) -> None:
        """Everybody waits for the same, so that there is no connection left for those who come later."""
        with (
            running(self._mortal.data) as server,
            psycopg.connect(server.url) as connection,
            httpx.Client(headers={"Authorization": f"Token {self._place.tokens['bob']}"}, limits=httpx.Limits(), timeout=20) as client,
            ThreadPoolExecutor(CROWD) as crowd,
        ):
            _lock(connection, "incident")
            asked = [crowd.submit(client.get, f"{self._mortal.url}/api/v2/incidents/") for _ in range(CROWD)]
            time.sleep(HELD)
            connection.rollback()
            self._place.wrong.extend(filter(None, (_wrong(one.exception() or one.result()) for one in asked)))

    def _broken(self) -> None:
        with running(self._mortal.data) as server, psycopg.connect(server.url) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()"
            )

    def _jumped(self, seconds: float) -> None:
        self._place.clock.jump(seconds)
        try:
            time.sleep(HELD)
        finally:
            self._place.clock.jump(0)

    def _filled(self, disk: Disk, least: int) -> None:
        with disk.leaving(least):
            time.sleep(HELD)

    def _beside(self) -> None:
        """The version before serves the same data, somebody lives with it, and from now on a worker of it may take its share."""
        place = self._place
        arguments = ("--data", self._mortal.data, "--workers", 1, "--no-worker")
        with serving(*arguments, environment=place.older, folder=self._mortal.folder) as older:
            life = Life(100 + len(place.lives), older, place.tokens)
            life.start()
            time.sleep(HELD)
            life.stop()
        place.lives.append(life)
        assert life.incidents, "the version before took nothing"
        self._mortal.a_worker()
        self._mortal.employ(len(self._mortal.workers) + 1, place.older)


def _lock(connection: psycopg.Connection, tables: LiteralString) -> None:
    """Of two that wait for each other, PostgreSQL may send away this one."""
    while True:
        try:
            connection.execute(f"lock table {tables} in access exclusive mode")
        except psycopg.errors.DeadlockDetected:
            connection.rollback()
        else:
            return


def _wrong(outcome: httpx.Response | BaseException) -> str | None:
    """What is wrong with an answer, or with there being none."""
    if isinstance(outcome, httpx.Response):
        return None if may_be(outcome) else f"{outcome.status_code} {outcome.text[:200]}"
    return f"no answer: {outcome!r}"


@contextmanager
def _each(pids: Sequence[int], first: signal.Signals, last: signal.Signals) -> Iterator[None]:
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, first)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, last)
