"""Who waits is told once of what nobody has acknowledged, through server, worker and a real mail server, whatever is killed meanwhile."""

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from random import Random
from subprocess import DEVNULL

import psycopg
import pytest

from integration.serving import ARGUS, environ, process

PATIENCE = 180
"""Longer than the lease of what the dead were sending."""
WAIT = 3
NEWS = f"unacknowledged for {WAIT} seconds"


@pytest.fixture
def boss(installation, database):
    """Bob, who hears of what nobody has acknowledged for a few seconds; whoever uses the API waits for a minute at least."""
    profile = installation.want("bob", name="Boss")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update profile set escalate_after = %s where id = %s", (timedelta(seconds=WAIT), profile["pk"]))
    seen = installation.ask("bob", "PATCH", f"/notificationprofiles/{profile['pk']}/", {"active": True})
    assert WAIT / 60 == seen["escalate_after"]


class Colleagues:
    """Workers beside that of the server."""

    def __init__(self, installation, stack):
        self.installation, self.stack = installation, stack
        self.workers = [self.begin() for _ in range(2)]

    def begin(self):
        options = {"env": environ(self.installation.environment), "cwd": self.installation.folder, "stdout": DEVNULL, "stderr": DEVNULL}
        return self.stack.enter_context(process(ARGUS, "worker", **options))

    def kill_one(self, random):
        place = random.randrange(len(self.workers))
        self.workers[place].kill()
        self.workers[place] = self.begin()


@pytest.fixture
def colleagues(installation):
    with ExitStack() as stack:
        yield Colleagues(installation, stack)


def kill_all(served):
    for pid in served.children():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def told(mails, to, *said):
    """How often each incident was told to somebody in mails whose subject has these words; the same mail twice is one."""
    once = {mail.id: mail for mail in mails if mail.recipient == f"{to}@example.org" and all(one in mail.subject for one in said)}
    return Counter(mail.subject.rpartition(": ")[2] for mail in once.values())


def test_what_nobody_acknowledges_is_told_once_to_who_waits(installation, mailbox, boss, colleagues):
    """
    Three workers share the work, and are killed in between.

    Incidents that somebody acknowledges or closes in time are never told to Bob; one whose acknowledgement expires is, and again to Alice.
    """
    left = [installation.report(f"Left {number}") for number in range(3)]
    acked, over, taken = (installation.report(what) for what in ("Acked", "Over", "Taken for a while"))
    soon = (datetime.now(UTC) + timedelta(seconds=WAIT)).isoformat()
    installation.ask("alice", "POST", f"/incidents/{acked}/acks/", {"until": "resolved"})
    installation.ask("alice", "POST", f"/incidents/{taken}/acks/", {"expiration": soon})
    installation.ask("alice", "POST", f"/incidents/{over}/events/", {"type": "CLO"})

    random = Random(1)  # noqa: S311 - the same at every run
    for _ in range(4):
        time.sleep(random.uniform(0.2, 2.5))
        kill_all(installation.served)
        colleagues.kill_one(random)
    due = {"Left 0", "Left 1", "Left 2", "Taken for a while"}
    mailbox.wait_for(lambda mails: due <= told(mails, "bob", NEWS).keys(), PATIENCE)
    for incident in left[:2]:
        installation.ask("alice", "POST", f"/incidents/{incident}/events/", {"type": "CLO"})
    installation.ask("alice", "POST", f"/incidents/{acked}/events/", {"type": "CLO"})
    kill_all(installation.served)
    mailbox.wait_for(lambda mails: {"Left 0", "Left 1"} <= told(mails, "bob", "closed").keys(), PATIENCE)
    mailbox.wait_for(lambda mails: told(mails, "alice", "acknowledgement expired"), PATIENCE)
    time.sleep(WAIT + 2)  # whatever is told too often would have come by now

    mails = list(mailbox.mails)
    assert dict.fromkeys(due, 1) == told(mails, "bob", NEWS)
    assert {"Left 0": 1, "Left 1": 1} == told(mails, "bob", "closed")
    assert due == told(mails, "bob").keys()
    assert {"Taken for a while": 1} == told(mails, "alice", "acknowledgement expired")
