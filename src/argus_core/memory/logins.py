"""Sessions, attempts and slips in dicts."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from argus_core.domain import throttle
from argus_core.domain.ids import SessionId, UserId
from argus_core.domain.sessions import Lifetime, Session
from argus_core.domain.throttle import Limit
from argus_core.memory import MemoryAccounts, utc_now
from argus_core.ports.logins import Attempts, NewSession, Sessions, Slips, Visit


class MemorySessions(Sessions):
    """Sessions in the dicts of the accounts that they belong to."""

    def __init__(self, accounts: MemoryAccounts, lifetime: Lifetime, clock: Callable[[], datetime] = utc_now) -> None:
        self._accounts, self._lifetime, self._clock = accounts, lifetime, clock
        self._ids = itertools.count(1)

    async def begin(self, new: NewSession) -> Session | None:
        """See the port."""
        user = self._accounts.tables.users[new.user.id]
        if not user.active or user.password != new.user.password:
            return None
        now = self._clock()
        session = Session(
            id=SessionId(next(self._ids)),
            user_id=user.id,
            begun=now,
            used=now,
            device=new.device,
            provider=new.provider,
            proof=new.proof,
        )
        self._accounts.tables.sessions[new.digest] = session
        return session

    async def find(self, digest: bytes) -> Visit | None:
        """See the port."""
        visit, now = await self.peek(digest), self._clock()
        if visit is None or visit.session.used + self._lifetime.grain > now:
            return visit
        session = self._accounts.tables.sessions[digest] = replace(visit.session, used=now)
        return Visit(session, visit.user)

    async def peek(self, digest: bytes) -> Visit | None:
        """See the port."""
        session = self._accounts.tables.sessions.get(digest)
        if session is None or self._lifetime.is_over(session, self._clock()):
            return None
        return Visit(session, self._accounts.tables.users[session.user_id])

    async def of(self, user_id: UserId) -> Sequence[Session]:
        """See the port."""
        now = self._clock()
        theirs = [one for one in self._accounts.tables.sessions.values() if one.user_id == user_id and not self._lifetime.is_over(one, now)]
        return sorted(theirs, key=lambda session: session.id, reverse=True)

    async def end(self, user_id: UserId, session_id: SessionId) -> None:
        """See the port."""
        sessions = self._accounts.tables.sessions
        for digest in [digest for digest, one in sessions.items() if (one.user_id, one.id) == (user_id, session_id)]:
            del sessions[digest]


class MemoryAttempts(Attempts):
    """Attempts in lists."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._moments: defaultdict[str, list[datetime]] = defaultdict(list)

    async def attempt(self, limits: Sequence[Limit]) -> timedelta:
        """See the port."""
        now = self._clock()
        wait = max(throttle.wait(self._moments[limit.subject], limit.most, now) for limit in limits)
        if not wait:
            for limit in limits:
                self._moments[limit.subject].append(now)
        return wait

    async def forget(self, subject: str) -> None:
        """See the port."""
        self._moments[subject].clear()

    async def take_back(self, subject: str) -> None:
        """See the port."""
        del self._moments[subject][-1:]


class MemorySlips(Slips):
    """Slips in a dict."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._slips: dict[tuple[bytes, str], tuple[datetime, Mapping[str, str]]] = {}

    async def keep(self, digest: bytes, purpose: str, content: Mapping[str, str], lives: timedelta) -> None:
        """See the port."""
        self._slips[digest, purpose] = self._clock() + lives, dict(content)

    async def take(self, digest: bytes, purpose: str) -> Mapping[str, str] | None:
        """See the port."""
        until, content = self._slips.pop((digest, purpose), (self._clock(), {}))
        return content if until > self._clock() else None
