"""The mail server that email and SMS go through: its settings, and how one message gets there."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

import aiosmtplib

from adapters.media.addresses import for_envelope, is_address
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

MAIL_POLICY = SMTP.clone(cte_type="7bit")  # not every server takes eight
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
GOODBYE_SECONDS = 2.0
IDLE_SECONDS = 10.0
"""So long a connection is kept that nobody uses."""

_FAILED_FOR_GOOD = range(500, 600)
_WANTS_LOGIN = 530
_MOST_REASON = 300
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Connections:
    """Connections that are kept for a while, because there is seldom one message alone."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self._tidying: asyncio.TimerHandle | None = None

    async def take(self, connect: Callable[[], Awaitable[aiosmtplib.SMTP]]) -> tuple[aiosmtplib.SMTP, bool]:
        """A connection that nobody else uses, and whether it was kept rather than made."""
        while self._idle:
            _, client = self._idle.pop()
            if client.is_connected:
                return client, True
            client.close()
        return await connect(), False

    def give_back(self, client: aiosmtplib.SMTP) -> None:
        """Keep a connection that works."""
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), client))
        if self._tidying is None:
            self._tidying = loop.call_later(IDLE_SECONDS, self._tidy)

    async def close(self) -> None:
        """Let all connections go that nobody uses."""
        if self._tidying is not None:
            self._tidying.cancel()
            self._tidying = None
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_say_goodbye(client) for _, client in idle))

    def _tidy(self) -> None:
        loop = asyncio.get_running_loop()
        too_long = loop.time() - IDLE_SECONDS
        for since, client in self._idle:
            if since <= too_long:
                client.close()
        self._idle = [(since, client) for since, client in self._idle if since > too_long]
        self._tidying = loop.call_later(IDLE_SECONDS, self._tidy) if self._idle else None


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
    connections: Connections = field(default_factory=Connections, repr=False, compare=False)

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
        """The setting without which nothing can be sent, or nothing."""
        if not self.host:
            return HOST
        return "" if self.sender else SENDER

    @property
    def waits_for(self) -> str:
        """The same as a sentence."""
        return f"{self.lacks} is not set, so mail waits." if self.lacks else ""

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.host}:{self.port}"

    async def deliver(self, message: EmailMessage, recipient: str) -> None:
        """
        Hand in one message for one recipient; the server has taken it when this returns.

        Raises:
            TryLater: the server cannot be reached, is too slow, does not want us, or says that it may work later.
            Undeliverable: the server says that it never will take this message, or one for this recipient.
            PerhapsDelivered: the server was given the message, and what it made of it was not heard.
        """
        if self.lacks or self.sender is None:
            raise TryLater(self.waits_for)
        content = message.as_bytes()
        try:
            async with asyncio.timeout(DELIVERY_SECONDS):
                while not await self._handed_in(content, self.sender.addr_spec, recipient):
                    pass
        except TimeoutError as error:
            raise TryLater(f"{self._name} was too slow.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._refusal(error) from error

    async def _handed_in(self, content: bytes, sender: str, recipient: str) -> bool:
        """Whether the message was taken; not when a connection that was kept has turned out to be of no use any more."""
        client, kept = await self.connections.take(self._connected)
        try:
            try:
                await client.mail(for_envelope(sender))
            except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException, OSError):
                if kept:
                    return False
                raise
            await client.rcpt(for_envelope(recipient))
            try:
                await client.data(content)
            except aiosmtplib.SMTPDataError:
                raise
            except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
                raise PerhapsDelivered(_sentence(f"{self._name} did not say what became of the message: {error}")) from error
        except BaseException:
            client.close()
            raise
        self.connections.give_back(client)
        return True

    async def _connected(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.tls,
            timeout=ANSWER_SECONDS,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    @property
    def _name(self) -> str:
        return f"The mail server {self.host}:{self.port}"

    def _refusal(self, error: Exception) -> TryLater | Undeliverable:
        match error:
            case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError():
                return self._by_code(error)
            case aiosmtplib.SMTPResponseException(code=code, message=message):
                return TryLater(_sentence(f"{self._name} does not let us in: {code} {message}"))
            case _:
                return TryLater(_sentence(f"{self._name} cannot be used: {error}"))

    def _by_code(self, error: aiosmtplib.SMTPResponseException) -> TryLater | Undeliverable:
        reason = _sentence(f"{self._name} said: {error.code} {error.message}")
        if error.code in _FAILED_FOR_GOOD and error.code != _WANTS_LOGIN:
            return Undeliverable(reason)
        return TryLater(reason)


def new_message(server: MailServer, *, recipient: str, subject: str, text: str) -> EmailMessage:
    """A message as plain text. Nothing in the texts can become a header or another message."""
    message = EmailMessage(policy=MAIL_POLICY)
    if server.sender:
        message["From"] = Address(server.sender.display_name, addr_spec=for_envelope(server.sender.addr_spec))
    message["To"] = for_envelope(recipient)
    # "=?" would begin an encoded word, in which line breaks could be hidden.
    message["Subject"] = one_line(subject).replace("=?", "= ?")
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: whoever is away need not answer
    message.set_content("".join(f"{_UNSEEN.sub(' ', line)}\n" for line in text.splitlines()), charset="utf-8")
    return message


def one_line(text: str) -> str:
    """The text without line breaks and other control characters."""
    return _CONTROL.sub(" ", text).strip()


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):  # which TimeoutError is one of
        client.close()


def _sentence(text: str) -> str:
    return one_line(text)[:_MOST_REASON]


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65_536:  # noqa: PLR2004 - ports are 16 bits
        raise ValueError(f"{PORT} is {text!r}; expected a number from 1 to 65535.")
    return int(text)


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    if not is_address(address) or _CONTROL.search(text):
        raise ValueError(f"{SENDER} is {text!r}; expected an address like argus@example.org or Argus <argus@example.org>.")
    return Address(name, addr_spec=address)
