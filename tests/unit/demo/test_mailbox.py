"""The mail of a demo: how it comes in, what is kept, and what of it a browser is shown."""

import smtplib
import socket
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from litestar import Litestar

from adapters.demo import mailbox as kept
from adapters.demo import receiver
from adapters.demo.mailbox import Mailbox
from adapters.demo.pages import mailbox_routes
from adapters.demo.receiver import receiving
from adapters.http import CredentialCache
from adapters.http.errors import exception_handlers

pytestmark = pytest.mark.anyio

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(1)">'


def a_mail(subject="Router down", text="It is down.\n.\n..\n", page=None, **headers):
    message = EmailMessage()
    message["Subject"], message["To"], message["From"] = subject, "ola@example.org", "argus@example.org"
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    if page is not None:
        message.add_alternative(page, subtype="html")
    return message


def raw(*lines):
    return "\r\n".join(lines).encode("latin-1")


@pytest.fixture
def mailbox(tmp_path):
    box = Mailbox(tmp_path / "mailbox")
    box.open()
    return box


@pytest.fixture
async def browser(mailbox):
    routes, handlers = mailbox_routes(mailbox.folder, "Europe/Oslo"), exception_handlers(CredentialCache())
    app = Litestar(routes, exception_handlers=handlers, openapi_config=None, logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


def test_what_is_sent_is_kept_as_it_was(mailbox):
    message = a_mail(text="Ærlig talt 🔥\n.\n..\nQUIT\n")

    with receiving(mailbox.keep) as port, smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(message)
        client.send_message(message)

    assert [2, 1] == [mail.number for mail in mailbox.newest()]
    assert [message.get_content()] * 2 == [mailbox.find(number).part("plain").replace("\r\n", "\n") for number in (1, 2)]


def test_many_can_send_at_the_same_time(mailbox):
    def send(number):
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.send_message(a_mail(str(number)))

    with receiving(mailbox.keep) as port, ThreadPoolExecutor(8) as senders:
        list(senders.map(send, range(24)))

    assert {str(number) for number in range(24)} == {mail.subject for mail in mailbox.newest()}


def test_what_is_too_much_or_not_whole_is_not_kept(mailbox, monkeypatch):
    monkeypatch.setattr(receiver, "MOST_BYTES", 1_000)
    with receiving(mailbox.keep) as port:
        with smtplib.SMTP("127.0.0.1", port) as client, pytest.raises(smtplib.SMTPDataError, match="too much"):
            client.send_message(a_mail(text="x\n" * 1_000))
        with socket.create_connection(("127.0.0.1", port)) as half:
            half.sendall(b"DATA\r\nSubject: half\r\n")
        with smtplib.SMTP("127.0.0.1", port) as client:
            assert client.docmd("VRFY", "ola")[0] == 502
            client.send_message(a_mail("whole"))

    assert ["whole"] == [mail.subject for mail in mailbox.newest()]


def test_the_newest_are_kept_and_numbers_go_on(mailbox, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    for number in range(5):
        mailbox.keep(a_mail(str(number)).as_bytes())

    again = Mailbox(mailbox.folder)
    again.open()
    again.keep(a_mail("5").as_bytes())

    assert ["5", "4", "3"] == [mail.subject for mail in again.newest()]
    assert [6, 5, 4] == [mail.number for mail in again.newest()]


def test_a_mailbox_can_be_emptied(mailbox):
    mailbox.keep(b"")

    mailbox.empty()

    assert [] == list(mailbox.newest())


def test_a_mailbox_is_for_its_owner_alone(mailbox):
    assert mailbox.folder.stat().st_mode & 0o077 == 0


async def test_mails_are_listed_newest_first(mailbox, browser):
    for subject in ("first", "second"):
        mailbox.keep(a_mail(subject).as_bytes())

    page = (await browser.get("/demo/mailbox/")).text

    assert page.index("second") < page.index("first")
    assert 'href="/demo/mailbox/2/"' in page


async def test_an_empty_mailbox_says_so(browser):
    assert "Nothing has come yet" in (await browser.get("/demo/mailbox/")).text


async def test_a_mail_is_shown_with_its_page_in_a_frame_that_may_do_nothing(mailbox, browser):
    mailbox.keep(a_mail(page="<head></head><p>Down</p>").as_bytes())

    page = (await browser.get("/demo/mailbox/1/")).text

    assert "Router down" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "It is down." in page
    assert "<p>Down</p>" in (await browser.get("/demo/mailbox/1/page/")).text


async def test_nothing_in_a_mail_becomes_markup_of_ours(mailbox, browser):
    mailbox.keep(a_mail(HOSTILE, HOSTILE, To2=HOSTILE).as_bytes().replace(b"ola@example.org", HOSTILE.encode()))

    pages = [(await browser.get(path)).text for path in ("/demo/mailbox/", "/demo/mailbox/1/")]

    assert [] == [page for page in pages if "<script" in page or "<img" in page]
    assert ["&lt;script&gt;" in page for page in pages] == [True, True]


async def test_a_page_runs_nothing_and_fetches_nothing_even_outside_its_frame(mailbox, browser):
    mailbox.keep(a_mail(page=HOSTILE).as_bytes())

    policy = (await browser.get("/demo/mailbox/1/page/")).headers["content-security-policy"]

    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert ("'none'", "'self'") == (rules["default-src"], rules["frame-ancestors"])
    assert {"script-src", "img-src", "connect-src"}.isdisjoint(rules)
    assert {"allow-scripts", "allow-same-origin", "allow-top-navigation", "allow-forms"}.isdisjoint(rules["sandbox"].split())


@pytest.mark.parametrize("path", ["/demo/mailbox/", "/demo/mailbox/1/"])
async def test_our_pages_run_nothing_either(mailbox, browser, path):
    mailbox.keep(a_mail().as_bytes())

    policy = (await browser.get(path)).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert "script-src" not in policy


@pytest.mark.parametrize("path", ["/demo/mailbox/2/", "/demo/mailbox/0/", "/demo/mailbox/9999999999999999999/", "/demo/mailbox/2/page/"])
async def test_what_is_not_there_is_not_found(mailbox, browser, path):
    mailbox.keep(a_mail().as_bytes())

    assert (await browser.get(path)).status_code == 404


ODD = [
    raw("Content-Type: text/html; charset=none-such", "", "\xff<b>"),
    raw("Content-Type: text/html; charset=unicode_escape", "", "\\ud800"),
    raw("Content-Type: text/html; charset=idna", "", "xn--\xff"),
    raw("Content-Type: multipart/alternative; boundary=a", "", "--a", "Content-Type: multipart/mixed", "", "--a--"),
    raw("Content-Type: text/plain", "Content-Transfer-Encoding: base64", "", "\xff=="),
    raw("Subject: \xff\xfe =?utf-16?b?2AA=?=", "To: =?x?q?a?= <", "From: @@<>,;:", "Date: never", "", ""),
    raw("Content-Type: message/rfc822", "", "Subject: inner", "", ""),
    b"\x00\xff",
]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(ODD)).map(b"\r\n".join))
@example(ODD[0])
@example(ODD[1])
@example(ODD[2])
@example(ODD[3])
@example(ODD[4])
@example(ODD[5])
@example(ODD[6])
@example(ODD[7])
def test_whatever_comes_can_be_shown(tmp_path_factory, content):
    """No mail breaks the list, its own page, or its frame."""
    box = Mailbox(tmp_path_factory.mktemp("box"))
    box.open()
    box.keep(content)

    (listed,), mail = box.newest(), box.find(1)

    shown = [
        listed.subject,
        listed.to,
        mail.header("Subject"),
        mail.header("To"),
        mail.header("From"),
        mail.part("plain"),
        mail.part("html"),
    ]
    assert all(text.encode() is not None for text in shown)
