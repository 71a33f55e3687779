"""From a plan to the one mail at its end, through server, worker and a real mail server, whatever is killed in between."""

import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

import psycopg

PATIENCE = 180
"""Longer than the lease of what the dead were sending."""


def roundups(mails):
    return [mail for mail in mails if "Planned maintenance" in mail.subject]


def until_kept_back(dsn, count):
    until = time.monotonic() + PATIENCE
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute("select count(*) from delivery where status = 'suppressed'").fetchone()[0] < count:
            assert time.monotonic() < until
            time.sleep(0.05)


def kill_all(served):
    for pid in served.children():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_what_maintenance_keeps_back_is_told_in_one_mail_at_its_end(installation, mailbox, database):
    """
    Everything but PostgreSQL is killed while the roundup is ordered and sent: it arrives all the same, and tells how things are.
    """
    known = installation.report("Known before", tags=[{"tag": "host=sw1"}])
    mailbox.wait_for(lambda mails: any("Known before" in mail.text for mail in mails))
    body = {"name": "switch", "filter": {"tags": ["host=sw1"]}}
    filter_ = installation.ask("root", "POST", "/notificationprofiles/filters/", body)["pk"]
    body = {"start_time": datetime.now(UTC).isoformat(), "filters": [filter_], "description": "New switch"}
    planned = installation.ask("root", "POST", "/plannedmaintenance/", body)["pk"]
    opened, over = (installation.report(f"{what} meanwhile", tags=[{"tag": "host=sw1"}]) for what in ("Began", "Over"))
    for number in (over, known):
        installation.ask("bob", "POST", f"/incidents/{number}/events/", {"type": "CLO"})
    until_kept_back(database, 3)
    mailbox.wait_for(lambda mails: any("closed" in mail.subject and "Known before" in mail.text for mail in mails))

    installation.ask("root", "DELETE", f"/plannedmaintenance/{planned}/")
    random = Random(1)  # noqa: S311 - the same at every run
    for _ in range(3):
        time.sleep(random.uniform(0, 4))
        kill_all(installation.served)
    mailbox.wait_for(roundups, PATIENCE)
    time.sleep(4)  # another one would come by now

    (mail,) = {mail.id: mail for mail in roundups(mailbox.mails)}.values()
    assert f'Planned maintenance {planned} "New switch" is over: 1 still open, 1 resolved' == mail.subject
    assert mail.text.index("Began meanwhile") < mail.text.index("Resolved") < mail.text.index("Over meanwhile")
    assert f"https://argus.example.org/incidents/{opened}/" in mail.text
    assert "Known before" not in mail.text
    assert not [mail for mail in mailbox.mails if "meanwhile" in mail.subject]
