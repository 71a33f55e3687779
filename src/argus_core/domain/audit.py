"""The audit log: who has done what about the installation, when and from where. Incidents have their journal instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from argus_core.domain.accounts import Token, User
from argus_core.domain.actors import Actor
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import UserId
from argus_core.domain.limits import storable
from argus_core.domain.sources import Source

YOUNGEST_PRUNED = timedelta(days=30)
"""Whoever has just done something cannot take the trace of it away as well."""

MOST_TEXT = 1_000


class Deed(Enum):
    """What is noted; the values are what stores and exports know."""

    LOGIN = "login"
    USER_CREATE = "user.create"
    USER_CHANGE = "user.change"
    USER_PASSWORD = "user.password"  # noqa: S105 - what is done, not what is secret
    SESSION_END = "session.end"
    TOKEN_CREATE = "token.create"  # noqa: S105
    TOKEN_REFRESH = "token.refresh"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    SOURCE_CREATE = "source.create"
    SOURCE_CHANGE = "source.change"
    SOURCE_TYPE_CREATE = "source-type.create"
    DELIVERY_RETRY = "delivery.retry"
    DELIVERY_DROP = "delivery.drop"
    MAINTENANCE_PLAN = "maintenance.plan"
    MAINTENANCE_CHANGE = "maintenance.change"
    MAINTENANCE_CANCEL = "maintenance.cancel"
    PLUGIN_TEST = "plugin.test"
    INCIDENT_TEST = "incident.test"
    AUDIT_PRUNE = "audit.prune"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who does something, and from where: a client's address, or what a command line says of itself. Nobody is Argus itself."""

    user_id: UserId | None = None
    username: str = ""
    address: str = ""

    @classmethod
    def of(cls, actor: Actor, address: str) -> "Origin":
        """An actor who asks from this address."""
        return cls(user_id=actor.id, username=actor.username, address=address)


ITSELF = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One deed: what it was done to, and whether it was done or refused.

    `details` are sentences or names of fields. Neither they nor `about` ever hold a password, a key, or what was typed by somebody who was
    not let in.
    """

    deed: Deed
    about: str
    origin: Origin = ITSELF
    done: bool = True
    details: str = ""

    def __post_init__(self) -> None:
        for name in ("about", "details"):
            object.__setattr__(self, name, storable(getattr(self, name), MOST_TEXT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An entry as it was kept, at a moment of the store's own clock."""

    id: int
    created: datetime
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records somebody wants to see; None is any. `since` is included, `until` is not."""

    username: str | None = None
    deed: Deed | None = None
    about: str | None = None
    done: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, record: Record) -> bool:
        """Whether it is one of them."""
        entry = record.entry
        wanted = {self.username: entry.origin.username, self.deed: entry.deed, self.about: entry.about}
        return (
            all(value is None or value == found for value, found in wanted.items())
            and self.done in (None, entry.done)
            and (self.since is None or self.since <= record.created)
            and (self.until is None or record.created < self.until)
        )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some records, newest first, and whether older ones follow."""

    records: tuple[Record, ...]
    more: bool


def called(thing: User | Source) -> str:
    """What entries call a user or a source."""
    return f"user {thing.username}" if isinstance(thing, User) else f"source {thing.name} ({thing.type})"


def called_token(token: Token, user: User) -> str:
    """What entries call a token: never by its key."""
    return f"token {token.id} of {user.username}"


def as_plain(record: Record) -> Mapping[str, str | int | bool | None]:
    """The record as exports show it."""
    entry = record.entry
    return {
        "id": record.id,
        "created": record.created.isoformat(),
        "deed": entry.deed.value,
        "about": entry.about,
        "outcome": "done" if entry.done else "refused",
        "user_id": entry.origin.user_id,
        "username": entry.origin.username,
        "address": entry.origin.address,
        "details": entry.details,
    }


def check_pruning(before: datetime, now: datetime) -> None:
    """
    Check from when on records are to be forgotten.

    Raises:
        Invalid: under `before`, some would be too young.
    """
    if before > now - YOUNGEST_PRUNED:
        raise Invalid({"before": f"Only records that are older than {YOUNGEST_PRUNED.days} days can be forgotten."})
