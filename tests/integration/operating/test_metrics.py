"""Metrics of a server with several processes are right whichever of them answers, and stay so when one dies."""

import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from integration.notifications.people import Installation
from integration.postgres import fresh_database
from integration.serving import ARGUS, applied, environ, impatience, process, serving
from integration.sink import sink

PATIENCE = 60
REQUESTS = "argus_http_request_duration_seconds_count"
LISTED = REQUESTS, ("method", "GET"), ("route", "/api/v2/incidents/"), ("status", "2xx")


def until(condition, what):
    """Wait for something to become true; gives what made it so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited too long for {what}")


class Watched(Installation):
    """An installation of which metrics are collected without a token."""

    def metrics(self):
        """All samples, from whichever process answers."""
        answer = httpx.get(f"{self.served.url}/metrics", timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        families = text_string_to_metric_families(answer.text)
        return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}

    def told_by_both(self):
        """Answers given until two processes had answered, and which processes those are."""
        begin, seen = len(self.served.log.read_text()), []

        def both():
            with ThreadPoolExecutor(8) as pool:  # one after the other would all go to the same process
                seen.extend(pool.map(lambda _: self.metrics(), range(8)))
            answered = set(re.findall(r"\[(\d+)\] GET /metrics 200", self.served.log.read_text()[begin:]))
            return len(answered) > 1 and answered

        return seen, set(map(int, until(both, "answers of both processes")))


@pytest.fixture(scope="module")
def watched(postgres, migrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    with fresh_database(postgres, template=migrated) as database, sink() as mailbox:
        environment = {"DATABASE_URL": database, "ARGUS_METRICS_ALLOW": "127.0.0.1", **mailbox.settings}
        world = applied(Installation.SPEC, environment=environment, folder=folder)
        with serving("--workers", 2, environment=environment, folder=folder) as served:
            installed = Watched(served, {name: one["token"] for name, one in world["actors"].items()}, environment, folder)
            installed.want("alice")
            yield installed
            installed.close()


def list_incidents(watched, times):
    """So many lists, each on a connection of its own."""
    for _ in range(times):
        answer = httpx.get(f"{watched.served.url}/api/v2/incidents/", headers={"Authorization": f"Token {watched.tokens['bob']}"})
        assert 200 == answer.status_code


def test_the_sum_is_right_whichever_process_answers_and_stays_when_one_is_killed(watched):
    before = watched.metrics().get(LISTED, 0)
    list_incidents(watched, 40)
    until(lambda: watched.metrics().get(LISTED, 0) == before + 40, "the count of all")
    told, processes = watched.told_by_both()

    victim = min(processes)
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in watched.served.children() and len(watched.served.children()) >= 3, "another process")
    list_incidents(watched, 10)

    assert {before + 40} == {seen[LISTED] for seen in told}
    until(lambda: watched.metrics()[LISTED] == before + 50, "the count of all, that of the dead one included")


def test_what_is_counted_is_what_was_done(watched):
    """
    The worker counts attempts, and any HTTP process tells of them; the database knows what is open.
    """
    for number in range(3):
        watched.report(f"Router {number} down", level=2)
    sent = "argus_delivery_attempts_total", ("medium", "email"), ("outcome", "sent")

    def attempts():
        deliveries = watched.ask("alice", "GET", "/incidents/?open=true&page_size=100")["results"]
        ledger = [watched.ask("alice", "GET", f"/incidents/{incident['pk']}/notifications/") for incident in deliveries]
        made = Counter(one["outcome"] for some in ledger for delivery in some for one in delivery["attempts"])
        return made["sent"] if all(some and all(one["status"] == "sent" for one in some) for some in ledger) else 0

    made = until(attempts, "mails about all")
    seen = until(lambda: (now := watched.metrics()).get(sent) == made and now, "as many attempts as the ledger has")

    assert made >= 3
    kept = until(lambda: (now := watched.metrics()).get(_open(2), 0) == 3 and now, "figures that are new enough")
    assert 0 == kept["argus_waiting_deliveries", ("medium", "email")]
    assert {1} == {value for (name, *_), value in seen.items() if name == "argus_check_ok"}


def _open(level):
    return "argus_open_incidents", ("level", str(level)), ("source", "nav-oslo"), ("source_type", "nav")


def test_a_worker_alone_tells_what_it_counts(watched):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (ARGUS, "worker", "--metrics", f"127.0.0.1:{port}")
    options = {"env": environ(watched.environment), "cwd": watched.folder, "stdout": subprocess.PIPE, "text": True}
    with process(*command, **options) as worker, impatience(worker):
        assert "The worker is ready.\n" == worker.stdout.readline()
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        worker.terminate()

        assert "argus_build_info" in answer.text
        assert 0 == worker.wait(PATIENCE)


@pytest.mark.parametrize(("address", "sentence"), [("9100", "no address"), ("127.0.0.1:9100", "set ARGUS_METRICS_ALLOW")])
def test_a_worker_that_would_tell_nobody_says_so(watched, address, sentence):
    environment = {name: value for name, value in watched.environment.items() if name != "ARGUS_METRICS_ALLOW"}
    done = subprocess.run(
        [ARGUS, "worker", "--metrics", address],
        env=environ(environment),
        cwd=watched.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 2 == done.returncode
    assert sentence in done.stderr
