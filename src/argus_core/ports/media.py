"""How people are reached. A medium is a plugin: any package may offer one under the entry-point group `argus.media`."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from argus_core.domain.errors import Invalid, said
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification

Settings: TypeAlias = Mapping[str, Json]
"""The settings of one destination, as its medium understands them."""

_log = logging.getLogger("argus.media")


class BadSettings(Invalid):
    """Settings that this medium cannot use; `errors` maps each bad one to a sentence."""


class TryLater(Exception):
    """
    It may work later; the reason is the message. `after` seconds is when, if the provider has said so.

    With `provider_works` it is this destination that has to wait (a full mailbox, a key that was taken back), and others at the same
    provider do not. Else a provider that says so a few times in a row is taken to be down, and is left alone for a while.
    """

    def __init__(self, reason: str, *, after: float | None = None, provider_works: bool = False) -> None:
        super().__init__(reason)
        self.after, self.provider_works = after, provider_works


class Undeliverable(Exception):
    """It never will work; the reason is the message."""


class PerhapsDelivered(Exception):
    """
    It may or may not have arrived; the reason is the message.

    So it is when the connection is lost, or time is up, after everything was handed over and before there was an answer. The same
    notification will be sent again, under the same id.
    """


class Medium(Protocol):
    """
    A way to reach people. One instance serves every destination that names it.

    An entry point has the medium's slug as its name and leads to a class, or to a function that returns a medium. It is called once, with
    the settings of the installation: texts, under the names that operators give them (`ARGUS_EMAIL_HOST`). It says in one sentence
    (ValueError) which of them is wrong. One that merely lacks some starts all the same, and says so in `lacks`.

    `lacks`, `host`, `for_staff` and `close` may be left out: ask `lack_of`, `host_of`, `staff_only` and `close`, which know what is meant
    then.
    """

    slug: ClassVar[str]
    """Its name in the API: lower case letters, digits and hyphens; unique in an installation."""

    name: ClassVar[str]
    """Its name for people."""

    @property
    def schema(self) -> Mapping[str, Json]:
        """
        JSON schema of its settings: `title`, `description`, `type`, `required`, `properties`; for forms.

        Each property has a `type` and a `title`; `writeOnly: true` marks a secret.
        """
        ...

    def clean(self, settings: Settings) -> Settings:
        """
        The settings as they are to be stored: checked, trimmed, in one spelling, without keys nobody knows.

        Two destinations are the same when their clean settings are equal.

        Raises:
            BadSettings: naming each bad one.
        """
        ...

    def label(self, settings: Settings) -> str:
        """What a destination with these clean settings may be called, without secrets: `Email: ola@example.org`."""
        ...

    async def send(self, notification: Notification, settings: Settings) -> None:
        """
        Deliver one notification to one destination; it may be called twice for the same one.

        It is called with many notifications at the same time, in a thread that no other medium is in. The caller stops it when its time
        is up: then nothing is left behind, and whoever has handed everything over by then raises `PerhapsDelivered` in place of
        `CancelledError`.

        Raises:
            TryLater: it may work later; it will be called again.
            Undeliverable: it never will; the reason is kept and shown.
            PerhapsDelivered: nobody can tell; it will be called again.
        """
        ...

    @property
    def lacks(self) -> str:
        """One sentence that names the setting without which everything waits; empty when nothing is missing."""
        return ""

    def host(self, settings: Settings) -> str:  # noqa: ARG002 - for those who need it
        """
        The server that a send with these clean settings talks to: what is slow or broken there holds up nobody else.

        Destinations with the same one share what is free to it. It is asked often, and without asking anybody.
        """
        return ""

    def for_staff(self, settings: Settings) -> Mapping[str, str]:  # noqa: ARG002 - for those who need it
        """What in these clean settings is for staff only: a sentence about each; empty when anybody may have such a destination."""
        return {}

    async def close(self) -> None:
        """Let go of connections that were kept; nothing is being sent, but it may be again."""


def lack_of(medium: Medium) -> str:
    """What `lacks` says, or nothing; of one that cannot even say that, so much."""
    try:
        return str(getattr(medium, "lacks", "") or "")
    except Exception as error:  # noqa: BLE001 - a stranger's code may fail in any way, and all others go on
        return f'The medium "{medium.slug}" cannot say what it lacks: {said(error)}'


def host_of(medium: Medium, settings: Settings) -> str:
    """What `host` says of these settings, or nothing."""
    ask = getattr(medium, "host", None)
    return str(ask(settings)) if ask else ""


def staff_only(medium: Medium, settings: Settings) -> Mapping[str, str]:
    """What `for_staff` says of these settings, or nothing."""
    ask = getattr(medium, "for_staff", None)
    return dict(ask(settings)) if ask else {}


async def close(medium: Medium) -> None:
    """Do what `close` does, if anything."""
    if let_go := getattr(medium, "close", None):
        await let_go()


def hidden_settings(medium: Medium) -> frozenset[str]:
    """The names of those settings of a medium that are secret: they are taken, but not shown."""
    return frozenset(name for name, told in _properties(medium).items() if _is_secret(told))


def shown_settings(medium: Medium | None, settings: Settings) -> Settings:
    """
    Those of a destination's settings that the medium knows and does not call secret.

    What it does not know may be a secret of another version of it; without the medium, anything may be one.
    """
    shown = {name for name, told in _properties(medium).items() if not _is_secret(told)} if medium else frozenset()
    return {name: value for name, value in settings.items() if name in shown}


def _properties(medium: Medium) -> Mapping[str, Json]:
    properties = medium.schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _is_secret(told: Json) -> bool:
    return isinstance(told, Mapping) and told.get("writeOnly") is True


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledMedium:
    """A medium that the operator has enabled; without the medium itself when it cannot be used, and then `reason` says why."""

    slug: str
    name: str
    medium: Medium | None
    reason: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be used."""
        return self.medium is not None

    def label(self, settings: Settings) -> str:
        """What a destination with these settings may be called; the medium's name, where it is not there or cannot say."""
        if self.medium is None:
            return self.name
        try:
            return self.medium.label(settings)
        except Exception:  # noqa: BLE001 - a stranger's code may fail in any way, also at what an older version of it has stored
            _log.exception("The medium %s cannot label a destination", self.slug)
            return self.name


@dataclass(frozen=True, slots=True)
class Media:
    """The media of an installation, in the order in which they are enabled."""

    enabled: tuple[EnabledMedium, ...] = ()

    def get(self, slug: str) -> EnabledMedium | None:
        """The enabled medium of that name."""
        return next((medium for medium in self.enabled if medium.slug == slug), None)

    def why_waits(self, slug: str) -> str:
        """Why nothing can be sent by the medium of that name, in one sentence; empty when it can."""
        enabled = self.get(slug)
        if enabled is None:
            return f'The medium "{slug}" is not enabled (ARGUS_MEDIA).'
        if enabled.medium is None:
            return f'The medium "{slug}" cannot be used: {enabled.reason}' if enabled.reason else f'The medium "{slug}" is not installed.'
        return lack_of(enabled.medium)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What keeps enabled media from sending anything."""
        return tuple(why for enabled in self.enabled if (why := self.why_waits(enabled.slug)))
