"""Installations that are killed with -9, part by part."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

import httpx

from adapters.db.embedded import running
from integration.serving import ARGUS, descendants, environ, process, serving

BACK_WITHIN = 45.0
READY_WITHIN = 120.0


class Mortal:
    """An installation with a database of its own, and the ways to kill parts of it. Workers are processes apart from the server."""

    def __init__(self, folder: Path, random: Random, environment: Mapping[str, str], data: Path | None = None) -> None:
        self.folder, self._random, self._environment = folder, random, environment
        self._running, self._working = ExitStack(), ExitStack()
        self._workers: list[subprocess.Popen] = []
        self.data = data or Path(tempfile.mkdtemp(prefix="argus-test-"))  # PostgreSQL must be able to reach it
        self.url = ""

    def start(self) -> None:
        """Start it where it was before; what is left of an earlier one is its own affair."""
        port = httpx.URL(self.url).port if self.url else 0
        arguments = ("--data", self.data, "--workers", 2, "--no-worker")
        self.served = self._running.enter_context(serving(*arguments, port=port, environment=self._environment, folder=self.folder))
        self.url = self.served.url

    def stop(self) -> None:
        self._working.close()
        self._workers.clear()
        self._running.close()

    def employ(self, count: int, environment: Mapping[str, str] | None = None) -> None:
        """Have so many workers: those that have died are replaced, perhaps by some in another environment."""
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        while len(self._workers) < count:
            log = self._working.enter_context((self.folder / "workers.log").open("ab"))
            command = (ARGUS, "worker", "--data", self.data)
            options = {
                "env": environ(self._environment if environment is None else environment),
                "cwd": self.folder,
                "stdout": log,
                "stderr": log,
            }
            self._workers.append(self._working.enter_context(process(*command, **options)))

    def until_they_work(self, count: int) -> None:
        """Wait until so many workers have said that they are ready: on a busy machine that takes a while."""
        until = time.monotonic() + READY_WITHIN
        while (self.folder / "workers.log").read_bytes().count(b"is ready") < count:
            assert time.monotonic() < until, "The workers are not ready"
            time.sleep(0.2)

    @property
    def workers(self) -> list[int]:
        return [worker.pid for worker in self._workers if worker.poll() is None]

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def _postmaster_if_any(self) -> int | None:
        with suppress(OSError, IndexError):
            return self.postmaster()
        return None

    # What may be killed.

    def a_worker(self) -> None:
        _kill(self._random.choice(self._workers).pid)

    def all_workers(self) -> None:
        for worker in self._workers:
            _kill(worker.pid)

    def an_http_process(self) -> None:
        _kill(self._random.choice(self.served.children()))

    def all_http_processes(self) -> None:
        for pid in self.served.children():
            _kill(pid)

    def everything_but_postgres(self) -> None:
        self.served.kill()
        self._running.close()
        self.start()

    def a_backend(self) -> None:
        """PostgreSQL then throws everybody out and recovers."""
        _kill(self._random.choice(descendants(self.postmaster())))

    def the_postmaster(self) -> None:
        """Its children go on for a moment; the one that comes after it is waited for."""
        killed = self.postmaster()
        _kill(killed)
        until = time.monotonic() + BACK_WITHIN
        while self._postmaster_if_any() in (killed, None):
            assert time.monotonic() < until, "PostgreSQL was not started again"
            time.sleep(0.05)

    def all_of_postgres(self) -> None:
        postmaster = self.postmaster()
        for pid in (postmaster, *descendants(postmaster)):
            _kill(pid)

    def everything(self) -> None:
        postmaster = self.postmaster()
        for pid in (postmaster, *descendants(postmaster)):
            _kill(pid)
        self.everything_but_postgres()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def mortal(folder: Path, random: Random, environment: Mapping[str, str], data: Path | None = None) -> Iterator[Mortal]:
    """Such an installation, not started yet; at the end it is gone, whatever has been killed. Its data may have a place of their own."""
    found = Mortal(folder, random, environment, data)
    try:
        yield found
    finally:
        found.stop()
        # After a test that failed halfway PostgreSQL may still run: whoever leaves last stops it.
        with running(found.data):
            pass
        shutil.rmtree(found.data)
