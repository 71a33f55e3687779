"""A mail server that keeps what it gets, and misbehaves as it is told to."""

import asyncio
import email
import email.policy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP

TAKEN = "250 OK"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Mail:
    """What arrived, for whom, and when by a clock that only goes forward."""

    recipient: str
    message: EmailMessage
    at: float

    @property
    def id(self) -> str:
        return self.message["Message-ID"]

    @property
    def subject(self) -> str:
        return self.message["Subject"]

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()


class Sink:
    """
    Takes every mail.

    `answer` is asked for each message before it is taken: what it gives is answered to DATA, and the message is kept when that is 250.
    `DROPPED` keeps the message and breaks the connection without an answer, `LOST` does not even keep it.
    """

    DROPPED = "dropped"
    LOST = "lost"

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self.mails: list[Mail] = []
        self.answer: Callable[[EmailMessage], str] = lambda _: TAKEN
        self.open = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._silent = asyncio.Event()
        self.port = 0

    @property
    def settings(self) -> dict[str, str]:
        """What leads here."""
        return {
            "ARGUS_EMAIL_HOST": self._host,
            "ARGUS_EMAIL_PORT": str(self.port),
            "ARGUS_EMAIL_SECURITY": "none",
            "ARGUS_DEFAULT_FROM_EMAIL": "argus@example.org",
            "ARGUS_SMS_GATEWAY_ADDRESS": "sms@gateway.example.org",
        }

    def wait_for(self, enough: Callable[[list[Mail]], object], seconds: float = PATIENCE) -> list[Mail]:
        """All mails, as soon as they are enough."""
        until = time.monotonic() + seconds
        with self._changed:
            while not enough(self.mails):
                if (left := until - time.monotonic()) <= 0:
                    raise AssertionError(f"Waited in vain; there are {[(mail.recipient, mail.subject) for mail in self.mails[-20:]]}")
                self._changed.wait(left)
            return list(self.mails)

    def clear(self) -> None:
        with self._changed:
            self.mails.clear()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the server's name for it
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        answer = self.answer(message)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer in (TAKEN, self.DROPPED):
            with self._changed:
                self.mails += [Mail(recipient, message, time.monotonic()) for recipient in envelope.rcpt_tos]
                self._changed.notify_all()
        if answer in (self.DROPPED, self.LOST):
            server.transport.abort()
        return answer

    def server(self) -> SMTP:
        """What serves a connection."""
        return SMTP(self, hostname="mail.example.org", loop=self._loop)

    def up(self) -> None:
        """Listen where it listened before."""

        async def listen() -> None:
            self._server = await asyncio.get_running_loop().create_server(self.server, self._host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

        self._do(listen())

    def down(self) -> None:
        """Refuse connections."""

        async def close() -> None:
            if self._server is not None:
                self._server.close()

        self._do(close())

    def _do(self, what) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    def start(self) -> None:
        self._thread.start()
        self.up()

    def stop(self) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def sink(host: str = "127.0.0.1") -> Iterator[Sink]:
    """A mail server until the end of the block."""
    opened = Sink(host)
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()
