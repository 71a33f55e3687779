"""What goes wrong with Argus is told like everything else."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest


@pytest.fixture
def watched(installation, database):
    """A source that has said nothing for an hour, though it should every minute."""
    told = installation.argus("source", "heartbeat", "nav-oslo", "--every", "1m", told=True)
    assert "nav-oslo (nav) is to say every 1 minutes that it is alive." in told
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update heart set last = now() - interval '1 hour'")
    yield installation
    assert "No heartbeat" in installation.argus("source", "heartbeat", "nav-oslo", "--every", "off", told=True)


def silence(mails, says):
    return [mail for mail in mails if "nav-oslo (nav) is silent" in mail.text and says in mail.subject]


def test_a_source_that_falls_silent_is_told_of_until_it_is_heard_of(watched, mailbox):
    """
    Though the worker of the server and two more look at the same time.
    """
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: watched.argus("worker", "--once"), range(2)))

    mailbox.wait_for(lambda mails: silence(mails, "argus: open, new"))
    (incident,) = watched.ask("alice", "GET", "/incidents/?source__type__in=argus&open=true")["results"]
    assert ("argus", 2) == (incident["source"]["name"], incident["level"])
    assert {"concern=heartbeat", "silent_source=nav-oslo", "silent_source_type=nav"} == {tag["tag"] for tag in incident["tags"]}

    watched.ask("nav", "POST", "/incidents/sources/heartbeat/", status=204)
    watched.argus("worker", "--once")

    mailbox.wait_for(lambda mails: silence(mails, "argus: closed"))
    assert 1 == len(silence(mailbox.mails, "new"))
    assert not watched.ask("alice", "GET", "/incidents/?source__type__in=argus&open=true")["results"]


def test_spans_that_make_no_sense_are_refused(installation):
    for span in ("soon", "1h30", "0.1m", "9999d"):
        with pytest.raises(AssertionError, match=r"span|Give"):
            installation.argus("source", "heartbeat", "nav-oslo", "--every", span)
