"""E-mail: plain text through the installation's mail server, one thread for each incident."""

import re
import ssl
from collections.abc import Mapping
from typing import ClassVar

from adapters.media.addresses import is_address
from adapters.media.mail import MailServer, new_message
from argus_core.domain.incidents import Incident
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, Settings

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]")


class Email(Medium):
    """Mail to one address. The address is kept and compared as it was written, capitals and all."""

    slug: ClassVar[str] = "email"
    name: ClassVar[str] = "Email"

    def __init__(self, config: Mapping[str, str], *, tls: ssl.SSLContext | None = None) -> None:
        self._server = MailServer.of(config, tls)

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

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. A repetition has the same Message-ID."""
        recipient = str(settings["email_address"])
        message = new_message(self._server, recipient=recipient, subject=notification.subject, text=_body(notification))
        host = self._server.sender.domain if self._server.sender else "localhost"
        thread = f"<{_thread(notification.incident)}@{host}>"
        message["Message-ID"] = f"<{_NOT_IN_IDS.sub('-', notification.id)}@{host}>"
        # All messages answer one that was never sent: so they are one thread, whichever of them arrives first, or at all.
        message["In-Reply-To"] = thread
        message["References"] = thread
        await self._server.deliver(message, recipient)


def _body(notification: Notification) -> str:
    if not notification.link or notification.link in notification.text:
        return notification.text
    return f"{notification.text.rstrip()}\n\n{notification.link}"


def _thread(incident: Incident) -> str:
    # The start tells installations apart that send from the same host and count their incidents alike.
    return f"incident-{incident.id}-{incident.start_time:%Y%m%dT%H%M%S}"
