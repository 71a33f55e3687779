"""Mail in plain text, about no incident: through the same mail server as all other mail."""

import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from secrets import token_hex

from adapters.media.mail import MailServer, Post, new_headers, utc_now, visible
from argus_core.ports.letters import Letters
from argus_core.ports.media import PerhapsDelivered, TryLater, Undeliverable

_log = logging.getLogger("argus.mail")


class PlainMail(Letters):
    """Letters as mail. One that cannot be sent at once is not sent: whoever waits for it asks again."""

    def __init__(self, config: Mapping[str, str], *, tls: ssl.SSLContext | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self._post, self._clock = Post(MailServer.of(config, tls)), clock

    @property
    def lacks(self) -> str:
        """See the port."""
        return self._post.server.lacks

    async def write(self, address: str, subject: str, text: str) -> None:
        """See the port."""
        message = new_headers(self._post.server, subject)
        message["To"] = address
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = self._post.server.message_id(token_hex(16))
        message.set_content(visible(text))
        try:
            await self._post.deliver(message.as_bytes(), address)
        except (TryLater, Undeliverable, PerhapsDelivered) as error:
            _log.warning("A mail to %s was not sent: %s", address, error)
