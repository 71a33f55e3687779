"""The lists of the administration as files: what is on their pages, of all that fits, and no secrets."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from adapters import exports
from adapters.web.admin.hours import hours_said, recurrences_said
from adapters.web.notifications.hub import name_of, profile_name
from adapters.web.services import Web
from argus_core.domain.accounts import Token, User
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.profiles import Belongings
from argus_core.usecases.administration import Part, SourceCard

AT_ONCE = 200
"""So many are read at once, while the file is being sent."""

USER = ("id", "username", "first_name", "last_name", "email", "active", "staff", "superuser")
OWN_TOKEN = ("id", "name", "begins", "scope", "created", "last_used", "expires", "expired")
TOKEN = ("id", "user", "user_active", *OWN_TOKEN[1:])
SOURCE = ("id", "name", "type", "base_url", "user", "active", "token_used", "last_heartbeat", "heartbeat_every_seconds")
SOURCE_TYPE = ("name", "sources")
PROFILE = (
    *("owner", "owner_active", "id", "name", "active", "timeslot", "hours", "zone", "filters", "destinations", "digest"),
    "escalate_after_seconds",
)
MAINTENANCE = ("id", "description", "phase", "runs", "start", "end", "hours", "zone", "filters")
SETTING = ("name", "value", "origin")

_T = TypeVar("_T")
Objects = list[dict[str, Any]]


async def each(after: Callable[[_T | None], Awaitable[Part[_T]]], told: Callable[[_T], Sequence[dict[str, Any]]]) -> AsyncIterator[Objects]:
    """All of a list: `after` gives some of those that follow one, and `told` what is to be said of each."""
    last: _T | None = None
    while True:
        part = await after(last)
        yield [said for one in part.items for said in told(one)]
        if not part.more:
            return
        last = part.items[-1]


async def at_once(objects: Sequence[dict[str, Any]]) -> AsyncIterator[Sequence[dict[str, Any]]]:
    """A list that is short, or in memory anyhow."""
    yield objects


def user(one: User) -> dict[str, Any]:
    """Who may log in. That there is a password is not said, let alone its digest."""
    return {name: getattr(one, name) for name in USER}


def own_token(token: Token, now: datetime) -> dict[str, Any]:
    """A token as its page shows it: of the key no more than how it begins."""
    return {
        "id": token.id,
        "name": token.name,
        "begins": token.prefix,
        "scope": token.scope.value,
        "created": token.created.isoformat(),
        "last_used": exports.moment(token.used),
        "expires": exports.moment(token.expires),
        "expired": not token.is_live(now),
    }


def token(owned: tuple[User, Token], now: datetime) -> dict[str, Any]:
    """The same, and whose it is."""
    owner, one = owned
    return {**own_token(one, now), "user": owner.username, "user_active": owner.active}


def source(card: SourceCard) -> dict[str, Any]:
    """A source, and when it was heard of."""
    return {
        "id": card.source.id,
        "name": card.source.name,
        "type": card.source.type,
        "base_url": card.source.base_url,
        "user": card.user.username,
        "active": card.user.active,
        "token_used": exports.moment(card.used),
        "last_heartbeat": exports.moment(card.heart.last if card.heart else None),
        "heartbeat_every_seconds": int(card.heart.every.total_seconds()) if card.heart else None,
    }


def profiles(web: Web, owner: User, owned: Belongings) -> Objects:
    """Each of somebody's profiles; destinations as they are called, without what is secret of them."""
    return [
        {
            "owner": owner.username,
            "owner_active": owner.active,
            "id": whole.profile.id,
            "name": profile_name(whole.profile),
            "active": whole.profile.active,
            "timeslot": whole.timeslot.name,
            "hours": recurrences_said(whole.timeslot.recurrences),
            "zone": whole.timeslot.zone,
            "filters": tuple(filter_.name for filter_ in whole.filters),
            "destinations": tuple(name_of(web, destination) for destination in whole.destinations),
            "digest": str(whole.profile.digest) if whole.profile.digest else None,
            "escalate_after_seconds": int(whole.profile.escalate_after.total_seconds()) if whole.profile.escalate_after else None,
        }
        for whole in (owned.whole(profile) for profile in owned.profiles)
    ]


def maintenance(one: Maintenance, now: datetime) -> dict[str, Any]:
    """A planned maintenance, and where in its life it is."""
    return {
        "id": one.id,
        "description": one.description,
        "phase": one.phase(now).value,
        "runs": one.runs(now),
        "start": one.start.isoformat(),
        "end": exports.moment(one.end),
        "hours": hours_said(one.windows),
        "zone": one.zone,
        "filters": tuple(filter_.name for filter_ in one.filters),
    }
