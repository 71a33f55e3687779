"""Mail and SMS through a real mail server: what arrives, and what becomes of servers that do not play along."""

import asyncio
import email
import email.policy
import random
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from adapters.media import connections as kept
from adapters.media import mail
from adapters.media.email import Email
from adapters.media.sms import Sms
from argus_core.conformance import sample_notification
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

pytestmark = pytest.mark.anyio

ALICE = {"email_address": "alice@example.org"}
PHONE = {"phone_number": "+4791234567"}
NOTIFICATION = sample_notification()


class Mailbox:
    """Takes everything, or answers as it is told to."""

    def __init__(self, **answers):
        self.answers = answers
        self.messages = []

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802 - the server's name for it
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.messages.append(
            SimpleNamespace(
                sender=envelope.mail_from,
                recipients=envelope.rcpt_tos,
                message=message,
                encrypted=session.ssl is not None,
                login=session.auth_data.login.decode() if session.auth_data else None,
            ),
        )
        return self.answers.get("DATA", "250 OK")


def only_argus(server, session, envelope, mechanism, login):
    right = (login.login, login.password) == (b"argus", b"correct-horse")
    return AuthResult(success=right, handled=False, auth_data=login)


@asynccontextmanager
async def listening(protocol, tls=None):
    """A server on a port of its own, and the settings that lead to it."""
    server = await asyncio.get_running_loop().create_server(protocol, "localhost", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield {
            "ARGUS_EMAIL_HOST": "localhost",
            "ARGUS_EMAIL_PORT": str(port),
            "ARGUS_EMAIL_SECURITY": "none",
            "ARGUS_DEFAULT_FROM_EMAIL": "Argus på vakt <argus@example.org>",
            "ARGUS_SMS_GATEWAY_ADDRESS": "sms@gateway.example.org",
        }
    finally:
        server.close()


@asynccontextmanager
async def mail_server(mailbox, tls=None, **options):
    async with listening(lambda: SMTP(mailbox, hostname="mail.example.org", **options), tls) as config:
        yield config


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def sent(notification=NOTIFICATION, medium=Email, settings=ALICE):
    mailbox = Mailbox()
    async with mail_server(mailbox) as config:
        await send_with(medium(config), notification, settings)
    (arrived,) = mailbox.messages
    return arrived


async def send_with(medium, notification=NOTIFICATION, settings=ALICE):
    try:
        await medium.send(notification, settings)
    finally:
        await medium.close()


def parts_of(arrived):
    """The plain text and the page."""
    return [part.get_content() for part in arrived.message.iter_parts()]


async def test_a_notification_arrives_whole():
    arrived = await sent()

    assert ("argus@example.org", ["alice@example.org"]) == (arrived.sender, arrived.recipients)
    message = arrived.message
    assert [("Argus på vakt", "argus@example.org")] == [(one.display_name, one.addr_spec) for one in message["From"].addresses]
    assert message["To"] == "alice@example.org"
    assert message["Subject"].startswith("[critical] nav-oslo: Strømbrudd på gw1 🔥")
    assert (message["Auto-Submitted"], message.get_content_type()) == ("auto-generated", "multipart/alternative")
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in message.iter_parts()]
    expected = [*NOTIFICATION.text.splitlines(), "", NOTIFICATION.link]
    assert expected == parts_of(arrived)[0].splitlines()


async def test_nothing_in_a_text_becomes_a_header_or_another_message():
    arrived = await sent()

    assert (arrived.message["Bcc"], arrived.message.defects) == (None, [])
    assert len(arrived.message["Subject"].splitlines()) == 1
    headers = {"From", "To", "Subject", "Date", "Auto-Submitted", "Message-ID", "In-Reply-To", "References"}
    assert headers | {"MIME-Version", "Content-Type"} == set(arrived.message.keys())
    assert [[], []] == [part.defects for part in arrived.message.iter_parts()]


async def test_nothing_in_a_text_moves_the_cursor_of_a_terminal():
    arrived = await sent(replace(NOTIFICATION, text="up\x1b[2Jdown\x00\x9b", link=""))

    assert parts_of(arrived)[0].strip() == "up [2Jdown"


async def test_a_repetition_is_the_same_message_in_the_same_thread():
    first, again = await sent(), await sent()
    later = await sent(replace(NOTIFICATION, id="42.3 <7>"))

    assert first.message["Message-ID"] == again.message["Message-ID"] == "<42.2.7@example.org>"
    assert later.message["Message-ID"] == "<42.3--7-@example.org>"
    threads = {one.message[header] for one in (first, again, later) for header in ("In-Reply-To", "References")}
    assert {"<incident-42-20200220T200220@example.org>"} == threads


async def test_a_long_text_arrives_whole():
    text = "Ærlig talt 🔥 " * 800 + "\n" + "x" * 2_000

    arrived = await sent(replace(NOTIFICATION, text=text, link=""))

    assert text.splitlines() == parts_of(arrived)[0].splitlines()


@pytest.mark.parametrize(("medium", "settings"), [(Email, ALICE), (Sms, PHONE)])
async def test_full_stops_at_the_beginning_of_lines_stay(medium, settings):
    text = ".hidden\n..\n.\n" + "x" * 75 + ".y"

    arrived = await sent(replace(NOTIFICATION, subject=".subject", text=text, link=""), medium, settings)

    content = parts_of(arrived)[0] if arrived.message.is_multipart() else arrived.message.get_content().partition("\n")[2]
    assert text.split() == content.split()


async def test_a_link_that_is_in_the_text_is_not_repeated():
    arrived = await sent(replace(NOTIFICATION, text=f"See {NOTIFICATION.link} for more."))

    assert parts_of(arrived)[0].count(NOTIFICATION.link) == 1


async def test_a_host_of_another_script_is_ascii_for_the_server():
    arrived = await sent(settings={"email_address": "ola@bücher.example"})

    assert ["ola@xn--bcher-kva.example"] == arrived.recipients


async def test_an_sms_goes_to_the_gateway_with_the_number_as_its_subject():
    arrived = await sent(replace(NOTIFICATION, subject="[critical] nav-oslo", text="Strømbrudd\npå gw1"), Sms, PHONE)

    assert ["sms@gateway.example.org"] == arrived.recipients
    assert (arrived.message["Subject"], arrived.message["Message-ID"]) == ("+4791234567", "<42.2.7@example.org>")
    assert ["[critical] nav-oslo", "Strømbrudd på gw1", NOTIFICATION.link] == arrived.message.get_content().splitlines()


async def test_with_starttls_the_login_is_encrypted(server_tls, client_tls):
    mailbox = Mailbox()
    async with mail_server(mailbox, tls_context=server_tls, require_starttls=True, authenticator=only_argus, auth_required=True) as config:
        login = {"ARGUS_EMAIL_SECURITY": "starttls", "ARGUS_EMAIL_USER": "argus", "ARGUS_EMAIL_PASSWORD": "correct-horse"}
        await send_with(Email(config | login, tls=client_tls))

    assert [(True, "argus")] == [(one.encrypted, one.login) for one in mailbox.messages]


async def test_with_tls_everything_is_encrypted(server_tls, client_tls):
    mailbox = Mailbox()
    async with mail_server(mailbox, server_tls) as config:
        await send_with(Email(config | {"ARGUS_EMAIL_SECURITY": "tls"}, tls=client_tls))

    assert len(mailbox.messages) == 1


async def test_a_server_that_cannot_encrypt_gets_nothing():
    mailbox = Mailbox()
    async with mail_server(mailbox) as config:
        with pytest.raises(TryLater, match="STARTTLS"):
            await send_with(Email(config | {"ARGUS_EMAIL_SECURITY": "starttls"}))

    assert [] == mailbox.messages


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_with_a_foreign_certificate_gets_nothing(server_tls, security):
    mailbox = Mailbox()
    options = {"tls": server_tls} if security == "tls" else {"tls_context": server_tls}
    async with mail_server(mailbox, **options) as config:
        with pytest.raises(TryLater, match="certificate verify failed"):
            await send_with(Email(config | {"ARGUS_EMAIL_SECURITY": security}))

    assert [] == mailbox.messages


async def test_a_refused_login_waits_and_does_not_show_the_password():
    async with mail_server(Mailbox(), authenticator=only_argus, auth_require_tls=False) as config:
        medium = Email(config | {"ARGUS_EMAIL_USER": "argus", "ARGUS_EMAIL_PASSWORD": "wrong-horse"})
        with pytest.raises(TryLater, match="535") as caught:
            await send_with(medium)

    assert "horse" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "answer", "outcome", "works"),
    [
        ("RCPT", "550 5.1.1 No such user", Undeliverable, None),
        ("RCPT", "450 4.2.1 Greylisted", TryLater, True),
        ("RCPT", "452 4.2.2 Mailbox full", TryLater, True),
        ("RCPT", "530 5.7.0 Authentication required", TryLater, False),
        ("MAIL", "550 5.1.8 Sender refused", TryLater, False),
        ("MAIL", "451 4.3.0 Busy", TryLater, False),
        ("DATA", "554 5.6.0 Looks like spam", Undeliverable, None),
        ("DATA", "451 4.3.0 Disk full", TryLater, False),
    ],
)
async def test_what_the_server_says_decides_whether_it_is_tried_again_and_whether_others_wait_too(command, answer, outcome, works):
    async with mail_server(Mailbox(**{command: answer})) as config:
        with pytest.raises(outcome) as caught:
            await send_with(Email(config))

    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)
    assert works == getattr(caught.value, "provider_works", None)


async def test_a_refused_gateway_is_no_refused_number():
    async with mail_server(Mailbox(RCPT="550 5.1.1 No such user")) as config:
        with pytest.raises(TryLater, match=r"The SMS gateway: .* 550"):
            await send_with(Sms(config), settings=PHONE)


async def test_a_gateway_that_is_full_is_so_for_all_numbers():
    async with mail_server(Mailbox(RCPT="452 4.2.2 Mailbox full")) as config:
        with pytest.raises(TryLater, match=r"The SMS gateway: .* 452") as caught:
            await send_with(Sms(config), settings=PHONE)

    assert not caught.value.provider_works


async def test_a_server_that_is_not_there_is_tried_again():
    async with mail_server(Mailbox()) as config:
        pass

    with pytest.raises(TryLater, match="localhost:"):
        await send_with(Email(config))


class Rude(asyncio.Protocol):
    """Says what it is told to with every line it gets, and may hang up then."""

    def __init__(self, greeting, answers=(), hang_up=False):
        self.greeting, self.answers, self.hang_up = greeting, list(answers), hang_up

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.greeting)

    def data_received(self, data):
        if self.answers:
            self.transport.write(self.answers.pop(0))
        elif self.hang_up:
            self.transport.close()


class WholeMessages(Rude):
    """The same, but a message is one thing to answer, in however many pieces it comes."""

    in_message = False

    def data_received(self, data):
        if not self.in_message or data.endswith(b"\r\n.\r\n"):
            self.in_message = bool(self.answers) and self.answers[0].startswith(b"354")
            super().data_received(data)


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        (lambda: Rude(b""), "too slow"),
        (lambda: Rude(b"220 hello\r\n"), "too slow"),
        (lambda: Rude(b"554 go away\r\n"), "554 go away"),
        (lambda: Rude(b"hello\r\n" * 10), "."),
        (lambda: Rude(b"\xff\x00" * 5_000), "."),
        (lambda: Rude(b"220 hello\r\n", [b"250 me\r\n", b"250 you\r\n"], hang_up=True), "."),
    ],
    ids=["silent", "silent after greeting", "closed", "garbage", "binary", "hangs up"],
)
async def test_a_server_that_makes_no_sense_is_tried_again_soon_enough(monkeypatch, protocol, reason):
    monkeypatch.setattr(mail, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(mail, "DELIVERY_SECONDS", 3.0)
    async with listening(protocol) as config, asyncio.timeout(10):
        with pytest.raises(TryLater, match=reason):
            await send_with(Email(config))


async def test_a_server_that_is_slow_with_each_answer_is_given_up_as_a_whole(monkeypatch):
    class Dripping(Rude):
        def data_received(self, data):
            asyncio.get_running_loop().call_later(0.15, self.transport.write, b"250 ok\r\n")

    monkeypatch.setattr(mail, "ANSWER_SECONDS", 0.4)
    monkeypatch.setattr(mail, "DELIVERY_SECONDS", 0.5)
    async with listening(lambda: Dripping(b"220 hello\r\n")) as config, asyncio.timeout(10):
        with pytest.raises(TryLater, match="too slow"):
            await send_with(Email(config))


async def test_a_delivery_that_is_stopped_stops_at_once():
    async with listening(lambda: Rude(b"220 hello\r\n", [b"250 me\r\n"])) as config:
        sending = asyncio.create_task(Email(config).send(NOTIFICATION, ALICE))
        await asyncio.sleep(0.1)
        sending.cancel()
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await sending

    assert sending.cancelled()


UP_TO_DATA = [b"250 me\r\n", b"250 you\r\n", b"250 them\r\n", b"354 go on\r\n"]


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        (lambda: Rude(b"220 hello\r\n", UP_TO_DATA, hang_up=True), "did not answer: "),
        (lambda: Rude(b"220 hello\r\n", UP_TO_DATA), "did not answer: Timed out"),
        (lambda: Rude(b"220 hello\r\n", [*UP_TO_DATA, b"what?\r\n"]), "did not answer: "),
    ],
    ids=["hangs up", "silent", "garbage"],
)
async def test_a_server_that_has_the_message_but_does_not_answer_may_deliver_it(monkeypatch, protocol, reason):
    monkeypatch.setattr(mail, "ANSWER_SECONDS", 0.3)
    async with listening(protocol) as config, asyncio.timeout(3):
        with pytest.raises(PerhapsDelivered, match=reason):
            await send_with(Email(config))


async def test_when_time_is_up_after_the_message_it_may_be_delivered(monkeypatch):
    monkeypatch.setattr(mail, "DELIVERY_SECONDS", 0.3)
    async with listening(lambda: Rude(b"220 hello\r\n", UP_TO_DATA)) as config, asyncio.timeout(3):
        with pytest.raises(PerhapsDelivered, match="in time"):
            await send_with(Email(config))


async def test_whoever_stops_a_delivery_after_the_message_is_told_that_it_may_be_delivered():
    async with listening(lambda: Rude(b"220 hello\r\n", UP_TO_DATA)) as config:
        with pytest.raises(PerhapsDelivered, match="in time"):
            async with asyncio.timeout(0.3):
                await send_with(Email(config))


async def test_a_refusal_of_the_message_after_the_data_is_none_of_those():
    answers = [*UP_TO_DATA[:3], b"554 no valid recipients\r\n"]
    async with listening(lambda: Rude(b"220 hello\r\n", answers)) as config:
        with pytest.raises(Undeliverable, match="554 no valid recipients"):
            await send_with(Email(config))


class Counting:
    """Makes protocols, and counts how often it was asked for one, which is for each connection."""

    def __init__(self, *protocols):
        self.made, self.protocols = [], list(protocols)

    def __call__(self):
        self.made.append(self.protocols.pop(0) if len(self.protocols) > 1 else self.protocols[0])
        return self.made[-1]()


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def usual(mailbox):
    return lambda: SMTP(mailbox, hostname="mail.example.org")


async def test_one_connection_serves_for_many_messages(mailbox, usual):
    connections = Counting(usual)
    async with listening(connections) as config:
        medium = Email(config)
        for _ in range(5):
            await medium.send(NOTIFICATION, ALICE)
        await medium.close()

    assert (5, 1) == (len(mailbox.messages), len(connections.made))


async def test_messages_at_the_same_time_share_a_few_connections(monkeypatch, mailbox, usual):
    monkeypatch.setattr(kept, "MOST_CONNECTIONS", 3)
    connections = Counting(usual)
    async with listening(connections) as config:
        medium = Email(config)
        await asyncio.gather(*(medium.send(replace(NOTIFICATION, id=f"m{number}"), ALICE) for number in range(20)))
        await medium.close()

    assert {f"<m{number}@example.org>" for number in range(20)} == {one.message["Message-ID"] for one in mailbox.messages}
    assert len(connections.made) == 3


async def test_a_connection_is_replaced_after_many_messages(monkeypatch, mailbox, usual):
    monkeypatch.setattr(kept, "MOST_MESSAGES", 2)
    connections = Counting(usual)
    async with listening(connections) as config:
        medium = Email(config)
        for _ in range(5):
            await medium.send(NOTIFICATION, ALICE)
        await medium.close()

    assert (5, 3) == (len(mailbox.messages), len(connections.made))


async def test_connections_that_nobody_needs_are_closed(monkeypatch, mailbox):
    class Noticing(SMTP):
        def connection_lost(self, error):
            super().connection_lost(error)
            lost.set()

    monkeypatch.setattr(kept, "IDLE_SECONDS", 0.2)
    lost = asyncio.Event()
    async with listening(lambda: Noticing(mailbox, hostname="mail.example.org")) as config:
        medium = Email(config)
        await medium.send(NOTIFICATION, ALICE)
        was_kept = not lost.is_set()
        async with asyncio.timeout(2):
            await lost.wait()
        await medium.send(NOTIFICATION, ALICE)
        await medium.close()

    assert (True, 2) == (was_kept, len(mailbox.messages))


TAKES_ONE = [*UP_TO_DATA, b"250 taken\r\n"]


@pytest.mark.parametrize(
    ("answers", "hang_up"),
    [(TAKES_ONE, True), ([*TAKES_ONE, b"421 too many\r\n"], False), ([*TAKES_ONE, *UP_TO_DATA[1:2]], True)],
    ids=["hangs up", "says goodbye", "hangs up later"],
)
async def test_a_kept_connection_that_has_died_is_replaced_at_once(mailbox, usual, answers, hang_up):
    def old():
        return WholeMessages(b"220 hello\r\n", answers, hang_up)

    connections = Counting(old, usual)
    async with listening(connections) as config:
        medium = Email(config)
        await medium.send(NOTIFICATION, ALICE)
        await medium.send(replace(NOTIFICATION, id="m2"), ALICE)
        await medium.close()

    assert ["<m2@example.org>"] == [one.message["Message-ID"] for one in mailbox.messages]
    assert len(connections.made) == 2


async def test_a_new_connection_that_dies_is_not_replaced(mailbox, usual):
    connections = Counting(lambda: Rude(b"220 hello\r\n", UP_TO_DATA[:2], hang_up=True), usual)
    async with listening(connections) as config:
        with pytest.raises(TryLater):
            await send_with(Email(config))

    assert (0, 1) == (len(mailbox.messages), len(connections.made))


async def test_what_was_handed_over_is_not_handed_over_again_by_itself(mailbox, usual):
    connections = Counting(lambda: WholeMessages(b"220 hello\r\n", [*TAKES_ONE, *UP_TO_DATA[1:]], hang_up=True), usual)
    async with listening(connections) as config:
        medium = Email(config)
        await medium.send(NOTIFICATION, ALICE)
        with pytest.raises(PerhapsDelivered):
            await medium.send(NOTIFICATION, ALICE)
        await medium.close()

    assert [] == mailbox.messages


async def test_a_refusal_does_not_spoil_the_next_message():
    class OnlyBob(Mailbox):
        async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
            if not address.startswith("bob"):
                return "550 5.1.1 No such user"
            return await super().handle_RCPT(server, session, envelope, address, options)

    mailbox = OnlyBob()
    async with mail_server(mailbox) as config:
        medium = Email(config)
        await medium.send(NOTIFICATION, {"email_address": "bob@example.org"})
        with pytest.raises(Undeliverable):
            await medium.send(NOTIFICATION, ALICE)
        await medium.send(NOTIFICATION, {"email_address": "bob@example.org"})
        await medium.close()

    assert len(mailbox.messages) == 2


async def test_a_stopped_delivery_gives_its_place_to_others(monkeypatch, mailbox, usual):
    monkeypatch.setattr(kept, "MOST_CONNECTIONS", 1)
    connections = Counting(lambda: Rude(b""), usual)
    async with listening(connections) as config:
        medium = Email(config)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await medium.send(NOTIFICATION, ALICE)
        await medium.send(NOTIFICATION, ALICE)
        await medium.close()

    assert len(mailbox.messages) == 1


class Moody(asyncio.Protocol):
    """A mail server that at any point may refuse, hang up or be silent; what it has said yes to, and what it has seen whole, is noted."""

    def __init__(self, rng, seen):
        self.rng, self.seen, self.rest, self.in_message = rng, seen, b"", False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 hello\r\n")

    def data_received(self, data):
        self.rest += data
        while not self.transport.is_closing():
            line, found, rest = self.rest.partition(b"\r\n.\r\n" if self.in_message else b"\r\n")
            if not found:
                return
            self.rest = rest
            if self.in_message:
                self.seen.append(email.message_from_bytes(line)["Message-ID"])
            mood = self.rng.choices(["fine", "gone", "silent", "later", "never", "closing"], [80, 5, 1, 3, 3, 3])[0]
            if mood == "gone":
                self.transport.close()
            elif mood == "fine":
                self.in_message = not self.in_message and line == b"DATA"
                self.transport.write(b"354 go on\r\n" if self.in_message else b"250 fine\r\n")
            elif mood != "silent":
                if self.in_message:
                    self.seen.pop()  # it said no
                self.in_message = False
                self.transport.write({"later": b"451 later\r\n", "never": b"554 never\r\n", "closing": b"421 closing\r\n"}[mood])


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_a_server_does_each_message_arrives_as_often_as_was_said(monkeypatch, seed):
    """Sent is once, later and never are not at all, and only what perhaps was delivered may be either."""
    monkeypatch.setattr(mail, "ANSWER_SECONDS", 0.2)
    seen, outcomes, rng = [], {}, random.Random(seed)  # noqa: S311 - it is to be guessed

    async def send(medium, name):
        try:
            await medium.send(replace(NOTIFICATION, id=name), ALICE)
        except (TryLater, Undeliverable, PerhapsDelivered) as error:
            outcomes[name] = type(error)
        else:
            outcomes[name] = None

    async with listening(lambda: Moody(rng, seen)) as config:
        medium = Email(config)
        await asyncio.gather(*(send(medium, f"m{number}") for number in range(200)))
        await medium.close()

    expected = {None: {1}, TryLater: {0}, Undeliverable: {0}, PerhapsDelivered: {0, 1}}
    assert {} == {name: outcome for name, outcome in outcomes.items() if seen.count(f"<{name}@example.org>") not in expected[outcome]}
    assert set(outcomes.values()) == set(expected)
