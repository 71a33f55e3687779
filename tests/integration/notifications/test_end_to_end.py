"""From a report to the mail about it, through server, worker and a real mail server."""


def about(number):
    return lambda mails: [mail for mail in mails if f"/incidents/{number}/" in mail.text]


def test_a_report_is_told_by_mail(installation, mailbox):
    number = installation.report("Router gw1 down")

    mailbox.wait_for(about(number))
    (mail,) = about(number)(mailbox.mails)

    assert "alice@example.org" == mail.recipient
    assert "[1 critical] nav-oslo: open, new" in mail.subject
    assert "Router gw1 down" in mail.subject
