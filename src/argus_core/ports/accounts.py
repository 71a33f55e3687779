"""Users, tokens, source types and sources: where accounts are kept, and how they are proven."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from argus_core.domain.accounts import Credential, Token, User
from argus_core.domain.audit import Entry
from argus_core.domain.destinations import Destination
from argus_core.domain.ids import DestinationId, SourceId, TimeslotId, TokenId, UserId
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Timeslot


class AccountsWork(Protocol):
    """
    One unit of work on accounts: everything done through it happens, or nothing.

    `add_…` and `save_…` raise `NameTaken` when a name that must be unique (username, source name within its type, type name) is taken.
    """

    async def lock(self) -> None:
        """Let no other work that locks run beside this one, so that what is looked up stays true until the end."""
        ...

    async def note(self, entry: Entry) -> None:
        """Put something into the audit log, if this work is kept; the moment is that of the store's own clock."""
        ...

    async def new_user_id(self) -> UserId:
        """An id for a new user."""
        ...

    async def new_source_id(self) -> SourceId:
        """An id for a new source."""
        ...

    async def new_token_id(self) -> TokenId:
        """An id for a new token."""
        ...

    async def new_timeslot_id(self) -> TimeslotId:
        """An id for a new timeslot."""
        ...

    async def new_destination_id(self) -> DestinationId:
        """An id for a new destination."""
        ...

    async def user(self, user_id: UserId) -> User | None:
        """The user with this id."""
        ...

    async def user_named(self, username: str) -> User | None:
        """The user with exactly this name."""
        ...

    async def users(self) -> Sequence[User]:
        """Everybody, by id."""
        ...

    async def users_with(self, user_ids: Collection[UserId]) -> Sequence[User]:
        """Those of these who exist, by id."""
        ...

    async def users_like(self, text: str, most: int, after: UserId) -> Sequence[User]:
        """At most so many users with a higher id, by id, who have this text in their username, names or address; case does not matter."""
        ...

    async def add_user(self, user: User) -> None:
        """Keep a new user."""
        ...

    async def save_user(self, user: User) -> None:
        """Replace a user. One who is not active any more, or has another password, is logged out everywhere."""
        ...

    async def rehash(self, user: User, hashed: str) -> None:
        """Keep another hash of the same password, unless the user has another one than that meanwhile. Nobody is logged out by that."""
        ...

    async def identified(self, issuer: str, subject: str) -> User | None:
        """Whom an identity provider means."""
        ...

    async def identify(self, user_id: UserId, issuer: str, subject: str) -> None:
        """Remember whom an identity provider means; it was not known before."""
        ...

    async def add_timeslot(self, timeslot: Timeslot) -> None:
        """Keep a new timeslot."""
        ...

    async def add_destination(self, destination: Destination) -> None:
        """Keep a new destination."""
        ...

    async def move_synced_email(self, owner: UserId, address: str) -> None:
        """Let the synced e-mail destination of this user follow to another address: made, changed, or taken away when it is empty."""
        ...

    async def tokens(self, user_id: UserId) -> Sequence[Token]:
        """All tokens of a user, oldest first, expired ones too."""
        ...

    async def all_tokens(self) -> Sequence[Token]:
        """All tokens of everybody, oldest first."""
        ...

    async def tokens_of(self, user_ids: Collection[UserId]) -> Sequence[Token]:
        """All tokens of these users, oldest first."""
        ...

    async def tokens_like(self, text: str, most: int, before: TokenId) -> Sequence[Token]:
        """At most so many tokens with a lower id, the highest first, that have this text in their name or in that of their user."""
        ...

    async def token(self, token_id: TokenId) -> Token | None:
        """The token with this id."""
        ...

    async def add_token(self, token: Token) -> None:
        """Keep a new token."""
        ...

    async def drop_tokens(self, token_ids: Sequence[TokenId]) -> None:
        """Take tokens away; from the end of this work on they open nothing, in any process."""
        ...

    async def source_types(self) -> Sequence[str]:
        """The names of all source types, sorted."""
        ...

    async def add_source_type(self, name: str) -> None:
        """Keep a new source type."""
        ...

    async def sources(self) -> Sequence[Source]:
        """All sources, by id."""
        ...

    async def source(self, source_id: SourceId) -> Source | None:
        """The source with this id."""
        ...

    async def source_of(self, user_id: UserId) -> Source | None:
        """The source whose user this is."""
        ...

    async def add_source(self, source: Source) -> None:
        """Keep a new source; its type and user exist."""
        ...

    async def save_source(self, source: Source) -> None:
        """Replace a source."""
        ...


class Accounts(Protocol):
    """Where accounts are kept. Every method may raise `Unavailable`."""

    def begin(self) -> AbstractAsyncContextManager[AccountsWork]:
        """A unit of work: leaving the block normally keeps it, an exception undoes it."""
        ...

    async def credential(self, digest: bytes) -> Credential | None:
        """Whom the token with this digest speaks for, if it and its user are live now by the store's own clock."""
        ...

    async def note_uses(self, token_ids: Sequence[TokenId]) -> None:
        """Note that these tokens were used by now, unless that was noted of them within the last minute."""
        ...

    async def now(self) -> datetime:
        """The store's own clock, which decides over expiry."""
        ...


class Passwords(Protocol):
    """How passwords are hashed. Hashing is slow on purpose; implementations keep it away from the event loop."""

    async def hash(self, password: str) -> str:
        """A hash to keep, with its salt and parameters inside."""
        ...

    async def verify(self, password: str, hashed: str) -> bool:
        """Whether the password is that of the hash. An empty hash fits nothing, and takes as long to find out."""
        ...

    def is_current(self, hashed: str) -> bool:
        """Whether a password that is hashed now would be hashed in this way."""
        ...
