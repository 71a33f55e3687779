"""Digests and what flaps, through server, workers, a real mail server and webhooks, with workers killed at random in between."""

import time
from random import Random

import psycopg
import pytest

from adapters.db.embedded import running
from integration.hearing import want
from integration.killing import mortal
from integration.notifications.dead import relieve, until_all_is_told
from integration.notifications.people import Installation
from integration.serving import applied

WORKERS = 2
KILLS = 3
FLAPS = 6


@pytest.fixture
def random():
    return Random(2)  # noqa: S311 - the same at every run


@pytest.fixture
def installation(tmp_path, random, mailbox, receiver):
    environment = {"ARGUS_FLAPPING": "2/10m", **mailbox.settings, **receiver.settings}
    with mortal(tmp_path, random, environment) as found:
        world = applied(Installation.SPEC, "--data", found.data, environment=environment, folder=tmp_path)
        found.start()
        yield found, {name: one["token"] for name, one in world["actors"].items()}


def until_all_is_decided(connection):
    until = time.monotonic() + 60
    while connection.execute("select count(*) from outbox").fetchone()[0]:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_what_is_gathered_and_what_flaps_is_told_once_whatever_is_killed(installation, mailbox, receiver, random):
    """
    Alice gets mails about a port that flaps: the beginning, and one when it is quiet. Bob's hook gets a digest a minute after the first
    event, without what is over.
    """
    killed, tokens = installation
    killed.employ(WORKERS)
    killed.until_they_work(WORKERS)
    with killed.served.client(tokens["alice"]) as alice, killed.served.client(tokens["bob"]) as bob:
        want(alice, {"tags": ["port=7"]})
        made = bob.post("/notificationprofiles/destinations/", json=receiver.destination)
        assert made.status_code == 201, made.text
        profile = want(bob, {"tags": ["room=3"]}, destinations=[made.json()["pk"]])
        assert bob.patch(f"/notificationprofiles/{profile['pk']}/", json={"digest": "1m"}).json()["digest"] == "1m"
    with killed.served.client(tokens["nav"], timeout=30) as nav:

        def report(description, tag, level=3):
            body = {"start_time": "2026-11-26T08:00:00Z", "description": description, "tags": [{"tag": tag}], "level": level}
            return nav.post("/incidents/", json=body).json()["pk"]

        def end(pk):
            nav.post(f"/incidents/{pk}/events/", json={"type": "END", "timestamp": "2026-11-26T09:00:00Z", "description": "Over."})

        report("A lamp is dark", "room=3", 4)
        over = report("A door is open", "room=3")
        report("It burns", "room=3", 2)
        end(over)
        for number in range(FLAPS):
            end(report(f"Flap {number}", "port=7"))
            if number % 2:
                killed.a_worker()
                time.sleep(random.uniform(0, 1))
                killed.employ(WORKERS)
        with running(killed.data) as server, psycopg.connect(server.url, autocommit=True) as connection:
            until_all_is_decided(connection)
            connection.execute("update roundup set due = now() + (due - now()) * 0.01")  # so soon the minutes are over
            for _ in range(KILLS):
                time.sleep(random.uniform(0, 2))
                killed.a_worker()
                killed.employ(WORKERS)
            until_all_is_told(connection, relieve(killed, WORKERS))
            statement = """
                select i.description, d.medium, d.version, d.status, d.kept_by, r.status
                from delivery d join incident i on i.id = d.incident_id left join delivery r on r.id = d.merged_into order by d.id"""
            ledger = connection.execute(statement).fetchall()

    digests = {hook.id: hook for hook in receiver.got}.values()
    assert ['Digest of the profile "All": 2 still open'] == [hook.subject for hook in digests]
    (digest,) = digests
    assert digest.text.index("It burns") < digest.text.index("A lamp is dark")
    assert "door" not in digest.text
    door = [row[2:] for row in ledger if row[0] == "A door is open"]
    assert [(1, "dropped", "digest", None), (2, "dropped", "digest", None)] == door
    flaps = [row for row in ledger if row[0].startswith("Flap")]
    assert {(f"Flap {number}", version) for number in range(FLAPS) for version in (1, 2)} == {(row[0], row[2]) for row in flaps}
    kept = [row for row in flaps if row[3] == "suppressed"]
    assert {("flapping", "sent")} == {row[4:] for row in kept}
    assert {(f"Flap {number}", 2) for number in range(2, FLAPS)} <= {(row[0], row[2]) for row in kept}
    assert {row[3] for row in flaps} <= {"sent", "merged", "suppressed"}
    assert [mail for mail in mailbox.mails if mail.subject.startswith("What was flapping is quiet")]
