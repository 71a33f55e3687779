"""Servers, a worker and PostgreSQL on machines of their own, and a network that loses everything."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest

from integration.faults.test_failover import TIME_OUT, Timed, assert_nothing_acknowledged_is_lost, until_all_are_served
from integration.hearing import want
from integration.journals import assert_nothing_twice, assert_whole, journals
from integration.lives import all_told, find
from integration.several import several

BACK_WITHIN = 20.0
CUT = 6.0
ASKED = 8


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    with several(tmp_path_factory.mktemp("several")) as found:
        with client(found, found.url, "alice") as alice:
            want(alice)
        yield found


def client(installation, url, who):
    headers = {"Authorization": f"Token {installation.tokens[who]}"}
    return httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=30)


def begun(installation):
    """Sources and people at each server."""
    lives = [Timed(number, SimpleNamespace(url=url), installation.tokens) for number, url in enumerate(installation.urls)]
    for life in lives:
        life.start()
    until_all_are_served(lives, time.monotonic(), BACK_WITHIN)
    return lives


def ended(installation, lives):
    for life in lives:
        life.stop()
    all_told(installation.dsn)
    kept = find(installation.dsn, list(installation.mailbox.mails), set())
    assert_nothing_acknowledged_is_lost(lives, kept)
    assert set() == kept.undecided
    assert [] == kept.undelivered
    assert_nothing_twice(installation.dsn)
    assert_whole(journals(installation.dsn))


def test_what_one_server_is_told_the_other_shows_at_once_and_the_worker_tells_people(installation):
    first, second = installation.urls
    report = {"start_time": "2026-11-26T08:00:00Z", "tags": [{"tag": "host=gw1"}], "level": 1}
    with client(installation, first, "nav") as nav, client(installation, second, "bob") as bob:
        for number in range(20):
            told = {**report, "description": f"Trouble of many machines {number}"}
            pk = nav.post("/incidents/", json=told).raise_for_status().json()["pk"]
            assert pk == bob.get("/incidents/?page_size=1").raise_for_status().json()["results"][0]["pk"]
            bob.post(f"/incidents/{pk}/acks/", json={}).raise_for_status()
            assert nav.get(f"/incidents/{pk}/").raise_for_status().json()["acked"]
        ready = bob.get(f"{second}/health/ready").json()

    assert "replica" in {check["name"] for check in ready["checks"] if check["state"] == "ok"}
    installation.mailbox.wait_for(lambda mails: sum("Trouble of many machines" in mail.text for mail in mails) >= 20, 60)


def test_while_the_network_loses_everything_everybody_is_told_so_in_time_and_it_goes_on_by_itself(installation):
    lives = begun(installation)
    with client(installation, installation.url, "alice") as alice, client(installation, installation.url, "nav") as nav:
        installation.cut()
        cut = time.monotonic()

        def ask(number):
            began = time.monotonic()
            report = {"start_time": "2026-11-26T08:00:00Z", "tags": [], "description": f"asked meanwhile {number}"}
            answer = nav.post("/incidents/", json=report) if number % 2 else alice.get("/incidents/")
            return answer, time.monotonic() - began

        with ThreadPoolExecutor(ASKED) as callers:
            answers = list(callers.map(ask, range(ASKED)))
        ready = alice.get(f"{installation.url}/health/ready")
        time.sleep(max(0.0, cut + CUT - time.monotonic()))
        installation.mend()
        until_all_are_served(lives, time.monotonic(), BACK_WITHIN)

    assert [503] * ASKED == [answer.status_code for answer, _ in answers]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer, _ in answers)
    assert 503 == ready.status_code
    ended(installation, lives)
    assert TIME_OUT > max(*(seconds for _, seconds in answers), *(took for life in lives for took in life.took))


def test_the_machine_with_the_database_dies_and_the_other_one_takes_over(installation):
    lives = begun(installation)
    time.sleep(0.5)

    installation.databases.fail_over(1.0)
    until_all_are_served(lives, time.monotonic(), BACK_WITHIN)

    ended(installation, lives)
    assert TIME_OUT > max(took for life in lives for took in life.took)
