"""The mail server that email and SMS go through: its settings, and how one message gets there."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from adapters.media.addresses import for_envelope, sender
from adapters.media.connections import Connection, Connections
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

HOST = "ARGUS_EMAIL_HOST"
PORT = "ARGUS_EMAIL_PORT"
SECURITY = "ARGUS_EMAIL_SECURITY"
USER = "ARGUS_EMAIL_USER"
PASSWORD = "ARGUS_EMAIL_PASSWORD"  # noqa: S105 - the name of a setting
SENDER = "ARGUS_DEFAULT_FROM_EMAIL"

USUAL_PORTS = {"none": 25, "starttls": 587, "tls": 465}
ANSWER_SECONDS = 20.0
"""How long the server may take for one answer."""
DELIVERY_SECONDS = 45.0
"""How long a whole delivery may take."""

_POLICY = SMTP.clone(cte_type="7bit")
"""What every server takes."""
_GO_ON = 354
_TAKEN = range(200, 300)
_CLOSING = 421
_NOT_NOW, _FAILED_FOR_GOOD = range(400, 500), range(500, 600)
_WANTS_LOGIN = 530
_MOST_REASON = 300
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def utc_now() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


class _Stale(Exception):
    """A connection that was kept is none any more, and nothing has been handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and who it comes from. Without a host or a sender it is incomplete, and everything waits."""

    host: str = ""
    port: int = USUAL_PORTS["starttls"]
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: Address | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """What certificates are checked against; None is what the platform trusts."""

    @classmethod
    def of(cls, config: Mapping[str, str], tls: ssl.SSLContext | None = None) -> "MailServer":
        """
        The server that the settings describe.

        Raises:
            ValueError: a setting is wrong.
        """
        security = config.get(SECURITY) or "starttls"
        if security not in USUAL_PORTS:
            raise ValueError(f"{SECURITY} is {security!r}; expected none, starttls or tls.")
        if config.get(PASSWORD) and not config.get(USER):
            raise ValueError(f"{PASSWORD} is set, but not {USER}.")
        return cls(
            host=config.get(HOST, ""),
            port=_port(config.get(PORT) or str(USUAL_PORTS[security])),
            security=security,
            user=config.get(USER, ""),
            password=config.get(PASSWORD, ""),
            sender=_sender(config[SENDER]) if config.get(SENDER) else None,
            tls=tls,
        )

    @property
    def lacks(self) -> str:
        """One sentence about the setting without which nothing can be sent, or nothing."""
        missing = HOST if not self.host else SENDER if self.sender is None else ""
        return f"{missing} is not set, so mail waits." if missing else ""

    @property
    def address(self) -> str:
        """Where it is."""
        return f"{self.host}:{self.port}" if self.host else ""

    def message_id(self, name: str) -> str:
        """The id that a message has each time when it is sent."""
        domain = for_envelope(self.sender.addr_spec).rpartition("@")[2] if self.sender else "localhost"
        return f"<{_NOT_IN_IDS.sub('-', name)}@{domain}>"


class Post:
    """Hands in messages at the mail server, over connections that it keeps."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._connections = Connections(self._connect)
        self._our_name: str | None = None

    async def deliver(self, content: bytes, recipient: str) -> None:
        """
        Hand in one message, in ASCII with CRLF, for one recipient; the server has taken it when this returns.

        Raises:
            TryLater: the server cannot be reached, is too slow, does not want us, or says that it may work later.
            Undeliverable: the server says that it never will take this message, or one for this recipient.
            PerhapsDelivered: the server has it, but did not say whether it takes it, or had no time to: the caller stopped waiting.
        """
        if self.server.lacks:
            raise TryLater(self.server.lacks)
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                await self._deliver(content, for_envelope(recipient))
        except TimeoutError as error:
            raise TryLater(f"{self._name} was too slow.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """Let go of the connections that were kept."""
        self._connections.close()

    async def _deliver(self, content: bytes, recipient: str) -> None:
        try:
            async with self._connections.one() as connection:
                await self._hand_in(connection, content, recipient)
        except _Stale:
            async with self._connections.one(new=True) as connection:
                await self._hand_in(connection, content, recipient)

    async def _hand_in(self, connection: Connection, content: bytes, recipient: str) -> None:
        client = connection.client
        sender = for_envelope(self.server.sender.addr_spec) if self.server.sender else ""
        try:
            await client.mail(sender)
            await client.rcpt(recipient)
            answer = await client.execute_command(b"DATA")
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException) as error:
            if connection.kept and getattr(error, "code", _CLOSING) == _CLOSING:
                raise _Stale from error
            raise
        if answer.code != _GO_ON or client.protocol is None:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        answer = await self._answer(client.protocol, content)
        if answer.code not in _TAKEN:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _answer(self, protocol: SMTPProtocol, content: bytes) -> aiosmtplib.SMTPResponse:
        # The first line is a header, so none but those after a line break can begin with a full stop.
        protocol.write(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        try:
            return await protocol.read_response(timeout=ANSWER_SECONDS)
        except asyncio.CancelledError as error:
            # Whoever stops us wants to know this more than that we stopped.
            raise PerhapsDelivered(f"{self._name} was given the message, but did not answer in time.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise PerhapsDelivered(_sentence(f"{self._name} was given the message, but did not answer: {error}")) from error

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self.server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            local_hostname=self._our_name,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=None if server.security == "none" else server.tls or usual_tls(),
            timeout=ANSWER_SECONDS,
        )
        await client.connect()
        self._our_name = client.local_hostname  # looking it up may take long
        return client

    @property
    def _name(self) -> str:
        return f"The mail server {self.server.address}"

    def _refusal(self, error: Exception) -> TryLater | Undeliverable:
        match error:
            case aiosmtplib.SMTPRecipientRefused():
                return self._by_code(error, provider_works=error.code in _NOT_NOW and error.code != _CLOSING)
            case aiosmtplib.SMTPDataError():
                return self._by_code(error)
            case aiosmtplib.SMTPResponseException(code=code, message=message):
                return TryLater(_sentence(f"{self._name} does not let us in: {code} {message}"))
            case _:
                return TryLater(_sentence(f"{self._name} cannot be used: {error}"))

    def _by_code(self, error: aiosmtplib.SMTPResponseException, *, provider_works: bool = False) -> TryLater | Undeliverable:
        reason = _sentence(f"{self._name} said: {error.code} {error.message}")
        if error.code in _FAILED_FOR_GOOD and error.code != _WANTS_LOGIN:
            return Undeliverable(reason)
        return TryLater(reason, provider_works=provider_works)


def new_headers(server: MailServer, subject: str) -> EmailMessage:
    """A message that has a sender and a subject. Nothing in the subject can become another header."""
    message = EmailMessage(policy=_POLICY)
    if server.sender:
        message["From"] = Address(server.sender.display_name, addr_spec=for_envelope(server.sender.addr_spec))
    message["Subject"] = for_subject(subject)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: whoever is away need not answer
    return message


def for_subject(text: str) -> str:
    """The text on one line. "=?" would begin an encoded word, in which line breaks could be hidden."""
    return one_line(text).replace("=?", "= ?")


def visible(text: str) -> str:
    """The text with each line ended, and without what moves the cursor of a terminal."""
    return "".join(f"{_UNSEEN.sub(' ', line)}\n" for line in text.splitlines())


def one_line(text: str) -> str:
    """The text without line breaks and other control characters."""
    return _CONTROL.sub(" ", text).strip()


@cache
def usual_tls() -> ssl.SSLContext:
    """What the platform trusts."""
    return ssl.create_default_context()


def _sentence(text: str) -> str:
    return one_line(text)[:_MOST_REASON]


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65_536:  # noqa: PLR2004 - ports are 16 bits
        raise ValueError(f"{PORT} is {text!r}; expected a number from 1 to 65535.")
    return int(text)


def _sender(text: str) -> Address:
    try:
        return sender(text)
    except ValueError as error:
        raise ValueError(f"{SENDER} is {text!r}; {error}.") from None
