"""The medium: what its settings are, and what becomes of each answer."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import urlsplit

from adapters.media.outgoing import Answer, Outgoing, Refused, Unanswered, Unreachable
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, PerhapsDelivered, Settings, TryLater, Undeliverable
from argus_webhook.payload import as_json
from argus_webhook.signature import headers, key_of

NEVER = frozenset({400, 404, 405, 410, 413, 414, 415, 422})
"""Answers after which the same request need not be made again. Whatever else goes wrong may be put right."""
LONGEST_WAIT = 86_400.0


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Webhook(Medium):
    """Posts each notification as JSON to a URL, signed with a secret that the receiver knows too."""

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
            "required": ["url", "secret"],
            "properties": {
                "url": {"type": "string", "title": "URL", "description": "It is sent a POST request for each notification."},
                "secret": {
                    "type": "string",
                    "title": "Signing secret",
                    "description": "whsec_ and 24 to 64 random bytes in base64. The receiver checks signatures with it.",
                    "writeOnly": True,
                },
            },
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port."""
        texts = {name: value.strip() if isinstance(value := settings.get(name), str) else value for name in ("url", "secret")}
        errors: dict[str, str] = {}
        clean: dict[str, Json] = {}
        for name, check in (("url", self._outgoing.check), ("secret", _secret)):
            text = texts[name]
            if text is None or text == "":
                errors[name] = "This field is required."
            elif not isinstance(text, str):
                errors[name] = "Not a valid string."
            else:
                try:
                    clean[name] = check(text)
                except (Refused, ValueError) as error:
                    errors[name] = str(error)
        if errors:
            raise BadSettings(errors)
        return clean

    def label(self, settings: Settings) -> str:
        """See the port. Paths and queries of webhooks are often secrets, so only the host is shown."""
        return f"Webhook: {_host(settings)}"

    def host(self, settings: Settings) -> str:
        """See the port."""
        return _host(settings)

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. A repetition has the same `webhook-id`, and a timestamp and a signature of its own."""
        body = as_json(notification)
        signed = headers(key_of(str(settings["secret"])), notification.id, self._clock(), body)
        try:
            answer = await self._outgoing.post(str(settings["url"]), body, {"Content-Type": "application/json", **signed})
        except Refused as error:
            raise Undeliverable(str(error)) from error
        except Unanswered as error:
            raise PerhapsDelivered(str(error)) from error
        except Unreachable as error:
            raise TryLater(str(error)) from error
        self._judge(answer, _host(settings))

    def _judge(self, answer: Answer, host: str) -> None:
        """
        What an answer means for the delivery.

        Raises:
            TryLater: it may work later.
            Undeliverable: it never will.
        """
        if 200 <= answer.status < 300:  # noqa: PLR2004 - success
            return
        if 300 <= answer.status < 400:  # noqa: PLR2004 - redirection
            raise Undeliverable(f"{host} answered with a redirect ({answer.status}): enter the URL that it leads to.")
        if answer.status in NEVER:
            raise Undeliverable(f"{host} answered {answer.status}.")
        raise TryLater(f"{host} answered {answer.status}.", after=self._retry_after(answer.headers.get("retry-after", "")))

    def _retry_after(self, text: str) -> float | None:
        """The seconds to wait, which come as a number or as a date."""
        if text.isascii() and text.isdigit():
            return min(float(text), LONGEST_WAIT)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - self._clock()).total_seconds()
        return min(max(seconds, 0.0), LONGEST_WAIT)


def _secret(text: str) -> str:
    key_of(text)
    return text


def _host(settings: Settings) -> str:
    return urlsplit(str(settings["url"])).hostname or ""
