"""Webhooks: each notification as JSON to a URL that a user gives, signed as https://www.standardwebhooks.com describes it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from adapters.media.mail import utc_now
from adapters.media.outgoing import Outgoing, Refused
from adapters.media.payload import as_json
from adapters.media.posting import hand_over, host_in
from adapters.media.signature import key_of, signed_headers, webhook_id
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, Settings

HEADERS = ("Authorization", "X-API-Key", "X-Auth-Token", "X-Webhook-Token")
"""What a receiver may want to know a sender by. Others could change what a request means."""
MOST_VALUE = 1_024

_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class Webhook(Medium):
    """Posts each notification as JSON to a URL."""

    slug: ClassVar[str] = "webhook"
    name: ClassVar[str] = "Webhook"

    def __init__(self, config: Mapping[str, str], *, outgoing: Outgoing | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self._outgoing = outgoing or Outgoing.of(config)
        self._clock = clock

    @property
    def schema(self) -> Mapping[str, Json]:
        """See the port."""
        return {
            "title": "Webhook Settings",
            "description": "Settings for a DestinationConfig using a webhook.",
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": {"type": "string", "title": "URL", "description": "It is sent a POST request for each notification."},
                "secret": {
                    "type": "string",
                    "title": "Signing secret",
                    "description": "whsec_ and 24 to 64 random bytes in base64. With it the receiver can tell that a request is genuine.",
                    "writeOnly": True,
                },
                "header": {
                    "type": "string",
                    "title": "Header",
                    "description": "One that the receiver wants to know Argus by.",
                    "enum": ["", *HEADERS],
                },
                "header_value": {
                    "type": "string",
                    "title": "Value of the header",
                    "description": "For example a word like Bearer, and a token.",
                    "writeOnly": True,
                },
            },
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port. A value without a header is of no use, and forgotten."""
        checks = {"url": self._outgoing.check, "secret": _secret, "header": _header, "header_value": _value}
        given = {name: value.strip() if isinstance(value := settings.get(name), str) else value for name in checks}
        errors = {} if given["url"] not in (None, "") else {"url": "This field is required."}
        clean: dict[str, Json] = {}
        for name, check in checks.items():
            text = given[name]
            if text is None or text == "":
                continue
            try:
                clean[name] = check(text if isinstance(text, str) else _no_text())
            except (Refused, ValueError) as error:
                errors[name] = str(error)
        if "header" not in clean:
            clean.pop("header_value", None)
        elif "header_value" not in clean and "header_value" not in errors:
            errors["header_value"] = "Give the header a value."
        if errors:
            raise BadSettings(errors)
        return clean

    def label(self, settings: Settings) -> str:
        """See the port. Paths and queries of webhooks are often secrets, so only the host is shown."""
        return f"Webhook: {self.host(settings)}"

    def host(self, settings: Settings) -> str:
        """See the port."""
        return host_in(str(settings["url"]))

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. A repetition has the same `webhook-id`, and a timestamp and a signature of its own."""
        body = as_json(notification)
        headers = {"Content-Type": "application/json", "webhook-id": webhook_id(notification.id)}
        if secret := settings.get("secret"):
            headers |= signed_headers(key_of(str(secret)), notification.id, self._clock(), body)
        if name := settings.get("header"):
            headers[str(name)] = str(settings["header_value"])
        await hand_over(self._outgoing, str(settings["url"]), body, headers, clock=self._clock)


def _no_text() -> str:
    raise ValueError("Not a valid string.")


def _secret(text: str) -> str:
    key_of(text)
    return text


def _header(text: str) -> str:
    known = next((name for name in HEADERS if name.lower() == text.lower()), None)
    if known is None:
        raise ValueError(f"Choose one of {', '.join(HEADERS)}.")
    return known


def _value(text: str) -> str:
    if len(text) > MOST_VALUE or not _VALUE.fullmatch(text):
        raise ValueError(f"Enter at most {MOST_VALUE} plain characters.")
    return text
