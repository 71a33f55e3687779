"""
Apprise: chats, pagers and push services, by one URL each.

Who may use which, and with what, says `providers`; Apprise itself runs in a process of its own, see `apprise_child`. It is the extra
`apprise` of Argus.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from threading import Thread
from typing import ClassVar, TypeAlias
from urllib.parse import urlsplit

from adapters.media.children import Children, Failed, Unfinished
from adapters.media.mail import utc_now
from adapters.media.outgoing import Outgoing
from adapters.media.posting import judge
from adapters.media.providers import MOST_CHARACTERS, NotTaken, Way, read
from adapters.media.short import shortened
from argus_core.domain.incidents import Level
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import BadSettings, Medium, PerhapsDelivered, Settings, TryLater, Undeliverable

PROXY = "ARGUS_EGRESS_PROXY"
SECONDS = 30.0
"""How long everything together may take, with what a process needs to begin."""

Understands: TypeAlias = Callable[[str], bool]

_CALLING = re.compile(r"@(?=everyone|here|channel|all\b|room)|<(?=[!@#])", re.IGNORECASE)
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What of the environment a process gets that asks servers of strangers: nothing that is secret."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """As `apprise_child.Outcome`, which cannot be imported without Apprise."""

    sent: bool
    status: int
    retry_after: str
    asked: bool
    refused: str


class Apprise(Medium):
    """Messages by way of Apprise."""

    slug: ClassVar[str] = "apprise"
    name: ClassVar[str] = "Apprise"

    def __init__(
        self,
        config: Mapping[str, str],
        *,
        understands: Understands | None = None,
        clock: Callable[[], datetime] = utc_now,
        seconds: float = SECONDS,
    ) -> None:
        if find_spec("apprise") is None:
            raise ValueError("The medium apprise is an extra: pip install 'argus-core[server,apprise]'.")
        self._proxy = _proxy(config.get(PROXY, ""))
        self._understands = understands or _understands
        self._clock, self._seconds = clock, seconds
        bounds = {"allowed": list(map(str, Outgoing.of(config).allowed)), "proxy": self._proxy}
        self._children = Children("adapters.media.apprise_child", _environment(self._proxy), _line(bounds))

    @property
    def schema(self) -> Mapping[str, Json]:
        """See the port. All of a URL may be secret. Whoever asks will soon have a URL, so Apprise is imported beside everything else."""
        if self._understands is _understands:
            _prepare()
        return {
            "title": "Apprise Settings",
            "description": "Settings for a DestinationConfig using Apprise.",
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": {
                    "type": "string",
                    "title": "URL",
                    "description": "A URL of Apprise, such as slack://token_a/token_b/token_c or tgram://bot_token/chat_id.",
                    "writeOnly": True,
                },
            },
        }

    def clean(self, settings: Settings) -> Settings:
        """See the port."""
        url = settings.get("url")
        if url is None or (isinstance(url, str) and not url.strip()):
            raise BadSettings({"url": "This field is required."})
        if not isinstance(url, str):
            raise BadSettings({"url": "Not a valid string."})
        try:
            way = read(url.strip())
        except NotTaken as error:
            raise BadSettings({"url": str(error)}) from error
        if len(way.url) > MOST_CHARACTERS or not self._understands(way.url):
            raise BadSettings(
                {"url": f"Apprise does not understand this URL: something that {way.provider.name} needs is missing or wrong."}
            )
        return {"url": way.url}

    def for_staff(self, settings: Settings) -> Mapping[str, str]:
        """See the port. With a proxy, what may be reached is the proxy's to say."""
        if self._proxy or not _way(settings).named:
            return {}
        return {"url": "Only staff may use a URL that names a host of one's own."}

    def label(self, settings: Settings) -> str:
        """See the port."""
        return _way(settings).label

    def host(self, settings: Settings) -> str:
        """See the port."""
        return _way(settings).hosts[0].removeprefix(".")

    async def send(self, notification: Notification, settings: Settings) -> None:
        """See the port. Of the URL, reasons name the provider and no more."""
        try:
            way = read(str(settings["url"]))
        except NotTaken as error:  # the list was longer once
            raise Undeliverable(str(error)) from error
        job = {
            "url": way.url,
            "title": _calm(notification.subject),
            "body": _calm(notification.text),
            "short": _calm(shortened(notification.subject, notification.text, notification.link)),
            "kind": _kind(notification),
            "hosts": way.hosts,
            "tls_only": not way.named,
        }
        try:
            outcome = _Outcome(**json.loads(await self._children.ask(_line(job), self._seconds)))
        except TimeoutError as error:
            raise PerhapsDelivered(f"{way.label} did not answer within {self._seconds:g} seconds.") from error
        except Unfinished as error:
            raise PerhapsDelivered(f"{way.label} has not answered in time.") from error
        except Failed as error:
            raise PerhapsDelivered(f"Apprise ended while it was sending to {way.label}.") from error
        self._judge(way, outcome)

    def _judge(self, way: Way, outcome: _Outcome) -> None:
        """
        What it means for the delivery.

        Raises:
            TryLater, Undeliverable, PerhapsDelivered: it was not taken, or nobody can tell.
        """
        if outcome.sent:
            return
        if outcome.refused:
            raise Undeliverable(f"{way.label}: {outcome.refused}")
        if outcome.status:
            judge(way.label, outcome.status, outcome.retry_after, self._clock)
            raise TryLater(f"{way.label} answered {outcome.status}, and that it has not taken it.", provider_works=True)
        if outcome.asked:
            raise PerhapsDelivered(f"{way.label} did not answer.")
        raise TryLater(f"{way.label} cannot be reached.")

    async def close(self) -> None:
        """See the port."""
        await self._children.close()


def _way(settings: Settings) -> Way:
    return read(str(settings["url"]))


def _understands(url: str) -> bool:
    """Whether Apprise does. It is imported once it is needed; what it would log may have secrets in it."""
    from apprise.logger import logger

    from adapters.media.apprise_child import made

    logger.disabled = True
    try:
        return made(url) is not None
    except Exception:  # noqa: BLE001 - one of its many plugins may fail in any way, and what it says may be secret
        return False


@cache
def _prepare() -> None:
    """Begin to import Apprise, which takes a second in which nobody shall have to wait."""
    Thread(target=_understands, args=("json://localhost",), name="apprise", daemon=True).start()


def _kind(notification: Notification) -> str:
    """What Apprise calls it; some providers show it as a colour."""
    incident = notification.incident
    if notification.test or notification.roundup:
        return "info"
    if incident.stateful and incident.end_time is not None:
        return "success"
    return {Level.CRITICAL: "failure", Level.HIGH: "failure", Level.MODERATE: "warning"}.get(incident.level, "info")


def _calm(text: str) -> str:
    """The text without anything that would call everybody in a channel: a mark that nobody sees stands in between."""
    return _CALLING.sub("\\g<0>\N{ZERO WIDTH SPACE}", text)


def _line(told: Mapping[str, object]) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _environment(proxy: str) -> dict[str, str]:
    kept = {name: value for name in _KEPT if (value := os.environ.get(name))}
    # Without a home no file of passwords is found there. An empty list of exceptions is: none.
    proxies = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": ""} if proxy else {"NO_PROXY": "*"}
    return {**kept, "HOME": "/nonexistent", "NETRC": os.devnull, **proxies}


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = not text or (parts.scheme == "http" and parts.hostname and parts.port and parts.path in ("", "/") and not parts.query)
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{PROXY} is malformed; expected an address like http://proxy.example.org:3128.")
    return text
