"""
Finding media and ticket systems: ours and everybody else's, all by entry points.

The entry point's name is the slug, and only what is asked for is imported. A plugin that cannot be used never keeps Argus from starting:
it is logged, and whoever wants to use it is told why not.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from adapters.aside import Aside
from adapters.refusals import Refusal
from argus_core.domain.actors import Actor
from argus_core.domain.incidents import Incident
from argus_core.domain.limits import Json
from argus_core.domain.notifications import Notification
from argus_core.ports.media import EnabledMedium, Media, Medium, Settings, close
from argus_core.ports.tickets import TicketFailed, TicketSystem

MEDIA = "argus.media"
TICKETS = "argus.tickets"
OURS = "adapters."
"""Where plugins are that come with Argus."""

_log = logging.getLogger(__name__)


class Ambiguous(Refusal):
    """Two distributions offer a plugin of the same slug; only the operator knows which one is meant."""


class _Unusable(Exception):
    """A plugin that is not there or does not work; the message says why."""


def load_media(enabled: Iterable[str], config: Mapping[str, str]) -> Media:
    """
    The media of these slugs, in this order; those that cannot be used are among them, with the reason.

    Raises:
        Ambiguous: two distributions offer one of them.
    """
    return Media(tuple(_medium(slug, config) for slug in dict.fromkeys(enabled)))


def load_ticket_system(slug: str, config: Mapping[str, str]) -> TicketSystem | None:
    """
    The ticket system of that slug, or None if it is empty; one that cannot be used refuses every ticket with the reason.

    Raises:
        Ambiguous: two distributions offer it.
    """
    if not slug:
        return None
    try:
        system: TicketSystem = _plugin(TICKETS, slug, config, ("create",), _ForeignTickets)
    except _Unusable as error:
        return _refusing(slug, str(error))
    return system


def _medium(slug: str, config: Mapping[str, str]) -> EnabledMedium:
    try:
        medium: Medium = _plugin(MEDIA, slug, config, ("schema", "clean", "label", "send"), _ForeignMedium)
    except _Unusable as error:
        return EnabledMedium(slug=slug, name=slug, medium=None, reason=str(error))
    return EnabledMedium(slug=slug, name=medium.name, medium=medium)


class _Foreign:
    """A plugin of somebody else's, whose coroutines can block nobody. What it does not have itself it has from the plugin."""

    def __init__(self, plugin: Any, called: str) -> None:  # noqa: ANN401 - what it has was looked at
        self._plugin, self._aside = plugin, Aside(called)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the plugin has
        return getattr(self._plugin, name)


class _ForeignMedium(_Foreign):
    """One whose schema stays what it was, too."""

    def __init__(self, plugin: Any, called: str) -> None:  # noqa: ANN401 - the same
        super().__init__(plugin, called)
        self.schema = _schema(plugin.schema, called)

    async def send(self, notification: Notification, settings: Settings) -> None:
        await self._aside.run(lambda: self._plugin.send(notification, settings))

    async def close(self) -> None:
        await self._aside.run(lambda: close(self._plugin))


class _ForeignTickets(_Foreign):
    async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:
        url: str = await self._aside.run(lambda: self._plugin.create(incident, actor=actor, link=link))
        return url


def _schema(schema: object, called: str) -> Mapping[str, Json]:
    """
    A copy of the schema.

    Raises:
        _Unusable: it is none.
    """
    try:
        copy = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _Unusable(f"{called} has a schema that is no JSON: {error}") from error
    if not isinstance(copy, dict):
        raise _Unusable(f"{called} has a schema that is no object.")
    return copy


def check_offers(media: Iterable[str], ticket_system: str) -> None:
    """
    Check that of these plugins there are no two; whatever else is wrong with one keeps nothing from starting.

    Raises:
        Ambiguous: there are.
    """
    for group, slug in [*((MEDIA, slug) for slug in media), (TICKETS, ticket_system)]:
        with suppress(_Unusable):
            _offer(group, slug)


def _plugin(group: str, slug: str, config: Mapping[str, str], needs: Iterable[str], foreign: Callable[[Any, str], _Foreign]) -> Any:  # noqa: ANN401 - what it has was looked at
    """
    The plugin, made with its settings; one of somebody else's is held by what `foreign` makes of it.

    Raises:
        Ambiguous: there are two.
        _Unusable: there is none, or it cannot be used; it is logged.
    """
    try:
        offer = _offer(group, slug)
        plugin = _made(offer, config, ("slug", "name", *needs))
        return plugin if offer.value.startswith(OURS) else foreign(plugin, _called(offer))
    except _Unusable as error:
        _log.error("%s: %s", group, error, exc_info=error.__cause__)
        raise


def _offer(group: str, slug: str) -> EntryPoint:
    offers = [offer for offer in entry_points(group=group) if offer.name == slug]
    if len(offers) > 1:
        raise Ambiguous(f"{slug} of {group} is offered by {' and by '.join(sorted(map(_distribution, offers)))}; uninstall all but one.")
    if not offers:
        raise _Unusable(f"No installed package offers {slug}.")
    return offers[0]


def _made(offer: EntryPoint, config: Mapping[str, str], needs: Iterable[str]) -> object:
    called = _called(offer)
    try:
        make: Callable[[Mapping[str, str]], object] = offer.load()
    except (Exception, SystemExit) as error:  # a stranger's code may fail in any way
        raise _Unusable(f"{called} cannot be imported: {type(error).__name__}: {error}") from error
    try:
        plugin = make(config)
        missing = [name for name in needs if not hasattr(plugin, name)]
    except ValueError as error:
        raise _Unusable(str(error)) from None
    except (Exception, SystemExit) as error:
        raise _Unusable(f"{called} does not start: {type(error).__name__}: {error}") from error
    if missing:
        raise _Unusable(f"{called} has no {', '.join(missing)}.")
    if getattr(plugin, "slug", None) != offer.name:
        raise _Unusable(f"{called} calls itself {getattr(plugin, 'slug', None)!r}.")
    if not isinstance(plugin.name, str) or not plugin.name.strip():  # type: ignore[attr-defined]  # it was looked at above
        raise _Unusable(f"{called} has a name that is none: {plugin.name!r}.")  # type: ignore[attr-defined]
    return plugin


def _called(offer: EntryPoint) -> str:
    return f"{offer.name} of {_distribution(offer)}"


def _distribution(offer: EntryPoint) -> str:
    return f"{offer.dist.name} {offer.dist.version}" if offer.dist else offer.value


def _refusing(called: str, reason: str) -> TicketSystem:
    class Refusing(TicketSystem):
        slug: ClassVar[str] = called
        name: ClassVar[str] = called

        async def create(self, incident: Incident, *, actor: Actor, link: str) -> str:  # noqa: ARG002 - as the port has it
            raise TicketFailed(f"The ticket system {called} cannot be used: {reason}")

    return Refusing()
