"""The mail server that email and SMS go through: its settings, and how one message gets there."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from email.utils import format_datetime, parseaddr

import aiosmtplib

from adapters.media.addresses import for_envelope, is_address
from argus_core.ports.media import TryLater, Undeliverable

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

_FAILED_FOR_GOOD = range(500, 600)
_WANTS_LOGIN = 530
_MOST_REASON = 300
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


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
        """The setting without which nothing can be sent, or nothing."""
        if not self.host:
            return HOST
        return "" if self.sender else SENDER

    async def deliver(self, message: EmailMessage, recipient: str) -> None:
        """
        Hand in one message for one recipient; the server has taken it when this returns.

        Raises:
            TryLater: the server cannot be reached, is too slow, does not want us, or says that it may work later.
            Undeliverable: the server says that it never will take this message, or one for this recipient.
        """
        if self.lacks or self.sender is None:
            raise TryLater(f"{self.lacks} is not set, so everything that goes by mail waits.")
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
            async with asyncio.timeout(DELIVERY_SECONDS):
                await client.connect()
                await client.send_message(message, sender=for_envelope(self.sender.addr_spec), recipients=[for_envelope(recipient)])
            await _say_goodbye(client)
        except TimeoutError as error:
            raise TryLater(f"{self._name} was too slow.") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._refusal(error) from error
        finally:
            client.close()

    @property
    def _name(self) -> str:
        return f"The mail server {self.host}:{self.port}"

    def _refusal(self, error: Exception) -> TryLater | Undeliverable:
        match error:
            case aiosmtplib.SMTPRecipientsRefused(recipients=[refused, *_]):
                return self._by_code(refused)
            case aiosmtplib.SMTPDataError():
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
    # The server has the message; whatever goes wrong from now on must not make it be sent again.
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):  # which TimeoutError is one of
        return


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
