"""Whatever is killed with -9 while sources report: what was answered with 201 is kept, whole and once."""

import os
import threading
import time
from itertools import count
from random import Random

import httpx
import pytest

from adapters.db.embedded import running
from integration.journals import assert_nothing_lost, assert_nothing_twice, assert_whole, journals
from integration.killing import BACK_WITHIN, Mortal, mortal
from integration.serving import applied

ROUNDS = int(os.environ.get("KILL_ROUNDS", "7"))
SEED = int(os.environ.get("KILL_SEED", "1"))
SOURCES = 4


class Source(threading.Thread):
    """One who reports without pause, never the same twice, and remembers what became of it."""

    def __init__(self, number: int, installation: Mortal, token: str) -> None:
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


@pytest.fixture
def random():
    return Random(SEED)  # noqa: S311 - the same at every run


@pytest.fixture
def installation(tmp_path, random):
    with mortal(tmp_path, random, {}) as found:
        yield found


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
