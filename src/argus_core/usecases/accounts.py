"""Log in and out, and keep users, tokens and sources."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TypeVar

from argus_core.domain import throttle, watching
from argus_core.domain.accounts import NAME_BYTES, Credential, Token, User, actor_of, check_token, check_user, lifetime_ends
from argus_core.domain.actors import Actor, Scope
from argus_core.domain.audit import ITSELF, Deed, Entry, Origin, called, called_token
from argus_core.domain.destinations import synced_email
from argus_core.domain.errors import BadLogin, Invalid, NameTaken, NotFound, ScopeTooNarrow, TooOften, Unauthenticated
from argus_core.domain.ids import SourceId, TokenId, UserId
from argus_core.domain.limits import text_problem
from argus_core.domain.permissions import Act, covers, require
from argus_core.domain.sources import Source, check_source, check_source_type
from argus_core.domain.timeslots import all_the_time
from argus_core.ports.accounts import Accounts, AccountsWork, Passwords
from argus_core.ports.logins import Attempts
from argus_core.ports.secrets import Secrets

_Thing = TypeVar("_Thing")

_SUFFIX_BYTES = 20

NO_USER, NO_SOURCE = "There is no such user.", "There is no such source."
NO_TOKEN = "There is no such token."  # noqa: S105 - a sentence

LOGIN = ""
"""The name of the tokens that logging in makes."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, and its key, which is never shown again."""

    key: str
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What a new user shall be like. Without a password, only tokens open the door."""

    username: str
    password: str | None = None
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    active: bool = True
    staff: bool = False
    superuser: bool = False


@dataclass(frozen=True, slots=True)
class AccountService:
    """
    Who may come in, and with which key.

    `token_days` is how long a login token lives, `zone` the time zone of the timeslot that every new user gets, `origin` whom the audit log
    names for all that is done, and whose address counts against guessing.
    Methods that name a user or a source raise `NotFound` when there is none; every method may raise `Unavailable`.
    """

    accounts: Accounts
    passwords: Passwords
    secrets: Secrets
    token_days: float
    zone: str
    attempts: Attempts
    origin: Origin = ITSELF

    def seen_from(self, origin: Origin) -> "AccountService":
        """The same, on behalf of somebody: whom the audit log names for all that is done."""
        return replace(self, origin=origin)

    def entry(self, deed: Deed, about: str, details: str = "") -> Entry:
        """What the audit log is told of something that was done here."""
        return Entry(deed=deed, about=about, origin=self.origin, details=details)

    async def authenticate(self, key: str) -> Credential | None:
        """Whom this key speaks for, if it is live."""
        return await self.accounts.credential(self.secrets.digest(key))

    async def prove(self, username: str, password: str) -> User:
        """
        Who this is, by name and password. The hash is renewed when it was made in a way that is out of date.

        Each attempt counts before it is known how it ends, so that no more may be made at once than one after the other; the right
        password takes all of the account's back, and of the address's the one.

        Raises:
            BadLogin: unknown user, wrong password or inactive user; which one is not told, and takes as long to find out.
            TooOften: there were too many attempts at this account, or from this address.
        """
        username = username.strip()
        account, *others = limits = throttle.login_limits(username, self.origin.address)
        if wait := await self.attempts.attempt(limits):
            raise TooOften("There were too many attempts to log in; try again later.", wait)
        async with self.accounts.begin() as work:
            user = None if text_problem(username, NAME_BYTES) else await work.user_named(username)
        if not await self.passwords.verify(password, user.password if user else "") or user is None or not user.active:
            await self._note_failure(user)
            raise BadLogin
        await self.attempts.forget(account.subject)
        for limit in others:
            await self.attempts.take_back(limit.subject)
        return user if self.passwords.is_current(user.password) else await self._renewed(user, password)

    async def _renewed(self, user: User, password: str) -> User:
        hashed = await self.passwords.hash(password)
        async with self.accounts.begin() as work:
            await work.rehash(user, hashed)
            return _found(await work.user(user.id), NO_USER)

    async def log_in(self, username: str, password: str, *, beside: bool = False) -> NewToken:
        """
        A login token for the right password. It replaces the user's former one, unless it shall live `beside` it.

        Raises:
            BadLogin: see `prove`.
            TooOften: the same.
        """
        user = await self.prove(username, password)
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            await work.lock()
            if not beside:
                await work.drop_tokens([token.id for token in await work.tokens(user.id) if token.name == LOGIN])
            await self.note_login(work, user)
            return await self.add_token(work, user.id, LOGIN, made=now, days=self.token_days)

    async def note_login(self, work: AccountsWork, user: User, details: str = "by password") -> None:
        """Within somebody's unit of work: note that the user has come in, and how."""
        origin = replace(self.origin, user_id=user.id, username=user.username)
        await work.note(Entry(deed=Deed.LOGIN, about=called(user), origin=origin, details=details))

    async def _note_failure(self, user: User | None) -> None:
        """What was typed as a name is not kept: it may be a password."""
        about = "an unknown user" if user is None else called(user)
        async with self.accounts.begin() as work:
            await work.note(replace(self.entry(Deed.LOGIN, about, "by password"), done=False))

    async def refresh(self, credential: Credential) -> NewToken:
        """
        A new token of the same name and scope instead of the one that was used; it lives as long as a login token.

        Raises:
            Unauthenticated: the token that was used has been taken away meanwhile.
        """
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            used = await self._live(work, credential, now)
            await work.drop_tokens([used.id])
            await self.note_token(work, Deed.TOKEN_REFRESH, used)
            return await self.add_token(work, used.user_id, used.name, made=now, days=self.token_days, scope=used.scope)

    async def another_token(self, credential: Credential) -> NewToken:
        """
        One more login token of the same scope beside the one that was used.

        Raises:
            Unauthenticated: the token that was used has been taken away meanwhile.
        """
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            used = await self._live(work, credential, now)
            new = await self.add_token(work, used.user_id, LOGIN, made=now, days=self.token_days, scope=used.scope)
            await self.note_token(work, Deed.TOKEN_CREATE, new.token)
            return new

    async def log_out(self, credential: Credential) -> None:
        """Take away the token that was used."""
        async with self.accounts.begin() as work:
            token = await work.token(credential.token_id)
            await work.drop_tokens([credential.token_id])
            if token is not None:
                await self.note_token(work, Deed.TOKEN_REVOKE, token)

    async def user(self, user_id: UserId) -> User:
        """Somebody, inactive ones too."""
        async with self.accounts.begin() as work:
            return _found(await work.user(user_id), "No User matches the given query.")

    async def user_named(self, username: str) -> User:
        """Somebody by name."""
        async with self.accounts.begin() as work:
            return _found(await work.user_named(username), f'There is no user "{username}".')

    async def names(self, user_ids: Collection[UserId]) -> Mapping[UserId, str]:
        """What these users are called, those who exist."""
        async with self.accounts.begin() as work:
            return {user.id: user.username for user in await work.users_with(user_ids)}

    async def administers(self, user_id: UserId) -> bool:
        """Whether there is such a user, and looks after others."""
        async with self.accounts.begin() as work:
            user = await work.user(user_id)
        return user is not None and user.administers

    async def acting(self, user: User) -> Actor:
        """The user as one who acts without a token: all that the user may do is allowed."""
        async with self.accounts.begin() as work:
            return actor_of(user, await work.source_of(user.id))

    async def users(self) -> Sequence[User]:
        """Everybody, by id; those of sources too."""
        async with self.accounts.begin() as work:
            return await work.users()

    async def sources(self) -> Sequence[Source]:
        """All sources, by id."""
        async with self.accounts.begin() as work:
            return await work.sources()

    async def source(self, source_id: SourceId) -> Source:
        """One source."""
        async with self.accounts.begin() as work:
            return _found(await work.source(source_id), "No SourceSystem matches the given query.")

    async def source_named(self, name: str, type_: str | None = None) -> Source:
        """
        The source of this name, which is unique within its type.

        Raises:
            Invalid: several types have one, and none is given.
        """
        found = [source for source in await self.sources() if source.name == name and type_ in (None, source.type)]
        if len(found) > 1:
            types = ", ".join(sorted(source.type for source in found))
            raise Invalid({"type": f'There are sources "{name}" of the types {types}; say which.'})
        return _found(next(iter(found), None), f'There is no source "{name}"{f" of type {type_}" if type_ else ""}.')

    async def create_user(self, new: NewUser) -> User:
        """
        Make a user, with the timeslot "All the time" and, for an e-mail address, a destination that follows it.

        Raises:
            Invalid: a name or the address is malformed.
            NameTaken: there is a user of this name.
        """
        check_user(new.username, new.email, new.first_name, new.last_name)
        hashed = "" if new.password is None else await self.passwords.hash(new.password)
        async with self.accounts.begin() as work:
            user = await self.add_user(work, new, hashed)
            await work.note(self.entry(Deed.USER_CREATE, called(user), roles_told(user)))
            return user

    async def change_user(self, user_id: UserId, change: Callable[[User], User]) -> User:
        """
        Replace a user by what `change` makes of them; the destination that follows the e-mail address does so.

        Raises:
            Invalid: a name or the address is malformed.
            NameTaken: there is another user of this name.
        """
        async with self.accounts.begin() as work:
            user = _found(await work.user(user_id), NO_USER)
            changed = change(user)
            check_user(changed.username, changed.email, changed.first_name, changed.last_name)
            if changed == user:
                return user
            await work.save_user(changed)
            if changed.email != user.email:
                await work.move_synced_email(user.id, changed.email)
            await work.note(self.entry(Deed.USER_CHANGE, called(user), changes_told(user, changed)))
            return changed

    async def note(self, deed: Deed, about: str, details: str = "", *, done: bool = True) -> None:
        """Note something that was done elsewhere."""
        async with self.accounts.begin() as work:
            await work.note(replace(self.entry(deed, about, details), done=done))

    async def set_password(self, username: str, password: str) -> None:
        """Give a user another password."""
        hashed = await self.passwords.hash(password)
        await self._update(username, lambda user: replace(user, password=hashed), Deed.USER_PASSWORD)

    async def set_active(self, username: str, *, active: bool) -> None:
        """Let a user in or keep one out; the tokens of one who is kept out open nothing."""
        await self._update(username, lambda user: replace(user, active=active), Deed.USER_CHANGE)

    async def set_roles(self, username: str, *, staff: bool | None = None, superuser: bool | None = None) -> None:
        """Grant or revoke roles; None leaves one alone."""
        await self._update(
            username,
            lambda user: replace(
                user,
                staff=user.staff if staff is None else staff,
                superuser=user.superuser if superuser is None else superuser,
            ),
            Deed.USER_CHANGE,
        )

    async def create_source(self, name: str, type_: str, *, username: str | None = None, base_url: str = "") -> tuple[Source, NewToken]:
        """
        Make a source with a user and a token that never expires; its type comes into being when it is new.

        Raises:
            Invalid: a name or the address is malformed.
            NameTaken: there is a source of this name and type, or a user of this name.
        """
        check_source(name, base_url)
        check_source_type(type_, "type")
        check_user(username or name, "")
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            if type_ not in await work.source_types():
                await self.add_type(work, type_)
            user = await self.add_user(work, NewUser(username=username or name), "")
            source = await self.keep_new_source(work, name, type_, user, base_url)
            token = await self.add_token(work, user.id, name, made=now, days=None)
            await self.note_token(work, Deed.TOKEN_CREATE, token.token)
            return source, token

    async def rename_source(self, source_id: SourceId, name: str) -> Source:
        """
        Call a source something else.

        Raises:
            Invalid: the name is malformed.
            NameTaken: another source of this type has it.
        """
        async with self.accounts.begin() as work:
            source = replace(_found(await work.source(source_id), NO_SOURCE), name=name)
            check_source(source.name, source.base_url)
            await work.save_source(source)
            await work.note(self.entry(Deed.SOURCE_CHANGE, called(source), "name"))
            return source

    async def add_source_type(self, name: str, *, actor: Actor) -> str:
        """
        Make a source type on a superuser's behalf.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name is malformed or taken.
        """
        require(actor, Act.MANAGE_SOURCES)
        check_source_type(name)
        async with self.accounts.begin() as work:
            with _blamed_on_name():
                await self.add_type(work, name)
            return name

    async def add_source(self, name: str, type_: str, *, actor: Actor, base_url: str = "") -> Source:
        """
        Make a source on a superuser's behalf, with a user called like it; when that name is taken, a number is put behind it.

        The user has no token yet, so nobody reports for the source before one is made.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name or address is malformed, the name is taken within the type, or there is no such type.
        """
        require(actor, Act.MANAGE_SOURCES)
        check_source(name, base_url)
        async with self.accounts.begin() as work:
            await work.lock()
            await _check_type(work, type_)
            with _blamed_on_name():
                return await self._add_source(work, name, type_, base_url)

    async def own_source(self, *, make: bool = True) -> Source | None:
        """
        The source that Argus itself reports as. Nobody has a token for it.

        It comes into being, with its type and a user, when it is first needed; unless it is not to be made: then it may be None.
        """
        known = _own(await self.sources())
        if known or not make:
            return known
        async with self.accounts.begin() as work:
            await work.lock()
            return _own(await work.sources()) or await self._add_own(work)  # somebody else may have been faster

    async def _add_own(self, work: AccountsWork) -> Source:
        if watching.TYPE not in await work.source_types():
            await self.add_type(work, watching.TYPE)
        return await self._add_source(work, watching.NAME, watching.TYPE, "")

    async def _add_source(self, work: AccountsWork, name: str, type_: str, base_url: str) -> Source:
        """A source with a user called like it, or nearly so."""
        user = await self.add_user(work, NewUser(username=await free_username(work, name)), "")
        return await self.keep_new_source(work, name, type_, user, base_url)

    async def add_type(self, work: AccountsWork, name: str) -> None:
        """Within somebody's unit of work: a type that is there from now on."""
        await work.add_source_type(name)
        await work.note(self.entry(Deed.SOURCE_TYPE_CREATE, f"source type {name}"))

    async def keep_new_source(self, work: AccountsWork, name: str, type_: str, user: User, base_url: str) -> Source:
        """Within somebody's unit of work: a source of this user, whose type is there."""
        source = Source(id=await work.new_source_id(), name=name, type=type_, user_id=user.id, base_url=base_url)
        await work.add_source(source)
        await work.note(self.entry(Deed.SOURCE_CREATE, called(source), called(user)))
        return source

    async def change_source(self, source_id: SourceId, name: str, type_: str, *, actor: Actor, base_url: str | None = None) -> Source:
        """
        Change a source on a superuser's behalf; None leaves the address alone.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name or address is malformed, the name is taken within the type, or there is no such type.
        """
        require(actor, Act.MANAGE_SOURCES)
        async with self.accounts.begin() as work:
            present = _found(await work.source(source_id), "No SourceSystem matches the given query.")
            source = replace(present, name=name, type=type_, base_url=present.base_url if base_url is None else base_url)
            check_source(source.name, source.base_url)
            await _check_type(work, type_)
            with _blamed_on_name():
                await work.save_source(source)
            await work.note(self.entry(Deed.SOURCE_CHANGE, called(source), changes_told(present, source)))
            return source

    async def set_source_active(self, source_id: SourceId, *, active: bool) -> None:
        """Let a source report, or not any more."""
        async with self.accounts.begin() as work:
            source = _found(await work.source(source_id), NO_SOURCE)
            user = _found(await work.user(source.user_id), "The source has no user.")
            await work.save_user(replace(user, active=active))
            await work.note(self.entry(Deed.SOURCE_CHANGE, called(source), f"active: {_yes(active)}"))

    async def rotate_source_token(self, source_id: SourceId) -> NewToken:
        """A new token for a source instead of all those it has."""
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            source = _found(await work.source(source_id), NO_SOURCE)
            await work.drop_tokens([token.id for token in await work.tokens(source.user_id)])
            new = await self.add_token(work, source.user_id, source.name, made=now, days=None)
            await self.note_token(work, Deed.TOKEN_CREATE, new.token, "instead of all others, ")
            return new

    async def add_source_token(self, source_id: SourceId) -> NewToken:
        """One more token for a source, so that it can be given the new one before the others are revoked."""
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            await work.lock()
            source = _found(await work.source(source_id), NO_SOURCE)
            taken = {token.name for token in await work.tokens(source.user_id)}
            names = itertools.chain([source.name], (f"{source.name} {number}" for number in itertools.count(2)))
            free = next(name for name in names if name not in taken)
            new = await self.add_token(work, source.user_id, free, made=now, days=None)
            await self.note_token(work, Deed.TOKEN_CREATE, new.token)
            return new

    async def create_token(self, username: str, name: str, *, days: float | None, scope: Scope = Scope.ALL) -> NewToken:
        """
        A named token beside the ones the user has; None days is never.

        Raises:
            Invalid: the name is blank, which only that of login tokens is, or cannot be stored.
            NameTaken: the user has a live token of this name.
        """
        check_token(name)
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            await work.lock()
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            if any(token.name == name and token.is_live(now) for token in await work.tokens(user.id)):
                raise NameTaken(f'The user "{username}" has a token named "{name}"; revoke it first or choose another name.')
            new = await self.add_token(work, user.id, name, made=now, days=days, scope=scope)
            await self.note_token(work, Deed.TOKEN_CREATE, new.token)
            return new

    async def create_own_token(self, actor: Actor, name: str, *, days: float | None, scope: Scope) -> NewToken:
        """
        A named token of the actor's own, which may do no more than the one that is used.

        Raises:
            ScopeTooNarrow: it would be able to.
            Invalid, NameTaken: as in `create_token`.
        """
        require(actor, Act.KEEP_TOKEN)
        if not covers(actor.scope, scope):
            raise ScopeTooNarrow(f'A token with the scope "{actor.scope.value}" makes none with the scope "{scope.value}".')
        return await self.create_token(actor.username, name, days=days, scope=scope)

    async def own_tokens(self, actor: Actor) -> Sequence[Token]:
        """All tokens of the actor, oldest first, expired ones too."""
        async with self.accounts.begin() as work:
            return await work.tokens(actor.id)

    async def revoke_own_token(self, actor: Actor, token_id: TokenId) -> None:
        """
        Take one of the actor's own tokens away.

        Raises:
            ScopeTooNarrow: the token that is used may only give back itself.
        """
        require(actor, Act.KEEP_OWN)
        async with self.accounts.begin() as work:
            token = await work.token(token_id)
            if token is None or token.user_id != actor.id:
                raise NotFound(NO_TOKEN)
            await work.drop_tokens([token_id])
            await self.note_token(work, Deed.TOKEN_REVOKE, token)

    async def note_uses(self, token_ids: Collection[TokenId]) -> None:
        """Note that these tokens were used a moment ago."""
        if token_ids:
            await self.accounts.note_uses(sorted(token_ids))

    async def usual_days(self, username: str) -> float | None:
        """How long a token of this user lives when nothing else is said: that of a source for good."""
        async with self.accounts.begin() as work:
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            return self.token_days if await work.source_of(user.id) is None else None

    async def revoke_token(self, token_id: TokenId) -> None:
        """Take a token away."""
        async with self.accounts.begin() as work:
            token = _found(await work.token(token_id), NO_TOKEN)
            await work.drop_tokens([token_id])
            await self.note_token(work, Deed.TOKEN_REVOKE, token)

    async def tokens(self) -> Sequence[tuple[User, Token]]:
        """All tokens with their users, oldest first."""
        async with self.accounts.begin() as work:
            users = {user.id: user for user in await work.users()}
            return [(users[token.user_id], token) for token in await work.all_tokens()]

    async def _live(self, work: AccountsWork, credential: Credential, now: datetime) -> Token:
        """The token that was used. Reads may believe in one a moment too long, so what makes a new one looks again."""
        await work.lock()
        token = await work.token(credential.token_id)
        user = None if token is None else await work.user(token.user_id)
        if token is None or user is None or not user.active or not token.is_live(now):
            raise Unauthenticated
        return token

    async def add_user(self, work: AccountsWork, new: NewUser, hashed: str) -> User:
        """Within somebody's unit of work: a user with everything that every user has from the start."""
        user = User(
            id=await work.new_user_id(),
            username=new.username,
            password=hashed,
            first_name=new.first_name,
            last_name=new.last_name,
            email=new.email,
            active=new.active,
            staff=new.staff,
            superuser=new.superuser,
        )
        await work.add_user(user)
        await work.add_timeslot(all_the_time(await work.new_timeslot_id(), user.id, self.zone))
        if user.email:
            await work.add_destination(synced_email(await work.new_destination_id(), user.id, user.email))
        return user

    async def add_token(
        self, work: AccountsWork, user_id: UserId, name: str, *, made: datetime, days: float | None, scope: Scope = Scope.ALL
    ) -> NewToken:
        """Within somebody's unit of work: a token that lives so many days from when it is made; None is for good."""
        secret = self.secrets.new()
        token = Token(
            id=await work.new_token_id(),
            user_id=user_id,
            name=name,
            prefix=secret.prefix,
            digest=secret.digest,
            created=made,
            expires=lifetime_ends(made, days),
            scope=scope,
        )
        await work.add_token(token)
        return NewToken(secret.key, token)

    async def _update(self, username: str, change: Callable[[User], User], deed: Deed) -> None:
        async with self.accounts.begin() as work:
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            changed = change(user)
            await work.save_user(changed)
            await work.note(self.entry(deed, called(user), changes_told(user, changed)))

    async def note_token(self, work: AccountsWork, deed: Deed, token: Token, how: str = "") -> None:
        """Within somebody's unit of work: note what is done about a token."""
        user = _found(await work.user(token.user_id), "The token has no user.")
        until = f"until {token.expires.isoformat()}" if token.expires else "for good"
        name = f'named "{token.name}"' if token.name else "of a login"
        await work.note(self.entry(deed, called_token(token, user), f"{how}{name}, scope {token.scope.value}, {until}"))


def changes_told(before: User | Source, after: User | Source) -> str:
    """Which fields have changed; of those that are yes or no, also how. What they hold is told of no others."""
    changed = [
        (field.name, getattr(after, field.name)) for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)
    ]
    return ", ".join(f"{name}: {_yes(value)}" if isinstance(value, bool) else name for name, value in changed)


def roles_told(user: User) -> str:
    """Which roles a user has."""
    return ", ".join(role for role, has in (("staff", user.staff), ("superuser", user.superuser)) if has)


def _yes(value: object) -> str:
    return "yes" if value else "no"


async def _check_type(work: AccountsWork, type_: str) -> None:
    if type_ not in await work.source_types():
        raise Invalid({"type": f'Invalid pk "{type_}" - object does not exist.'})


def _own(sources: Sequence[Source]) -> Source | None:
    return next((source for source in sources if (source.name, source.type) == (watching.NAME, watching.TYPE)), None)


async def free_username(work: AccountsWork, name: str) -> str:
    """The name, cut to what a username may have, or with the first number behind it that makes it free."""
    room = NAME_BYTES - _SUFFIX_BYTES
    bare = name.strip().encode()[:room].decode(errors="ignore").strip()
    taken = {user.username for user in await work.users()}
    return next(
        username for username in itertools.chain([bare], (f"{bare}-{number}" for number in itertools.count(2))) if username not in taken
    )


@contextmanager
def _blamed_on_name() -> Iterator[None]:
    """A name that is taken is what is wrong with the field `name`."""
    try:
        yield
    except NameTaken as error:
        raise Invalid({"name": error.message}) from None


def _found(thing: _Thing | None, otherwise: str) -> _Thing:
    if thing is None:
        raise NotFound(otherwise)
    return thing
