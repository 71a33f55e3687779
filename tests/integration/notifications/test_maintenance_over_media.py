"""Recurring maintenance by mail and by webhook: processes are killed and receivers refuse at random, and nothing is lost."""

import os
import signal
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import psycopg
import pytest

from integration.notifications.dead import bury
from integration.notifications.people import Installation
from integration.postgres import fresh_database
from integration.serving import applied, serving
from integration.sink import TAKEN, sink

PATIENCE = 120
SOON = timedelta(seconds=4)
INCIDENTS = 15
COVERED = [number for number in range(INCIDENTS) if number % 3]
RESOLVED = COVERED[::2]
REFUSED = 0.3


@pytest.fixture
def installation(postgres, migrated, tmp_path, receiver):
    """Alice, who hears of everything by mail and by webhook."""
    with fresh_database(postgres, template=migrated) as dsn, sink() as mailbox:
        environment = {"DATABASE_URL": dsn, "ARGUS_FRONTEND_URL": "https://argus.example.org", **mailbox.settings, **receiver.settings}
        world = applied(Installation.SPEC, environment=environment, folder=tmp_path)
        with serving(environment=environment, folder=tmp_path) as served:
            installed = Installation(served, {name: one["token"] for name, one in world["actors"].items()}, environment, tmp_path)
            with closing(installed):
                mail = installed.ask("alice", "GET", "/notificationprofiles/destinations/")[0]["pk"]
                hook = installed.ask("alice", "POST", "/notificationprofiles/destinations/", receiver.destination)["pk"]
                installed.want("alice", destinations=[mail, hook])
                installed.hooks, installed.mailbox = receiver, mailbox
                yield installed


def kill_all(served):
    """Everything but PostgreSQL is killed."""
    for pid in served.children():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def answers(served):
    """Whether anybody is there again: on a busy machine nobody ever would be, if the next one was killed before."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{served.url}/api/v2/", timeout=5).status_code < 500
    return False


def runs_now(until):
    """Hours of every day that end then, in a zone where it is about noon."""
    ahead = 12 - until.hour
    begin, end = (until + timedelta(hours=ahead + more) for more in (-2, 0))
    hours = {"days": [1, 2, 3, 4, 5, 6, 7], "start": begin.strftime("%H:%M:%S"), "end": end.strftime("%H:%M:%S")}
    return {"time_recurrences": [hours], "zone": f"Etc/GMT{-ahead:+d}" if ahead else "UTC"}


@contextmanager
def killing(served, random):
    """Everything but PostgreSQL is killed, again and again; afterwards nobody lives who has sent anything by then."""
    enough = threading.Event()

    def kill():
        while not enough.wait(random.uniform(1, 5)):
            kill_all(served)
            while not enough.wait(0.1) and not answers(served):
                pass

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    yield
    enough.set()
    thread.join()
    kill_all(served)


def stubbornly(client, method, path, body=None):
    """
    What is answered in the end, though whoever could answer is killed now and then.

    Whoever is killed after something was kept has not said so; the next one then says 400: it is there already.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            answer = client.request(method, path, json=body)
            assert answer.status_code in (200, 201, 400, 503), answer.text
            if answer.status_code != 503:
                return answer.json()
        time.sleep(0.2)
    return pytest.fail("Nobody answers any more.")


def lives(installation):
    """Incidents, two in three of them under the maintenance, half of which are over soon; gives the numbers of all by what they say."""
    nav, bob = installation.as_("nav"), installation.as_("bob")
    for number in range(INCIDENTS):
        tags = [{"tag": f"host=sw{1 if number % 3 else 2}"}]
        incident = {"start_time": datetime.now(UTC).isoformat(), "description": words(number), "tags": tags, "level": 1 + number % 5}
        stubbornly(nav, "POST", "/incidents/", {**incident, "source_incident_id": f"key-{number}"})
    found = {one["description"]: one["pk"] for one in stubbornly(bob, "GET", "/incidents/?page_size=1000")["results"]}
    for number in RESOLVED:
        stubbornly(bob, "POST", f"/incidents/{found[words(number)]}/events/", {"type": "CLO"})
    return {number: found[words(number)] for number in range(INCIDENTS)}


def words(number):
    return f"incident-{number}-"


def test_nothing_is_lost_on_either_way(installation):
    """
    Each event is told at once or kept back; what is kept back is in one message on each way, when the hours are over though the maintenance
    is not, and that message says how things are.
    """
    random, chance = Random(8), Random(9)  # noqa: S311 - the same at every run
    ask, hooks, mailbox = installation.ask, installation.hooks, installation.mailbox
    filter_ = ask("root", "POST", "/notificationprofiles/filters/", {"name": "switch", "filter": {"tags": ["host=sw1"]}})["pk"]
    hours = runs_now((datetime.now(UTC) + timedelta(minutes=30)).replace(microsecond=0))
    begun = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    body = {"start_time": begun, "filters": [filter_], "description": "Patches", **hours}
    planned = ask("root", "POST", "/plannedmaintenance/", body)["pk"]
    hooks.refuses = lambda: chance.random() < REFUSED
    mailbox.answer = lambda _: "451 Later" if chance.random() < REFUSED else TAKEN

    with killing(installation.served, random):
        pks = lives(installation)
        over = (datetime.now(UTC) + SOON).replace(microsecond=0)
        stubbornly(installation.as_("root"), "PATCH", f"/plannedmaintenance/{planned}/", runs_now(over))
        while datetime.now(UTC) < over + SOON:
            time.sleep(0.1)
    died = datetime.now(UTC)
    hooks.refuses, mailbox.answer = lambda: False, lambda _: TAKEN
    title = f'Planned maintenance {planned} "Patches" is over'
    until_all_is_told(installation, title, died)

    mails = {mail.id: (mail.subject, mail.text) for mail in mailbox.mails}.values()
    posts = [(one.subject, one.text) for one in hooks.each]
    for way, messages in (("mail", mails), ("webhook", posts)):
        ((subject, text),) = [one for one in messages if title in one[0]]
        assert f"{title}: {len(COVERED) - len(RESOLVED)} still open, {len(RESOLVED)} resolved" == subject, way
        assert {number: int(number in COVERED) for number in pks} == {number: text.count(words(number)) for number in pks}, way
        others = [number for number in pks if any(words(number) in said for named, said in messages if title not in named)]
        assert [number for number in pks if number not in COVERED] == others, way
    for number, pk in pks.items():
        ledger, events = (ask("root", "GET", f"/incidents/{pk}/{what}/") for what in ("notifications", "events"))
        assert {(one["pk"], way) for one in events for way in ("email", "webhook")} == {(one["event"], one["media"]) for one in ledger}
        assert {number in COVERED} == {one["status"] == "suppressed" for one in ledger}
        if number in COVERED:
            assert all(one["merged_into"] and one["reason"].startswith(f"Planned maintenance {planned} ") for one in ledger)
    assert "current" == ask("root", "GET", f"/plannedmaintenance/{planned}/")["phase"]


def until_all_is_told(installation, title, died):
    """The message has come on both ways, and another one would have; without a wait for the dead, or for another try."""
    until = time.monotonic() + PATIENCE
    with psycopg.connect(installation.environment["DATABASE_URL"], autocommit=True) as connection:
        while not has_come(installation, title) or connection.execute("select from delivery where status = 'waiting'").fetchall():
            assert time.monotonic() < until
            bury(connection, died)
            connection.execute("update lane set due = now() where due > now()")
            time.sleep(0.2)
    time.sleep(2)


def has_come(installation, title):
    subjects = [[mail.subject for mail in installation.mailbox.mails], [one.subject for one in installation.hooks.each]]
    return all(any(title in subject for subject in way) for way in subjects)
