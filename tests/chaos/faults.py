"""What happens to an installation, each by its name; gives nothing, and does not wait until it is over."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import Random

import psycopg

from adapters.db.embedded import running
from integration.killing import Mortal
from integration.serving import descendants

HELD = 4.0
"""So many seconds something is stopped or held: longer than clients wait, shorter than the supervisor does."""


class Faults:
    """The kinds of faults, and those that cannot be had here, with the reason."""

    def __init__(self, mortal: Mortal, random: Random) -> None:
        self._mortal, self._random = mortal, random
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
            "SIGSTOP of all workers": lambda: self._stopped(mortal.workers),
            "SIGSTOP of PostgreSQL": lambda: self._stopped([mortal.postmaster(), *descendants(mortal.postmaster())]),
            "PostgreSQL restarted": self._restarted,
            "connections used up": self._exhausted,
            "tables locked": self._locked,
            "connections broken": self._broken,
        }
        self.not_here = {
            "clock jumps": "they would need libfaketime, or a machine of one's own",
            "network cut, replica that takes over": "the private PostgreSQL has neither; `integration.several` has both",
            "disk full": "tests/integration/faults/test_disk.py does it on a small file system",
        }

    def _stopped(self, pids: list[int]) -> None:
        with _each(pids, signal.SIGSTOP, signal.SIGCONT):
            time.sleep(HELD)

    def _restarted(self) -> None:
        """As an operator would, in order: everybody is thrown out, and it is started again by whoever needs it."""
        with suppress(ProcessLookupError):
            os.kill(self._mortal.postmaster(), signal.SIGINT)

    def _exhausted(self) -> None:
        with running(self._mortal.data) as server, ExitStack() as held:
            with suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(psycopg.connect(server.url))
            time.sleep(HELD)

    def _locked(self) -> None:
        with running(self._mortal.data) as server, psycopg.connect(server.url) as connection:
            connection.execute("lock table incident, outbox in access exclusive mode")
            time.sleep(HELD)

    def _broken(self) -> None:
        with running(self._mortal.data) as server, psycopg.connect(server.url) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()"
            )


@contextmanager
def _each(pids: list[int], first: signal.Signals, last: signal.Signals) -> Iterator[None]:
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, first)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, last)
