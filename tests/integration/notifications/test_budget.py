"""
A storm through server, some workers, a real mail server and webhooks, with workers killed at random: what is above the budget comes in
roundups.
"""

import re
import time
from random import Random

import psycopg
import pytest

from adapters.db.embedded import running
from argus_core.domain.budgets import most_within
from integration.hearing import want
from integration.killing import mortal
from integration.notifications.dead import relieve, until_all_is_told
from integration.notifications.people import Installation
from integration.serving import applied

MOST, SPAN = 5, 8
STORM = 80
WORKERS = 4
KILLS = 3
LATE = 3.0
"""A message is counted when it is taken to be sent; it may arrive so many seconds later."""


@pytest.fixture
def random():
    return Random(1)  # noqa: S311 - the same at every run


@pytest.fixture
def installation(tmp_path, random, mailbox, receiver):
    environment = {"ARGUS_DELIVERY_BUDGET": f"{MOST}/{SPAN}s", **mailbox.settings, **receiver.settings}
    with mortal(tmp_path, random, environment) as found:
        world = applied(Installation.SPEC, "--data", found.data, environment=environment, folder=tmp_path)
        found.start()
        tokens = {name: one["token"] for name, one in world["actors"].items()}
        with found.served.client(tokens["alice"]) as alice, found.served.client(tokens["bob"]) as bob:
            want(alice)
            made = bob.post("/notificationprofiles/destinations/", json=receiver.destination)
            assert made.status_code == 201, made.text
            want(bob, destinations=[made.json()["pk"]])
        yield found, tokens


def test_a_storm_is_a_few_messages_whatever_is_killed(installation, mailbox, receiver, random):
    """
    No span has more messages than the budget, what is critical comes at once, and everything is told: by itself, or in a roundup.
    """
    killed, tokens = installation
    killed.employ(WORKERS)
    killed.until_they_work(WORKERS)
    with killed.served.client(tokens["nav"], timeout=30) as nav:

        def report(number, level):
            body = {"start_time": "2026-11-26T08:00:00Z", "description": f"Incident {number}.", "tags": [{"tag": "room=3"}], "level": level}
            return nav.post("/incidents/", json=body).json()["pk"]

        incidents = [report(number, 3) for number in range(STORM)]
        kill_some(killed, random)
        critical = report("critical", 1)
        posted = time.monotonic()
        mailbox.wait_for(lambda mails: any("Incident critical." in mail.text for mail in mails), 30)
        waited = time.monotonic() - posted
        with running(killed.data) as server, psycopg.connect(server.url, autocommit=True) as connection:
            until_all_is_told(connection, relieve(killed, WORKERS))
        for pk in incidents:
            nav.post(f"/incidents/{pk}/events/", json={"type": "END", "timestamp": "2026-11-26T09:00:00Z", "description": "Over."})
        kill_some(killed, random)
        with running(killed.data) as server, psycopg.connect(server.url, autocommit=True) as connection:
            until_all_is_told(connection, relieve(killed, WORKERS))
            ledger = connection.execute(
                """
                select d.incident_id, d.version, d.status, d.reason, d.merged_into is not null, r.status, d.medium
                from delivery d left join delivery r on r.id = d.merged_into where d.incident_id > 0 order by 1, 2"""
            ).fetchall()

    for name, arrived in (("email", mailbox.mails), ("webhook", receiver.got)):
        counted = [message for message in arrived if "Incident critical." not in message.text]
        roundups = [message for message in counted if message.subject.startswith(f"More than {MOST} messages")]
        singles = {int(re.search(r"Incident (\d+)", message.text)[1]) for message in counted if message not in roundups}
        print(f"{name}: {len(singles)} incidents by themselves, {len(roundups)} roundups, critical after {waited:.1f} s")  # noqa: T201
        assert most_within([message.at for message in counted], SPAN - LATE) <= MOST
        assert "By tag: room=3 " in roundups[0].text
        check_ledger([row[:6] for row in ledger if row[6] == name], incidents, critical)


def kill_some(killed, random):
    """Workers are killed one by one, and replaced."""
    for _ in range(KILLS):
        killed.a_worker()
        time.sleep(random.uniform(0, 1))
        killed.employ(WORKERS)


def check_ledger(ledger, incidents, critical):
    """Everything is told by itself or in a roundup; what began in a roundup ends in one."""
    assert {(pk, version) for pk in incidents for version in (1, 2)} | {(critical, 1)} == {row[:2] for row in ledger}
    for _, _, status, reason, is_told, by in ledger:
        assert status in ("sent", "merged") or ((status, is_told, by) == ("suppressed", True, "sent") and "budget" in reason)
    rolled_up = {pk for pk, version, status, *_ in ledger if version == 1 and status == "suppressed"}
    assert rolled_up == {pk for pk, version, status, *_ in ledger if version == 2 and pk in rolled_up and status == "suppressed"}
    assert len(rolled_up) > STORM / 2
