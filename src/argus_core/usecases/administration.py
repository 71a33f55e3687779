"""
Administer: look at what is everybody's, and keep users, tokens, sources and deliveries.

The services behind it ask nobody who they are: a command line uses them as they are. Here each act is required of whoever does it, and the
audit log hears who that was, and from where.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from argus_core.domain.accounts import Token, User, check_password
from argus_core.domain.actors import Actor, Scope
from argus_core.domain.audit import AuditPage, AuditQuery, Deed, Origin, Record, called
from argus_core.domain.deliveries import Delivery, DeliveryStatus
from argus_core.domain.errors import Invalid, NotFound
from argus_core.domain.ids import DeliveryId, IncidentId, SessionId, SourceId, TokenId, UserId
from argus_core.domain.limits import storable
from argus_core.domain.permissions import Act, require
from argus_core.domain.profiles import Belongings
from argus_core.domain.sessions import Session
from argus_core.domain.sources import Source
from argus_core.domain.watching import Heart
from argus_core.ports.outbox import Backlog, Setback
from argus_core.ports.profiles import Profiles
from argus_core.usecases.accounts import NO_TOKEN, NO_USER, AccountService, NewToken, NewUser
from argus_core.usecases.audit import AuditService
from argus_core.usecases.flapping import FlappingService
from argus_core.usecases.logins import LoginService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.watching import WatchService

MOST_SOUGHT = 200
"""So many characters of what somebody looks for are looked for."""

NEWEST = TokenId(2**63 - 1)
OLDEST = UserId(0)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who administers, and from which address."""

    actor: Actor
    address: str = ""

    @property
    def origin(self) -> Origin:
        """Whom the audit log names."""
        return Origin.of(self.actor, self.address)


@dataclass(frozen=True, slots=True)
class Part(Generic[_T]):
    """Some of many, and whether others follow."""

    items: tuple[_T, ...]
    more: bool

    @classmethod
    def of(cls, found: Sequence[_T], most: int) -> "Part[_T]":
        """The first ones of what was found by asking for one more."""
        return cls(tuple(found[:most]), len(found) > most)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCard:
    """All there is about a user; `source` is the one that this user is for."""

    user: User
    source: Source | None
    tokens: tuple[Token, ...]
    sessions: tuple[Session, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCard:
    """
    All there is about a source: `heart` is what is expected of it, `flapping` its own threshold as it is spelled.

    `used` is when a token of it was used last.
    """

    source: Source
    user: User
    tokens: tuple[Token, ...]
    heart: Heart | None
    now: datetime
    flapping: str = ""

    @property
    def used(self) -> datetime | None:
        """When it was last heard of by a token."""
        return max((token.used for token in self.tokens if token.used), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries somebody wants to see; None is any."""

    status: DeliveryStatus | None = None
    username: str = ""
    incident_id: IncidentId | None = None


@dataclass(frozen=True, slots=True)
class AdministrationService:
    """
    Every method may raise `NotAllowed`, and `Unavailable`; those that take an id raise `NotFound`.

    Whoever looks for a text finds what has it anywhere in its names, however it is written; an empty one is in everything.
    """

    accounts: AccountService
    logins: LoginService
    profiles: Profiles
    notifications: NotificationService
    watching: WatchService
    audit: AuditService
    flapping: FlappingService

    async def users(self, by: Administrator, text: str, most: int, after: UserId = OLDEST) -> Part[User]:
        """Users by id; those of sources too."""
        require(by.actor, Act.ADMINISTER)
        async with self.accounts.accounts.begin() as work:
            return Part.of(await work.users_like(_sought(text), most + 1, after), most)

    async def user(self, by: Administrator, user_id: UserId) -> UserCard:
        """One user."""
        require(by.actor, Act.ADMINISTER)
        now = await self.accounts.accounts.now()
        sessions = tuple(await self.logins.sessions_of(user_id))
        async with self.accounts.accounts.begin() as work:
            user = await work.user(user_id)
            if user is None:
                raise NotFound(NO_USER)
            source, tokens = await work.source_of(user_id), tuple(await work.tokens(user_id))
        return UserCard(user=user, source=source, tokens=tokens, sessions=sessions, now=now)

    async def names(self, by: Administrator, user_ids: set[UserId]) -> Mapping[UserId, str]:
        """What these users are called, those who exist."""
        require(by.actor, Act.ADMINISTER)
        return await self.accounts.names(user_ids)

    async def add_user(self, by: Administrator, new: NewUser) -> User:
        """
        Make a user.

        Raises:
            Invalid: a name, the address or the password is none to have, or the name is taken.
        """
        require(by.actor, Act.MANAGE_USERS)
        if new.password is not None:
            check_password(new.password, User(id=OLDEST, username=new.username, email=new.email))
        return await self._accounts(by).create_user(new)

    async def change_user(self, by: Administrator, user_id: UserId, wanted: User) -> User:
        """
        Give a user the names, address, roles and activity of the one that is `wanted`.

        Raises:
            Invalid: a name or the address is malformed, or somebody takes from themselves what they could not give back.
            NameTaken: there is another user of this name.
        """
        require(by.actor, Act.MANAGE_USERS)
        if user_id == by.actor.id:
            _require_own(wanted)
        return await self._accounts(by).change_user(user_id, lambda user: replace(wanted, id=user.id, password=user.password))

    async def set_password(self, by: Administrator, user_id: UserId, password: str) -> None:
        """
        Give a user another password, which ends all sessions of theirs.

        Raises:
            Invalid: under `password`, it is none to have.
        """
        require(by.actor, Act.MANAGE_USERS)
        user = await self.accounts.user(user_id)
        check_password(password, user)
        await self._accounts(by).set_password(user.username, password)

    async def invite(self, by: Administrator, user_id: UserId, page: str) -> User:
        """
        Mail a user a link to a page on which they choose a password.

        Raises:
            Invalid: under `email`, nothing can be mailed to this user.
        """
        require(by.actor, Act.MANAGE_USERS)
        user = await self.accounts.user(user_id)
        if not user.email or not user.active:
            raise Invalid({"email": "This user has no e-mail address." if not user.email else "This user is not active."})
        if lacks := self.logins.letters.lacks:
            raise Invalid({"email": f"Argus cannot send mail: {lacks}"})
        await self.logins.invite(user, page)
        await self._accounts(by).note(Deed.USER_PASSWORD, called(user), "a link to choose one was mailed")
        return user

    async def end_sessions(self, by: Administrator, user_id: UserId, keep: SessionId | None = None) -> None:
        """Log a user out everywhere, but for the session to keep."""
        require(by.actor, Act.MANAGE_USERS)
        user = await self.accounts.user(user_id)
        for session in await self.logins.sessions_of(user_id):
            if session.id != keep:
                await self.logins.end(user_id, session.id)
        await self._accounts(by).note(Deed.SESSION_END, called(user))

    async def tokens(self, by: Administrator, text: str, most: int, before: TokenId = NEWEST) -> Part[tuple[User, Token]]:
        """Tokens with their users, the newest first."""
        require(by.actor, Act.ADMINISTER)
        async with self.accounts.accounts.begin() as work:
            found = await work.tokens_like(_sought(text), most + 1, before)
            users = {user.id: user for user in await work.users_with({token.user_id for token in found})}
        return Part.of([(users[token.user_id], token) for token in found], most)

    async def add_token(self, by: Administrator, user_id: UserId, name: str, *, days: float | None, scope: Scope) -> NewToken:
        """
        A token of a user.

        Raises:
            Invalid, NameTaken: see `AccountService.create_token`.
        """
        require(by.actor, Act.MANAGE_USERS)
        user = await self.accounts.user(user_id)
        return await self._accounts(by).create_token(user.username, name, days=days, scope=scope)

    async def token(self, by: Administrator, token_id: TokenId) -> tuple[User, Token]:
        """One token, and whose it is."""
        require(by.actor, Act.ADMINISTER)
        async with self.accounts.accounts.begin() as work:
            token = await work.token(token_id)
            user = None if token is None else await work.user(token.user_id)
        if token is None or user is None:
            raise NotFound(NO_TOKEN)
        return user, token

    async def revoke_token(self, by: Administrator, token_id: TokenId) -> None:
        """Take anybody's token away."""
        require(by.actor, Act.MANAGE_USERS)
        await self._accounts(by).revoke_token(token_id)

    async def source_types(self, by: Administrator) -> Sequence[tuple[str, int]]:
        """All source types, and how many sources each has."""
        require(by.actor, Act.ADMINISTER)
        async with self.accounts.accounts.begin() as work:
            types, sources = await work.source_types(), await work.sources()
        return [(name, sum(source.type == name for source in sources)) for name in types]

    async def add_source_type(self, by: Administrator, name: str) -> None:
        """
        Make a source type.

        Raises:
            Invalid: the name is malformed or taken.
        """
        await self._accounts(by).add_source_type(name, actor=by.actor)

    async def sources(self, by: Administrator, text: str, most: int, after: SourceId | None = None) -> Part[SourceCard]:
        """Sources by id."""
        require(by.actor, Act.ADMINISTER)
        now = await self.accounts.accounts.now()
        hearts = {heart.source.id: heart for heart in await self.watching.watch.hearts()}
        sought = _sought(text).casefold()
        async with self.accounts.accounts.begin() as work:
            fitting = [
                source
                for source in await work.sources()
                if source.id > (after or 0) and any(sought in name.casefold() for name in (source.name, source.type, source.base_url))
            ][: most + 1]
            user_ids = {source.user_id for source in fitting}
            users = {user.id: user for user in await work.users_with(user_ids)}
            tokens = await work.tokens_of(user_ids)
        cards = [
            SourceCard(
                source=source,
                user=users[source.user_id],
                tokens=tuple(token for token in tokens if token.user_id == source.user_id),
                heart=hearts.get(source.id),
                now=now,
            )
            for source in fitting
        ]
        return Part.of(cards, most)

    async def source(self, by: Administrator, source_id: SourceId) -> SourceCard:
        """One source."""
        require(by.actor, Act.ADMINISTER)
        source = await self.accounts.source(source_id)
        card = await self.user(by, source.user_id)
        heart = next((heart for heart in await self.watching.watch.hearts() if heart.source.id == source_id), None)
        flapping = await self.flapping.threshold(source_id)
        return SourceCard(source=source, user=card.user, tokens=card.tokens, heart=heart, now=card.now, flapping=flapping)

    async def add_source(
        self, by: Administrator, name: str, type_: str, *, username: str = "", base_url: str = ""
    ) -> tuple[Source, NewToken]:
        """
        Make a source with its user and its first token.

        Raises:
            Invalid, NameTaken: see `AccountService.create_source`.
        """
        require(by.actor, Act.MANAGE_SOURCES)
        return await self._accounts(by).create_source(name, type_, username=username or None, base_url=base_url)

    async def change_source(self, by: Administrator, source_id: SourceId, name: str, type_: str, base_url: str) -> Source:
        """
        Change a source.

        Raises:
            Invalid: see `AccountService.change_source`.
        """
        return await self._accounts(by).change_source(source_id, name, type_, actor=by.actor, base_url=base_url)

    async def set_source_active(self, by: Administrator, source_id: SourceId, *, active: bool) -> None:
        """Let a source report, or not any more."""
        require(by.actor, Act.MANAGE_SOURCES)
        await self._accounts(by).set_source_active(source_id, active=active)

    async def rotate_source_token(self, by: Administrator, source_id: SourceId) -> NewToken:
        """A new token for a source instead of all those it has."""
        require(by.actor, Act.MANAGE_SOURCES)
        return await self._accounts(by).rotate_source_token(source_id)

    async def add_source_token(self, by: Administrator, source_id: SourceId) -> NewToken:
        """A new token for a source beside those it has."""
        require(by.actor, Act.MANAGE_SOURCES)
        return await self._accounts(by).add_source_token(source_id)

    async def expect(self, by: Administrator, source_id: SourceId, every: timedelta | None) -> None:
        """
        Expect heartbeats of a source so often; None is not at all.

        Raises:
            Invalid: under `every`.
        """
        require(by.actor, Act.MANAGE_SOURCES)
        await self.watching.seen_from(by.origin).expect(source_id, every)

    async def set_threshold(self, by: Administrator, source_id: SourceId, spelled: str) -> None:
        """
        Say from when on the incidents of a source flap.

        Raises:
            Invalid: under `flapping`.
        """
        require(by.actor, Act.MANAGE_SOURCES)
        await self.flapping.seen_from(by.origin).set_threshold(source_id, spelled)

    async def belongings(self, by: Administrator, text: str, most: int, after: UserId = OLDEST) -> Part[tuple[User, Belongings]]:
        """What people own of profiles, and of what profiles consist of, by their ids."""
        require(by.actor, Act.ADMINISTER)
        owned = await self.profiles.owning(_sought(text), most + 1, after)
        async with self.accounts.accounts.begin() as work:
            users = await work.users_with(set(owned))
        return Part.of([(user, owned[user.id]) for user in users], most)

    async def deliveries(self, by: Administrator, wanted: Wanted, most: int, before: DeliveryId | None = None) -> Part[Delivery]:
        """
        Deliveries, newest first.

        Raises:
            Invalid: under `user`, there is none of this name.
        """
        require(by.actor, Act.ADMINISTER)
        owner = await self._named(wanted.username) if wanted.username else None
        listed = await self.notifications.listed(wanted.status, owner, most + 1, before, wanted.incident_id)
        return Part.of(listed, most)

    async def all_deliveries(self, by: Administrator, wanted: Wanted) -> AsyncIterator[Sequence[Delivery]]:
        """
        All of them, newest first, some at a time.

        Raises:
            Invalid: under `user`, there is none of this name.
        """
        require(by.actor, Act.ADMINISTER)
        owner = await self._named(wanted.username) if wanted.username else None
        return self.notifications.all_listed(wanted.status, owner, wanted.incident_id)

    async def stuck(self, by: Administrator, most: int) -> Sequence[Setback]:
        """Events about which nobody can decide."""
        require(by.actor, Act.ADMINISTER)
        return await self.notifications.stuck(most)

    async def backlog(self, by: Administrator) -> Backlog:
        """How much waits."""
        require(by.actor, Act.ADMINISTER)
        return await self.notifications.outbox.backlog()

    async def retry(self, by: Administrator, delivery_ids: Sequence[DeliveryId]) -> Sequence[DeliveryId]:
        """See `NotificationService.retry`."""
        require(by.actor, Act.MANAGE_DELIVERIES)
        return await self.notifications.seen_from(by.origin).retry(delivery_ids)

    async def drop(self, by: Administrator, delivery_ids: Sequence[DeliveryId]) -> Sequence[DeliveryId]:
        """See `NotificationService.drop`."""
        require(by.actor, Act.MANAGE_DELIVERIES)
        return await self.notifications.seen_from(by.origin).drop(delivery_ids)

    async def records(self, by: Administrator, query: AuditQuery, most: int, before: int | None = None) -> AuditPage:
        """Some of the audit log."""
        return await self.audit.page(query, most, before, actor=by.actor)

    def all_records(self, by: Administrator, query: AuditQuery) -> AsyncIterator[Record]:
        """All of the audit log that fits, without holding it all at once."""
        require(by.actor, Act.READ_AUDIT)
        return self.audit.all(query)

    def _accounts(self, by: Administrator) -> AccountService:
        return self.accounts.seen_from(by.origin)

    async def _named(self, username: str) -> UserId:
        async with self.accounts.accounts.begin() as work:
            user = await work.user_named(_sought(username))
        if user is None:
            raise Invalid({"user": "There is no user of this name."})
        return user.id


def _require_own(wanted: User) -> None:
    lost = {"active": wanted.active, "superuser": wanted.superuser}
    refused = {name: "You cannot take this from yourself: ask another superuser." for name, kept in lost.items() if not kept}
    if refused:
        raise Invalid(refused)


def _sought(text: str) -> str:
    return storable(text.strip(), MOST_SOUGHT)
