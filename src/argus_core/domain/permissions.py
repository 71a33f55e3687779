"""Who may do what: one table of acts, by the role of whoever asks and by the scope of the token that is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from argus_core.domain.actors import Actor, Scope
from argus_core.domain.errors import (
    MayNotNameSource,
    NotAllowed,
    NotFound,
    OnlyEndUsersAcknowledge,
    OnlySourcesBeat,
    OnlySourcesReport,
    ScopeTooNarrow,
)
from argus_core.domain.ids import SourceId, UserId
from argus_core.domain.sources import Source


class Role(Enum):
    """What somebody is: an end user or else a source, and perhaps staff or superuser besides."""

    END_USER = auto()
    SOURCE = auto()
    STAFF = auto()
    SUPERUSER = auto()


class Act(Enum):
    """What somebody may want to do."""

    READ = auto()
    REPORT = auto()
    NAME_SOURCE = auto()
    POST = auto()
    CHANGE = auto()
    ACKNOWLEDGE = auto()
    BEAT = auto()
    KEEP_TOKEN = auto()
    """Give back the token that is used, replace it, or get one more like it."""
    KEEP_OWN = auto()
    """Make, change and try out one's own profiles, filters, timeslots and destinations."""
    SHARE = auto()
    """Share filters with everybody, change those that are shared, and stop sharing anybody's."""
    ADMINISTER = auto()
    """Look at what is everybody's: users, tokens, sources, profiles and deliveries."""
    MANAGE_USERS = auto()
    """Make and change users, and their tokens."""
    PLAN_MAINTENANCE = auto()
    MANAGE_SOURCES = auto()
    MANAGE_DELIVERIES = auto()
    TEST = auto()
    """Try out plugins, and make test incidents."""
    READ_AUDIT = auto()
    READ_METRICS = auto()


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may: one of the roles, with one of the scopes; and how anybody else's role is refused."""

    roles: frozenset[Role]
    scopes: frozenset[Scope]
    refusal: type[NotAllowed] = NotAllowed


_TRUSTED = frozenset({Role.STAFF, Role.SUPERUSER})
_ANYBODY = frozenset({Role.END_USER, Role.SOURCE})
_ANY_SCOPE = frozenset(Scope)
_WRITING = frozenset({Scope.INCIDENTS, Scope.ALL})
_ALL = frozenset({Scope.ALL})

RULES: Mapping[Act, Rule] = {
    Act.READ: Rule(_ANYBODY, _ANY_SCOPE),
    Act.REPORT: Rule(frozenset({Role.SOURCE, Role.SUPERUSER}), _WRITING, OnlySourcesReport),
    Act.NAME_SOURCE: Rule(frozenset({Role.SUPERUSER}), _WRITING, MayNotNameSource),
    Act.POST: Rule(_ANYBODY, _WRITING),
    Act.CHANGE: Rule(_ANYBODY, _WRITING),
    Act.ACKNOWLEDGE: Rule(frozenset({Role.END_USER}), _WRITING, OnlyEndUsersAcknowledge),
    Act.BEAT: Rule(frozenset({Role.SOURCE}), _WRITING, OnlySourcesBeat),
    Act.KEEP_TOKEN: Rule(_ANYBODY, _ANY_SCOPE),
    Act.KEEP_OWN: Rule(_ANYBODY, _ALL),
    Act.SHARE: Rule(_TRUSTED, _ALL),
    Act.ADMINISTER: Rule(_TRUSTED, _ALL),
    Act.MANAGE_USERS: Rule(frozenset({Role.SUPERUSER}), _ALL),
    Act.PLAN_MAINTENANCE: Rule(_TRUSTED, _ALL),
    Act.MANAGE_SOURCES: Rule(frozenset({Role.SUPERUSER}), _ALL),
    Act.MANAGE_DELIVERIES: Rule(_TRUSTED, _ALL),
    Act.TEST: Rule(_TRUSTED, _ALL),
    Act.READ_AUDIT: Rule(_TRUSTED, _ALL),
    Act.READ_METRICS: Rule(frozenset({Role.END_USER}), _ANY_SCOPE),
}

_FORBIDDEN = "You do not have permission to perform this action."


def roles_of(actor: Actor) -> frozenset[Role]:
    """Everything that the actor is."""
    return _roles(actor.is_source, actor.staff, actor.superuser)


@cache  # of eight answers: every report of an incident asks
def _roles(source: bool, staff: bool, superuser: bool) -> frozenset[Role]:
    has = {Role.END_USER: not source, Role.SOURCE: source, Role.STAFF: staff, Role.SUPERUSER: superuser}
    return frozenset(role for role, is_one in has.items() if is_one)


def allows(scope: Scope, act: Act) -> bool:
    """Whether a token of this scope may be used for that, by whoever may do it."""
    return scope in RULES[act].scopes


def covers(scope: Scope, other: Scope) -> bool:
    """Whether the scope allows all that the other one allows."""
    return all(allows(scope, act) for act in Act if allows(other, act))


def require_scope(actor: Actor, act: Act) -> None:
    """
    Go on only if the token that is used is good for that.

    Raises:
        ScopeTooNarrow: it is not.
    """
    scopes = RULES[act].scopes
    if actor.scope not in scopes:
        fitting = " or ".join(f'"{scope.value}"' for scope in Scope if scope in scopes)
        raise ScopeTooNarrow(f'This token has the scope "{actor.scope.value}"; that needs one with the scope {fitting}.')


def may(actor: Actor, act: Act) -> bool:
    """Whether the actor may do that."""
    return allows(actor.scope, act) and not RULES[act].roles.isdisjoint(roles_of(actor))


def require(actor: Actor, act: Act) -> None:
    """
    Go on only if the actor may do that.

    Raises:
        ScopeTooNarrow: the token is not good for it.
        NotAllowed: the actor has none of the roles; for some acts as an error of their own.
    """
    require_scope(actor, act)
    rule = RULES[act]
    if rule.roles.isdisjoint(roles_of(actor)):
        raise rule.refusal(_FORBIDDEN if rule.refusal is NotAllowed else None)


def keeping(actor: Actor) -> UserId:
    """
    Whose profiles the actor is about to change: always the actor's own.

    Raises:
        ScopeTooNarrow: the token is not good for it.
    """
    require(actor, Act.KEEP_OWN)
    return actor.id


def confined_to(actor: Actor, *, own_only: bool) -> Source | None:
    """The only source whose incidents are there for the actor; None is all. Superusers are never confined."""
    return actor.source if own_only and not actor.superuser else None


def require_within(confines: Source | None, source_id: SourceId) -> None:
    """
    Go on only with an incident that is there for somebody with these confines.

    Raises:
        NotFound: it is not; it cannot be told from one that does not exist.
    """
    if confines is not None and source_id != confines.id:
        raise NotFound("No Incident matches the given query.")
