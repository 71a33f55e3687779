"""Make the users, source types, sources and tokens that somebody describes exist."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from argus_core.domain.accounts import Token, User, check_user
from argus_core.domain.actors import Scope
from argus_core.domain.audit import Deed, called
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import UserId
from argus_core.domain.sources import Source, check_source, check_source_type
from argus_core.ports.accounts import AccountsWork
from argus_core.usecases.accounts import LOGIN, AccountService, NewUser, changes_told, roles_told

TOKEN = "apply"  # noqa: S105 - a name
"""The name of the tokens that are made here."""

YESTERDAY = timedelta(days=1)

_Thing = TypeVar("_Thing")


class WantedToken(Enum):
    """Which token a user shall have."""

    VALID = "valid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedUser:
    """
    What a user shall be like. What is None is left as it is; a new user gets the default.

    `actor` is what the description calls the user, and nobody else. `scope` is that of the token.
    """

    actor: str
    username: str
    password: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    active: bool | None = None
    staff: bool | None = None
    superuser: bool | None = None
    token: WantedToken | None = None
    scope: Scope = Scope.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSource:
    """What a source shall be like; it is known by its name and type. `actor` is its user."""

    name: str
    type: str
    actor: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that shall exist. What it does not mention is left alone."""

    users: tuple[WantedUser, ...] = ()
    source_types: tuple[str, ...] = ()
    sources: tuple[WantedSource, ...] = ()


class Verb(Enum):
    """What is done about something."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Step:
    """What is done about one thing; `what` names the fields that change."""

    verb: Verb
    kind: str
    name: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done, or would be: the steps, who and what is there now, and the keys of the tokens just made by the actors' names."""

    steps: tuple[Step, ...]
    users: Mapping[str, User]
    sources: tuple[Source, ...]
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ApplyService:
    """Carries descriptions out, each whole or not at all."""

    accounts: AccountService

    async def apply(
        self, world: World, *, dry_run: bool = False, fresh_tokens: bool = False, tell: Callable[[Applied], object] = lambda _: None
    ) -> Applied:
        """
        Make the world exist; with `dry_run` everything is tried and nothing kept.

        A token is made where none is live that has a name (or, for an expired one, where none of ours is there), with `fresh_tokens` in any
        case. It replaces earlier ones that were made here.

        `tell` hears of all that is done before it is kept, but not with `dry_run`; what it raises undoes everything.

        Raises:
            Invalid: something cannot be; the errors are named by their place, such as `users[2].email`.
            NameTaken: somebody else was faster.
        """
        check_world(world)
        passwords = await self._passwords(world)
        now = await self.accounts.accounts.now()
        try:
            async with self.accounts.accounts.begin() as work:
                await work.lock()
                application = _Application(self.accounts, work, now)
                applied = await application.run(world, passwords, fresh_tokens=fresh_tokens)
                if dry_run:
                    raise _OnlyTried(applied)  # noqa: TRY301 - leaving by an exception undoes the work
                tell(applied)
                return applied
        except _OnlyTried as tried:
            return tried.applied

    async def _passwords(self, world: World) -> Mapping[str, "_Password"]:
        """Compare and hash before anything is locked, because both are slow."""
        async with self.accounts.accounts.begin() as work:
            kept = {user.username: user.password for user in await work.users()}
        passwords = {}
        for user in world.users:
            if user.password is not None:
                hashed = kept.get(user.username, "")
                fits = bool(hashed) and await self.accounts.passwords.verify(user.password, hashed)
                passwords[user.username] = _Password(hashed, "" if fits else await self.accounts.passwords.hash(user.password))
        return passwords


def check_world(world: World) -> None:
    """
    Check what can be said without looking at what there is.

    Raises:
        Invalid: with a sentence for each place.
    """
    problems: dict[str, str] = {}
    for place, user in _places("users", world.users):
        try:
            check_user(user.username, user.email or "", user.first_name or "", user.last_name or "")
        except Invalid as invalid:
            problems |= {f"{place}.{field}": text for field, text in invalid.errors.items()}
        if user.password == "":
            problems[f"{place}.password"] = "Leave it out for a user who has none."
    for place, name in _places("source_types", world.source_types):
        problems |= _type_problem(place, name)
    actors = {user.actor for user in world.users}
    for place, source in _places("sources", world.sources):
        problems |= _type_problem(f"{place}.type", source.type)
        try:
            check_source(source.name, source.base_url or "")
        except Invalid as invalid:
            problems |= {f"{place}.{field}": text for field, text in invalid.errors.items()}
        if source.actor not in actors:
            problems[f"{place}.user"] = f'There is no user "{source.actor}" in this description.'
    problems |= _twice("users[{}].actor", [user.actor for user in world.users])
    problems |= _twice("users[{}].username", [user.username for user in world.users])
    problems |= _twice("sources[{}].name", [(source.type, source.name) for source in world.sources])
    problems |= _twice("sources[{}].user", [source.actor for source in world.sources])
    if problems:
        raise Invalid(problems)


@dataclass(frozen=True, slots=True)
class _Password:
    """What a password was compared with, and the hash it shall have instead; empty when it fits."""

    compared: str
    hashed: str


class _OnlyTried(Exception):
    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


class _Application:
    """One application of a world, within a unit of work."""

    def __init__(self, accounts: AccountService, work: AccountsWork, now: datetime) -> None:
        self.accounts, self.work, self.now = accounts, work, now
        self.steps: list[Step] = []
        self.keys: dict[str, str] = {}

    async def run(self, world: World, passwords: Mapping[str, _Password], *, fresh_tokens: bool) -> Applied:
        users = {wanted.actor: await self._user(wanted, passwords.get(wanted.username)) for wanted in world.users}
        await self._source_types(dict.fromkeys((*world.source_types, *(source.type for source in world.sources))))
        sources = await self._sources(world.sources, users)
        of_sources = {source.user_id for source in await self.work.sources()}
        for wanted in world.users:
            if wanted.token is not None:
                days = None if users[wanted.actor].id in of_sources else self.accounts.token_days
                await self._token(wanted, wanted.token, users[wanted.actor], days, fresh=fresh_tokens)
        return Applied(steps=tuple(self.steps), users=users, sources=sources, keys=self.keys)

    async def _user(self, wanted: WantedUser, password: _Password | None) -> User:
        user = await self.work.user_named(wanted.username)
        if user is None:
            self._note(Verb.CREATE, "user", wanted.username)
            user = await self.accounts.add_user(self.work, _new(wanted), password.hashed if password else "")
            await self._tell(Deed.USER_CREATE, called(user), roles_told(user))
            return user
        changed = _changed(user, wanted)
        if wanted.password is not None and password is not None and (password.hashed or user.password != password.compared):
            changed = replace(changed, password=password.hashed or await self.accounts.passwords.hash(wanted.password))
        what = tuple(field.name for field in fields(User) if getattr(user, field.name) != getattr(changed, field.name))
        self._note(Verb.CHANGE if what else Verb.KEEP, "user", user.username, what)
        if what:
            await self.work.save_user(changed)
            await self._tell(Deed.USER_CHANGE, called(user), changes_told(user, changed))
        if changed.email != user.email:
            await self.work.move_synced_email(user.id, changed.email)
        return changed

    async def _source_types(self, wanted: Iterable[str]) -> None:
        present = set(await self.work.source_types())
        for name in wanted:
            self._note(Verb.KEEP if name in present else Verb.CREATE, "source type", name)
            if name not in present:
                await self.accounts.add_type(self.work, name)

    async def _sources(self, wanted: Sequence[WantedSource], users: Mapping[str, User]) -> tuple[Source, ...]:
        present = {(source.type, source.name): source for source in await self.work.sources()}
        owned = {source.user_id: source for source in present.values()}
        sources = []
        problems: dict[str, str] = {}
        for place, source in _places("sources", wanted):
            user = users[source.actor]
            found = present.get((source.type, source.name))
            problem = _user_problem(found, user.id, owned.get(user.id))
            if problem:
                problems[f"{place}.user"] = problem
            elif found is None:
                sources.append(await self._add_source(source, user))
            else:
                sources.append(await self._keep_source(found, source.base_url))
        if problems:
            raise Invalid(problems)
        return tuple(sources)

    async def _add_source(self, wanted: WantedSource, user: User) -> Source:
        self._note(Verb.CREATE, "source", f"{wanted.name} ({wanted.type})")
        return await self.accounts.keep_new_source(self.work, wanted.name, wanted.type, user, wanted.base_url or "")

    async def _keep_source(self, source: Source, base_url: str | None) -> Source:
        changed = replace(source, base_url=source.base_url if base_url is None else base_url)
        self._note(Verb.KEEP if changed == source else Verb.CHANGE, "source", f"{source.name} ({source.type})", _what(source, changed))
        if changed != source:
            await self.work.save_source(changed)
            await self._tell(Deed.SOURCE_CHANGE, called(changed), changes_told(source, changed))
        return changed

    async def _token(self, whose: WantedUser, wanted: WantedToken, user: User, days: float | None, *, fresh: bool) -> None:
        tokens = await self.work.tokens(user.id)
        if not fresh and any(_will_do(token, wanted, whose.scope, self.now) for token in tokens):
            self._note(Verb.KEEP, "token", user.username)
            return
        self._note(Verb.CREATE, "token", user.username, ("expired",) if wanted is WantedToken.EXPIRED else ())
        await self.work.drop_tokens([token.id for token in tokens if token.name == TOKEN])
        made = self.now
        if wanted is WantedToken.EXPIRED:
            days = self.accounts.token_days
            made -= YESTERDAY + timedelta(days=days)
        new = await self.accounts.add_token(self.work, user.id, TOKEN, made=made, days=days, scope=whose.scope)
        await self.accounts.note_token(self.work, Deed.TOKEN_CREATE, new.token)
        self.keys[whose.actor] = new.key

    async def _tell(self, deed: Deed, about: str, details: str) -> None:
        """The audit log, of what is done if the whole world is."""
        await self.work.note(self.accounts.entry(deed, about, details))

    def _note(self, verb: Verb, kind: str, name: str, what: tuple[str, ...] = ()) -> None:
        self.steps.append(Step(verb, kind, name, what))


def _new(wanted: WantedUser) -> NewUser:
    return NewUser(
        username=wanted.username,
        first_name=wanted.first_name or "",
        last_name=wanted.last_name or "",
        email=wanted.email or "",
        active=wanted.active is not False,
        staff=wanted.staff is True,
        superuser=wanted.superuser is True,
    )


def _changed(user: User, wanted: WantedUser) -> User:
    return replace(
        user,
        first_name=_or(wanted.first_name, user.first_name),
        last_name=_or(wanted.last_name, user.last_name),
        email=_or(wanted.email, user.email),
        active=_or(wanted.active, user.active),
        staff=_or(wanted.staff, user.staff),
        superuser=_or(wanted.superuser, user.superuser),
    )


def _or(wanted: _Thing | None, present: _Thing) -> _Thing:
    return present if wanted is None else wanted


def _will_do(token: Token, wanted: WantedToken, scope: Scope, now: datetime) -> bool:
    if token.scope is not scope:
        return False
    if wanted is WantedToken.EXPIRED:
        return token.name == TOKEN and not token.is_live(now)
    return token.name != LOGIN and token.is_live(now)


def _user_problem(found: Source | None, user_id: UserId, of_user: Source | None) -> str | None:
    if found is not None and found.user_id != user_id:
        return "The source has another user; sources do not change theirs."
    if found is None and of_user is not None:
        return f'This is the user of the source "{of_user.name}" already; rename that one if it is the same.'
    return None


def _what(before: Source, after: Source) -> tuple[str, ...]:
    return ("base_url",) if before.base_url != after.base_url else ()


def _places(kind: str, things: Sequence[_Thing]) -> Iterable[tuple[str, _Thing]]:
    return ((f"{kind}[{number}]", thing) for number, thing in enumerate(things))


def _type_problem(place: str, name: str) -> dict[str, str]:
    try:
        check_source_type(name)
    except Invalid as invalid:
        return dict.fromkeys([place], " ".join(invalid.errors.values()))
    return {}


def _twice(place: str, names: Sequence[object]) -> dict[str, str]:
    return {place.format(number): "It is there twice." for number, name in enumerate(names) if name in names[:number]}
