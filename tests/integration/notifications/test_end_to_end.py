"""From a report to the mail about it, through server, worker and a real mail server."""

import re
import time

import psycopg
import pytest

PATIENCE = 30


def about(number):
    return lambda mails: [mail for mail in mails if f"/incidents/{number}/" in mail.text]


def mails_about(mailbox, number, count):
    """So many mails about an incident, oldest first."""
    mailbox.wait_for(lambda mails: len(about(number)(mails)) >= count)
    return about(number)(mailbox.mails)


def settled(installation, number):
    """The deliveries about an incident, as soon as none waits."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        deliveries = installation.ask("alice", "GET", f"/incidents/{number}/notifications/")
        if deliveries and all(delivery["status"] != "waiting" for delivery in deliveries):
            return deliveries
        time.sleep(0.05)
    raise AssertionError(deliveries)


def test_a_report_is_told_by_mail(installation, mailbox):
    number = installation.report("Router gw1 down", details_url="/device/7")

    (mail,) = mails_about(mailbox, number, 1)

    assert "alice@example.org" == mail.recipient
    assert "[1 critical] nav-oslo: open, new: Router gw1 down" == mail.subject
    for told in ("still open", "https://nav.example.org/device/7", f"https://argus.example.org/incidents/{number}/", "host=gw1"):
        assert told in mail.text
    assert "9999" not in mail.text
    html = mail.message.get_body(("html",)).get_content()
    assert "Router gw1 down" in html
    (delivery,) = settled(installation, number)
    assert ("sent", "Email: alice@example.org", [1]) == (
        delivery["status"],
        delivery["address"],
        [attempt["number"] for attempt in delivery["attempts"]],
    )


def test_whatever_people_do_is_told_in_one_thread(installation, mailbox):
    """
    Acknowledged, closed, reopened, edited, and acknowledged in bulk: each is a mail, or a line of the next one.
    """
    number = installation.report("Link down")
    mails_about(mailbox, number, 1)
    installation.ask("bob", "POST", f"/incidents/{number}/acks/", {"description": "On my way"})
    mails_about(mailbox, number, 2)
    installation.ask("bob", "POST", f"/incidents/{number}/events/", {"type": "CLO", "description": "Plugged in"})
    installation.ask("bob", "POST", f"/incidents/{number}/events/", {"type": "REO"})
    installation.ask("bob", "PATCH", f"/incidents/{number}/", {"level": 2})
    installation.ask("bob", "POST", "/incidents/acks/bulk/", {"ids": [number], "ack": {"description": "Again"}})

    def all_told(mails):
        text = "\n".join(mail.text for mail in about(number)(mails))
        return all(told in text for told in ("On my way", "Plugged in", "eopened by bob", "Again", "2 high"))

    mailbox.wait_for(all_told)

    mails = about(number)(mailbox.mails)
    assert 1 == len({mail.message["References"] for mail in mails})
    assert len(mails) == len({mail.id for mail in mails})
    deliveries = settled(installation, number)
    assert {"sent", "merged"} >= {delivery["status"] for delivery in deliveries}
    assert [6, 5, 4, 3, 2, 1] == [len(deliveries) - place for place in range(6)]
    assert 6 == len(deliveries)


@pytest.mark.parametrize(
    "description",
    ["Störung in Zürich 🔥", "x" * 10_000, "Down\r\nBcc: everybody@example.org\r\n\r\nhello", "<script>alert(1)</script> & <b>"],
    ids=["umlaut and emoji", "10 kB", "line breaks", "markup"],
)
def test_any_description_arrives_intact_and_harmless(installation, mailbox, description):
    number = installation.report(description)

    (mail,) = mails_about(mailbox, number, 1)

    assert re.sub(r"\s+", " ", description).strip() in re.sub(r"\s+", " ", mail.text)
    assert (None, []) == (mail.message["Bcc"], mail.message.defects)
    assert "<script>" not in mail.message.get_body(("html",)).get_content()


def test_who_did_not_ask_is_not_told(installation, mailbox):
    number = installation.report()

    mails_about(mailbox, number, 1)

    assert ["alice@example.org"] == [mail.recipient for mail in about(number)(mailbox.mails)]
    assert [] == installation.ask("bob", "GET", f"/incidents/{number}/notifications/")


def test_a_test_message_takes_the_real_way(installation, mailbox):
    (profile,) = installation.ask("alice", "GET", "/notificationprofiles/")

    (ordered,) = installation.ask("alice", "POST", f"/notificationprofiles/{profile['pk']}/test/")
    mailbox.wait_for(lambda mails: any("[TEST]" in mail.subject for mail in mails))

    assert (None, "waiting") == (ordered["incident"], ordered["status"])


def test_what_would_have_been_told_can_be_seen(installation):
    number = installation.report("Seen in a dry run")
    (profile,) = installation.ask("alice", "GET", "/notificationprofiles/")

    told = installation.ask("alice", "GET", f"/notificationprofiles/{profile['pk']}/dryrun/?hours=1")
    (event,) = installation.ask("alice", "GET", f"/incidents/{number}/events/")
    explained = installation.ask("alice", "GET", f"/incidents/{number}/events/{event['pk']}/explain/")

    assert "Seen in a dry run" in [fired["description"] for fired in told["events"]]
    assert [True] == [verdict["fired"] for verdict in explained["profiles"]]


def test_operators_see_and_handle_what_waits(installation, mailbox):
    mailbox.answer = lambda _: "451 busy"
    try:
        number = installation.report("Held up")
        until = time.monotonic() + PATIENCE
        while not (tried := installation.ask("alice", "GET", f"/incidents/{number}/notifications/")) or not tried[0]["attempts"]:
            assert time.monotonic() < until
            time.sleep(0.05)
        pk = tried[0]["pk"]
        assert ("waiting", "failed") == (tried[0]["status"], tried[0]["attempts"][0]["outcome"])
        assert "451" in tried[0]["reason"]
        assert "451" in installation.argus("deliveries", "list", "--status", "waiting")

        installation.argus("deliveries", "drop", pk)
    finally:
        del mailbox.answer
        mailbox.answer = lambda _: "250 OK"
    assert str(pk) in installation.argus("deliveries", "list", "--status", "dropped", "--user", "alice")
    installation.argus("deliveries", "retry", pk)

    mails_about(mailbox, number, 1)
    installation.argus("prune", "--dry-run")


def test_an_incident_that_cannot_be_read_holds_up_nobody_else_and_is_told_when_it_can(installation, mailbox, database):
    """Whatever it is that has damaged it, operators are told where to look."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create function break() returns trigger language plpgsql as 'begin new.type = ''???''; return new; end'")
        connection.execute("create trigger break before insert on event for each row execute function break()")
        broken = installation.report("Damaged")
        connection.execute("drop trigger break on event")
        whole = installation.report("Whole")

        mails_about(mailbox, whole, 1)
        until = time.monotonic() + PATIENCE
        while connection.execute("select failures from outbox where incident_id = %s", [broken]).fetchone() < (1,):
            assert time.monotonic() < until
            time.sleep(0.05)

        assert [] == about(broken)(mailbox.mails)
        assert "argus deliveries list" in installation.ask("alice", "GET", f"{installation.served.url}/health/ready")["notes"][-1]
        assert f"event 1 of incident {broken}, after 1 attempts (KeyError" in installation.argus("deliveries", "list", told=True)
        connection.execute("update event set type = 'STA' where incident_id = %s", [broken])
        connection.execute("update outbox set due = now() where incident_id = %s", [broken])
        mails_about(mailbox, broken, 1)
