"""Whatever is killed, however the mail server behaves: nothing is lost, nothing told out of order, and what comes twice is the same."""

import os
import re
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from random import Random

import psycopg
import pytest

from integration.hearing import want
from integration.notifications.people import Installation
from integration.serving import ARGUS, applied, environ, process, serving
from integration.sink import TAKEN, Sink, sink

SEED = int(os.environ.get("KILL_SEED", "1"))
ROUNDS = int(os.environ.get("KILL_ROUNDS", "7"))
WORKERS = 2
PATIENCE = 90
WAITING = "select (select count(*) from outbox) + (select count(*) from delivery where status = 'waiting')"
# What takes minutes otherwise: leases run out, and pauses end.
TIME_PASSES = "update lane set due = now(), leased_until = least(leased_until, now()) where tried < now() - interval '3 s'"


@pytest.fixture
def random():
    return Random(SEED)  # noqa: S311 - the same at every run


class Workers:
    """Some workers; one that is killed is started again."""

    def __init__(self, environment, folder):
        self._environment, self._folder = environment, folder
        self._running = [ExitStack() for _ in range(WORKERS)]
        self._processes = [None] * WORKERS
        for number in range(WORKERS):
            self._start(number)

    def _start(self, number):
        log = self._running[number].enter_context((self._folder / f"worker-{number}.log").open("ab"))
        started = process(ARGUS, "worker", env=environ(self._environment), cwd=self._folder, stdout=log, stderr=log)
        self._processes[number] = self._running[number].enter_context(started)

    def kill(self, number):
        self._processes[number].kill()
        self._processes[number].wait()
        self._running[number].close()
        self._start(number)

    def stop(self):
        for running in self._running:
            running.close()


@contextmanager
def working(environment, folder):
    workers = Workers(environment, folder)
    try:
        yield workers
    finally:
        workers.stop()


def trouble(random):
    """A mail server of many moods."""
    moods = [TAKEN] * 6 + ["451 busy", "421 too many connections", Sink.DROPPED]
    return lambda _: random.choice(moods)


def live(installation, stopping):
    """Incidents begin, are acknowledged and end, until it is enough."""
    while not stopping.is_set():
        number = installation.report(f"Trouble {time.monotonic_ns()}")
        installation.ask("bob", "POST", f"/incidents/{number}/acks/", {})
        installation.ask("nav", "POST", f"/incidents/{number}/events/", {"type": "END", "timestamp": "2026-11-26T09:00:00Z"})


def all_told(dsn):
    until = time.monotonic() + PATIENCE
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(WAITING).fetchone() != (0,):
            assert time.monotonic() < until, connection.execute("select status, reason, count(*) from delivery group by 1, 2").fetchall()
            connection.execute(TIME_PASSES)
            time.sleep(0.2)


def test_nothing_is_lost_and_nothing_out_of_order(database_url, tmp_path, random):
    with sink() as mailbox:
        environment = {"DATABASE_URL": database_url, "ARGUS_FRONTEND_URL": "https://argus.example.org", **mailbox.settings}
        world = applied(Installation.SPEC, environment=environment, folder=tmp_path)
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        with serving("--no-worker", environment=environment, folder=tmp_path) as served, working(environment, tmp_path) as workers:
            installation = Installation(served, tokens, environment, tmp_path)
            want(installation.as_("alice"))
            mailbox.answer = trouble(random)
            stopping = threading.Event()
            with ThreadPoolExecutor(1) as threads:
                living = threads.submit(live, installation, stopping)
                for number in range(ROUNDS):
                    time.sleep(random.uniform(0.5, 2.0))
                    workers.kill(number % WORKERS)
                stopping.set()
                living.result(PATIENCE)
            mailbox.answer = lambda _: TAKEN
            all_told(database_url)
            installation.close()
        mails = list(mailbox.mails)

    with psycopg.connect(database_url) as connection:
        events = connection.execute("select incident_id, version from event").fetchall()
        deliveries = connection.execute("select id, incident_id, version, status, merged_into from delivery").fetchall()
    assert len(events) > 3 * ROUNDS
    assert sorted(events) == sorted((incident_id, version) for _, incident_id, version, *_ in deliveries)
    assert {"sent", "merged"} >= {status for *_, status, _ in deliveries}
    arrived = defaultdict(list)
    for mail in mails:
        arrived[int(re.match(r"<(\d+)\.", mail.id)[1])].append(mail)
    assert set() == {id_ for id_, *_, status, _ in deliveries if status == "sent"} - arrived.keys(), "lost"
    assert [1] * len(arrived) == [len({(mail.id, mail.subject, mail.text) for mail in same}) for same in arrived.values()]
    told = defaultdict(list)
    for id_, incident_id, version, *_ in deliveries:
        if id_ in arrived:
            told[incident_id].append((arrived[id_][0].at, version))
    assert [] == [
        incident_id for incident_id, some in told.items() if [version for _, version in sorted(some)] != sorted(v for _, v in some)
    ]
