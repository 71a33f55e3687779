"""Whatever is killed with -9 while sources report: what was answered with 201 is kept, whole and once."""

import os
import shutil
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from random import Random

import httpx
import pytest

from adapters.db.embedded import running
from integration.journals import assert_nothing_lost, assert_nothing_twice, assert_whole, journals
from integration.serving import applied, descendants, serving

ROUNDS = int(os.environ.get("KILL_ROUNDS", "7"))
SEED = int(os.environ.get("KILL_SEED", "1"))
SOURCES = 4
BACK_WITHIN = 45.0


class Source(threading.Thread):
    """One who reports without pause, never the same twice, and remembers what became of it."""

    def __init__(self, number: int, installation: "Installation", token: str) -> None:
        super().__init__(daemon=True)
        self._number, self._installation = number, installation
        self._headers = {"Authorization": f"Token {token}"}
        self._stopping = threading.Event()
        self.taken: list[str] = []
        self.unknown: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(headers=self._headers, timeout=20) as client:
            for number in count():
                if self._stopping.is_set():
                    return
                self._report(client, f"report {self._number}-{number}", number)

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def _report(self, client: httpx.Client, description: str, number: int) -> None:
        key = description if number % 2 else ""  # without a key nothing but the server's own care prevents a second one
        body = {"start_time": "2026-01-01T00:00:00Z", "source_incident_id": key, "description": description, "tags": [{"tag": "a=b"}]}
        try:
            answer = client.post(f"{self._installation.url}/api/v2/incidents/", json=body)
        except httpx.TransportError:
            self.unknown.append(description)
            time.sleep(0.02)
            return
        match answer.status_code:
            case 201:
                self.taken.append(description)
            case 503:
                self.unknown.append(description)
                time.sleep(0.02)
            case status:
                self.wrong.append(f"{description}: {status} {answer.text}")


class Installation:
    """An installation with a database of its own, and the ways to kill parts of it."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder, self._random = folder, random
        self._running = ExitStack()
        self.data = Path(tempfile.mkdtemp(prefix="argus-test-"))  # PostgreSQL must be able to reach it
        self.url = ""

    def start(self) -> None:
        """Start it where it was before; what is left of an earlier one is its own affair."""
        port = httpx.URL(self.url).port if self.url else 0
        arguments = ("--data", self.data, "--workers", 2, "--no-worker")
        self.served = self._running.enter_context(serving(*arguments, port=port, environment={}, folder=self._folder))
        self.url = self.served.url

    def stop(self) -> None:
        self._running.close()

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def _postmaster_if_any(self) -> int | None:
        with suppress(OSError, IndexError):
            return self.postmaster()
        return None

    # What may be killed.

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


@pytest.fixture
def random():
    return Random(SEED)  # noqa: S311 - the same at every run


@pytest.fixture
def installation(tmp_path, random):
    found = Installation(tmp_path, random)
    yield found
    found.stop()
    # After a test that failed halfway PostgreSQL may still run: whoever leaves last stops it.
    with running(found.data):
        pass
    shutil.rmtree(found.data)


def test_what_was_answered_survives_kill_9(installation, random, spec, tmp_path):
    world = applied(spec, "--data", installation.data, environment={}, folder=tmp_path)
    installation.start()
    tokens = [world["actors"][name]["token"] for name in ("nav", "zabbix")]
    sources = [Source(number, installation, tokens[number % 2]) for number in range(SOURCES)]
    for source in sources:
        source.start()
    victims = [
        *(installation.an_http_process, installation.all_http_processes, installation.everything_but_postgres, installation.a_backend),
        *(installation.the_postmaster, installation.all_of_postgres, installation.everything),
    ]
    random.shuffle(victims)

    for number in range(ROUNDS):
        time.sleep(random.uniform(0.2, 0.8))
        victims[number % len(victims)]()
        _wait_until_reports_are_taken(sources, victims[number % len(victims)].__name__)
    for source in sources:
        source.stop()
    installation.stop()

    taken = [description for source in sources for description in source.taken]
    assert [] == [wrong for source in sources for wrong in source.wrong]
    with running(installation.data) as server:
        assert_nothing_lost(server.url, taken)
        assert_nothing_twice(server.url)
        assert_whole(journals(server.url))


def _wait_until_reports_are_taken(sources: list[Source], victim: str) -> None:
    """Every source has been answered with 201 again."""
    before = [len(source.taken) for source in sources]
    until = time.monotonic() + BACK_WITHIN
    while any(len(source.taken) <= taken for source, taken in zip(sources, before, strict=True)):
        assert time.monotonic() < until, f"{BACK_WITHIN} s after killing {victim} nobody is served"
        time.sleep(0.05)
