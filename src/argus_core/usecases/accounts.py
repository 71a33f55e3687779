"""Log in and out, and keep users, tokens and sources."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from argus_core.domain import throttle, watching
from argus_core.domain.accounts import NAME_BYTES, Credential, Token, User, check_user, lifetime_ends
from argus_core.domain.actors import Actor, require_superuser
from argus_core.domain.destinations import synced_email
from argus_core.domain.errors import BadLogin, Invalid, NameTaken, NotFound, TooOften, Unauthenticated
from argus_core.domain.ids import SourceId, TokenId, UserId
from argus_core.domain.limits import text_problem
from argus_core.domain.sources import Source, check_source, check_source_type
from argus_core.domain.timeslots import all_the_time
from argus_core.ports.accounts import Accounts, AccountsWork, Passwords
from argus_core.ports.logins import Attempts
from argus_core.ports.secrets import Secrets

_Thing = TypeVar("_Thing")

_SUFFIX_BYTES = 20

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

    `token_days` is how long a login token lives, `zone` the time zone of the timeslot that every new user gets.
    Methods that name a user or a source raise `NotFound` when there is none; every method may raise `Unavailable`.
    """

    accounts: Accounts
    passwords: Passwords
    secrets: Secrets
    token_days: float
    zone: str
    attempts: Attempts

    async def authenticate(self, key: str) -> Credential | None:
        """Whom this key speaks for, if it is live."""
        return await self.accounts.credential(self.secrets.digest(key))

    async def prove(self, username: str, password: str, address: str) -> User:
        """
        Who this is, by name and password. The hash is renewed when it was made in a way that is out of date.

        Each attempt counts before it is known how it ends, so that no more may be made at once than one after the other; the right
        password takes all of the account's back, and of the address's the one.

        Raises:
            BadLogin: unknown user, wrong password or inactive user; which one is not told, and takes as long to find out.
            TooOften: there were too many attempts at this account, or from this address.
        """
        username = username.strip()
        account, *others = limits = throttle.login_limits(username, address)
        if wait := await self.attempts.attempt(limits):
            raise TooOften("There were too many attempts to log in; try again later.", wait)
        async with self.accounts.begin() as work:
            user = None if text_problem(username, NAME_BYTES) else await work.user_named(username)
        if not await self.passwords.verify(password, user.password if user else "") or user is None or not user.active:
            raise BadLogin
        await self.attempts.forget(account.subject)
        for limit in others:
            await self.attempts.take_back(limit.subject)
        return user if self.passwords.is_current(user.password) else await self._renewed(user, password)

    async def _renewed(self, user: User, password: str) -> User:
        hashed = await self.passwords.hash(password)
        async with self.accounts.begin() as work:
            await work.rehash(user, hashed)
            return _found(await work.user(user.id), "There is no such user.")

    async def log_in(self, username: str, password: str, *, address: str = "", beside: bool = False) -> NewToken:
        """
        A login token for the right password. It replaces the user's former one, unless it shall live `beside` it.

        Raises:
            BadLogin: see `prove`.
            TooOften: the same.
        """
        user = await self.prove(username, password, address)
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            await work.lock()
            if not beside:
                await work.drop_tokens([token.id for token in await work.tokens(user.id) if token.name == LOGIN])
            return await self.add_token(work, user.id, LOGIN, now, self.token_days)

    async def refresh(self, credential: Credential) -> NewToken:
        """
        A new token of the same name instead of the one that was used; it lives as long as a login token.

        Raises:
            Unauthenticated: the token that was used has been taken away meanwhile.
        """
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            used = await self._live(work, credential, now)
            await work.drop_tokens([used.id])
            return await self.add_token(work, used.user_id, used.name, now, self.token_days)

    async def another_token(self, credential: Credential) -> NewToken:
        """
        One more login token beside the one that was used.

        Raises:
            Unauthenticated: the token that was used has been taken away meanwhile.
        """
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            used = await self._live(work, credential, now)
            return await self.add_token(work, used.user_id, LOGIN, now, self.token_days)

    async def log_out(self, credential: Credential) -> None:
        """Take away the token that was used."""
        async with self.accounts.begin() as work:
            await work.drop_tokens([credential.token_id])

    async def user(self, user_id: UserId) -> User:
        """Somebody, inactive ones too."""
        async with self.accounts.begin() as work:
            return _found(await work.user(user_id), "No User matches the given query.")

    async def user_named(self, username: str) -> User:
        """Somebody by name."""
        async with self.accounts.begin() as work:
            return _found(await work.user_named(username), f'There is no user "{username}".')

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
            return await self.add_user(work, new, hashed)

    async def set_password(self, username: str, password: str) -> None:
        """Give a user another password."""
        hashed = await self.passwords.hash(password)
        await self._update(username, lambda user: replace(user, password=hashed))

    async def set_active(self, username: str, *, active: bool) -> None:
        """Let a user in or keep one out; the tokens of one who is kept out open nothing."""
        await self._update(username, lambda user: replace(user, active=active))

    async def set_roles(self, username: str, *, staff: bool | None = None, superuser: bool | None = None) -> None:
        """Grant or revoke roles; None leaves one alone."""
        await self._update(
            username,
            lambda user: replace(
                user,
                staff=user.staff if staff is None else staff,
                superuser=user.superuser if superuser is None else superuser,
            ),
        )

    async def create_source(self, name: str, type_: str, *, username: str | None = None, base_url: str = "") -> tuple[Source, NewToken]:
        """
        Make a source with a user and a token that never expires; its type comes into being when it is new.

        Raises:
            Invalid: a name or the address is malformed.
            NameTaken: there is a source of this name and type, or a user of this name.
        """
        check_source(name, base_url)
        check_source_type(type_)
        check_user(username or name, "")
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            if type_ not in await work.source_types():
                await work.add_source_type(type_)
            user = await self.add_user(work, NewUser(username=username or name), "")
            source = Source(id=await work.new_source_id(), name=name, type=type_, user_id=user.id, base_url=base_url)
            await work.add_source(source)
            return source, await self.add_token(work, user.id, name, now, None)

    async def rename_source(self, source_id: SourceId, name: str) -> Source:
        """
        Call a source something else.

        Raises:
            Invalid: the name is malformed.
            NameTaken: another source of this type has it.
        """
        async with self.accounts.begin() as work:
            source = replace(_found(await work.source(source_id), "There is no such source."), name=name)
            check_source(source.name, source.base_url)
            await work.save_source(source)
            return source

    async def add_source_type(self, name: str, *, actor: Actor) -> str:
        """
        Make a source type on a superuser's behalf.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name is malformed or taken.
        """
        require_superuser(actor)
        check_source_type(name)
        async with self.accounts.begin() as work:
            with _blamed_on_name():
                await work.add_source_type(name)
            return name

    async def add_source(self, name: str, type_: str, *, actor: Actor, base_url: str = "") -> Source:
        """
        Make a source on a superuser's behalf, with a user called like it; when that name is taken, a number is put behind it.

        The user has no token yet, so nobody reports for the source before one is made.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name or address is malformed, the name is taken within the type, or there is no such type.
        """
        require_superuser(actor)
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
            await work.add_source_type(watching.TYPE)
        return await self._add_source(work, watching.NAME, watching.TYPE, "")

    async def _add_source(self, work: AccountsWork, name: str, type_: str, base_url: str) -> Source:
        """A source with a user called like it, or nearly so."""
        user = await self.add_user(work, NewUser(username=await free_username(work, name)), "")
        source = Source(id=await work.new_source_id(), name=name, type=type_, user_id=user.id, base_url=base_url)
        await work.add_source(source)
        return source

    async def change_source(self, source_id: SourceId, name: str, type_: str, *, actor: Actor, base_url: str | None = None) -> Source:
        """
        Change a source on a superuser's behalf; None leaves the address alone.

        Raises:
            NotAllowed: the actor is none.
            Invalid: the name or address is malformed, the name is taken within the type, or there is no such type.
        """
        require_superuser(actor)
        async with self.accounts.begin() as work:
            present = _found(await work.source(source_id), "No SourceSystem matches the given query.")
            source = replace(present, name=name, type=type_, base_url=present.base_url if base_url is None else base_url)
            check_source(source.name, source.base_url)
            await _check_type(work, type_)
            with _blamed_on_name():
                await work.save_source(source)
            return source

    async def set_source_active(self, source_id: SourceId, *, active: bool) -> None:
        """Let a source report, or not any more."""
        async with self.accounts.begin() as work:
            source = _found(await work.source(source_id), "There is no such source.")
            user = _found(await work.user(source.user_id), "The source has no user.")
            await work.save_user(replace(user, active=active))

    async def rotate_source_token(self, source_id: SourceId) -> NewToken:
        """A new token for a source instead of all those it has."""
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            source = _found(await work.source(source_id), "There is no such source.")
            await work.drop_tokens([token.id for token in await work.tokens(source.user_id)])
            return await self.add_token(work, source.user_id, source.name, now, None)

    async def create_token(self, username: str, name: str, *, days: float | None) -> NewToken:
        """
        A named token beside the ones the user has; None days is never.

        Raises:
            Invalid: the name is blank; only login tokens have none.
            NameTaken: the user has a live token of this name.
        """
        if not name.strip():
            raise Invalid({"name": "This field may not be blank."})
        now = await self.accounts.now()
        async with self.accounts.begin() as work:
            await work.lock()
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            if any(token.name == name and token.is_live(now) for token in await work.tokens(user.id)):
                raise NameTaken(f'The user "{username}" has a token named "{name}"; revoke it first or choose another name.')
            return await self.add_token(work, user.id, name, now, days)

    async def usual_days(self, username: str) -> float | None:
        """How long a token of this user lives when nothing else is said: that of a source for good."""
        async with self.accounts.begin() as work:
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            return self.token_days if await work.source_of(user.id) is None else None

    async def revoke_token(self, token_id: TokenId) -> None:
        """Take a token away."""
        async with self.accounts.begin() as work:
            _found(await work.token(token_id), "There is no such token.")
            await work.drop_tokens([token_id])

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

    async def add_token(self, work: AccountsWork, user_id: UserId, name: str, made: datetime, days: float | None) -> NewToken:
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
        )
        await work.add_token(token)
        return NewToken(secret.key, token)

    async def _update(self, username: str, change: Callable[[User], User]) -> None:
        async with self.accounts.begin() as work:
            user = _found(await work.user_named(username), f'There is no user "{username}".')
            await work.save_user(change(user))


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
