"""E-mail: through the installation's mail server, one thread for each incident."""

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from adapters.media.addresses import is_address
from adapters.media.letters import Letters
from adapters.media.mail import MailServer, Post, utc_now
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, Settings


class Email(Medium):
    """Mail to one address. The address is kept and compared as it was written, capitals and all."""

    slug: ClassVar[str] = "email"
    name: ClassVar[str] = "Email"

    def __init__(self, config: Mapping[str, str], *, tls: ssl.SSLContext | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        server = MailServer.of(config, tls)
        self._post, self._letters, self._clock = Post(server), Letters(server), clock

    @property
    def schema(self) -> Mapping[str, Json]:
        """See the port."""
        return {
            "title": "Email Settings",
            "description": "Settings for a DestinationConfig using email.",
            "type": "object",
            "required": ["email_address"],
            "properties": {"email_address": {"type": "string", "title": "Email address"}},
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port."""
        given = settings.get("email_address")
        if given is None or (isinstance(given, str) and not given.strip()):
            raise BadSettings({"email_address": "This field is required."})
        if not isinstance(given, str) or not is_address(given.strip()):
            raise BadSettings({"email_address": "Enter a valid email address."})
        return {"email_address": given.strip()}

    def label(self, settings: Settings) -> str:
        """See the port."""
        return f"Email: {settings['email_address']}"

    @property
    def lacks(self) -> str:
        """See the port."""
        return self._post.server.lacks

    def host(self, settings: Settings) -> str:  # noqa: ARG002 - it is the same for all
        """See the port."""
        return self._post.server.address

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. A repetition has the same Message-ID."""
        recipient = str(settings["email_address"])
        await self._post.deliver(self._letters.write(notification, recipient=recipient, now=self._clock()), recipient)

    async def close(self) -> None:
        """See the port."""
        self._post.close()
