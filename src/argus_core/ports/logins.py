"""What logging in has to remember: sessions, attempts, and slips that are good for one use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

from argus_core.domain.accounts import User
from argus_core.domain.ids import SessionId, UserId
from argus_core.domain.sessions import Device, Session
from argus_core.domain.throttle import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to begin, for a user as they were when they proved who they are."""

    digest: bytes
    user: User
    device: Device
    provider: str = ""
    proof: str = ""


class Visit(NamedTuple):
    """A session that is going on, and whose it is."""

    session: Session
    user: User


class Sessions(Protocol):
    """
    Who is logged in, for every process alike. The store's own clock decides what is over, by a `Lifetime` it was made with.

    Saving a user who is not active any more, or has another password, ends all sessions of that user. Every method may raise `Unavailable`.
    """

    async def begin(self, new: NewSession) -> Session | None:
        """Begin a session, unless the user has been locked out or given another password meanwhile."""
        ...

    async def find(self, digest: bytes) -> Visit | None:
        """The session with this key, if it goes on; it is used by that."""
        ...

    async def peek(self, digest: bytes) -> Visit | None:
        """The same, but it is not used by that: a page asks by itself, and nobody may sit before it."""
        ...

    async def of(self, user_id: UserId) -> Sequence[Session]:
        """The sessions of a user that go on, the newest first."""
        ...

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        """End a session, if it is one of this user."""
        ...


class Attempts(Protocol):
    """How often something was tried lately, by the store's own clock. Every method may raise `Unavailable`."""

    async def attempt(self, limits: Sequence[Limit]) -> timedelta:
        """
        Count one more attempt at each subject, and answer with no time at all.

        When one of them has reached its limit nothing is counted, and the answer is how long to wait. However many ask at once, no more
        get through than there may be.
        """
        ...

    async def forget(self, subject: str) -> None:
        """Begin to count from nothing."""
        ...

    async def take_back(self, subject: str) -> None:
        """Count the latest attempt not."""
        ...


class Slips(Protocol):
    """Notes that are found again by a secret, once, and only for so long by the store's own clock. Every method may raise `Unavailable`."""

    async def keep(self, digest: bytes, purpose: str, content: Mapping[str, str], lives: timedelta) -> None:
        """Keep a note."""
        ...

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, str] | None:
        """The note, which is gone with that; None when there is none for this purpose, or it is too old. Of many who ask one gets it."""
        ...
