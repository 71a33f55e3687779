"""SMS: a mail to a gateway, with the number as its subject and a short text."""

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar

import phonenumbers

from adapters.media.addresses import for_envelope, is_address
from adapters.media.mail import MailServer, Post, new_headers, utc_now
from adapters.media.short import shortened
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, Settings, TryLater, Undeliverable

GATEWAY = "ARGUS_SMS_GATEWAY_ADDRESS"


class Sms(Medium):
    """Text messages to one phone number, which is kept as E.164."""

    slug: ClassVar[str] = "sms"
    name: ClassVar[str] = "SMS"

    def __init__(self, config: Mapping[str, str], *, tls: ssl.SSLContext | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self._post, self._clock = Post(MailServer.of(config, tls)), clock
        self._gateway = config.get(GATEWAY, "")
        if self._gateway and not is_address(self._gateway):
            raise ValueError(f"{GATEWAY} is {self._gateway!r}; expected an address like sms@gateway.example.org.")

    @property
    def schema(self) -> Mapping[str, Json]:
        """See the port."""
        return {
            "title": "SMS Settings",
            "description": "Settings for a DestinationConfig using SMS.",
            "type": "object",
            "required": ["phone_number"],
            "properties": {
                "phone_number": {
                    "type": "string",
                    "title": "Phone number",
                    "description": "The phone number is validated and the country code needs to be given.",
                },
            },
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port."""
        given = settings.get("phone_number")
        if given is None or (isinstance(given, str) and not given.strip()):
            raise BadSettings({"phone_number": "This field is required."})
        number = _e164(given) if isinstance(given, str) else None
        if number is None:
            raise BadSettings({"phone_number": "Enter a valid phone number (e.g. +12125552368)."})
        return {"phone_number": number}

    def label(self, settings: Settings) -> str:
        """See the port."""
        return f"SMS: {settings['phone_number']}"

    @property
    def lacks(self) -> str:
        """See the port."""
        return self._post.server.lacks if self._gateway else f"{GATEWAY} is not set, so SMS wait."

    def host(self, settings: Settings) -> str:  # noqa: ARG002 - it is the same for all
        """See the port."""
        return self._post.server.address

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. The gateway does not tell whether the number can be reached."""
        if self.lacks:
            raise TryLater(self.lacks)
        message = new_headers(self._post.server, str(settings["phone_number"]))
        message["To"] = for_envelope(self._gateway)
        message["Date"] = format_datetime(self._clock())
        message["Message-ID"] = self._post.server.message_id(notification.id)
        message.set_content(shortened(notification.subject, notification.text, notification.link), charset="utf-8")
        try:
            await self._post.deliver(message.as_bytes(), self._gateway)
        except (Undeliverable, TryLater) as error:
            # What was refused is the gateway's address, which is the same for all, and that may be put right.
            raise TryLater(f"The SMS gateway: {error}") from error

    async def close(self) -> None:
        """See the port."""
        self._post.close()


def _e164(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
