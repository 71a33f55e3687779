"""Sessions: somebody is logged in with a browser, until they log out, stay away too long, or have been there long enough."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from argus_core.domain.ids import SessionId, UserId

AGENT_CHARACTERS = 300
MOST_GRAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody logs in from: the address as the server sees it, and what the browser says of itself."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    Somebody who is logged in. Of the key itself only a digest is kept.

    `provider` and `proof` are the identity provider through which they came and what it is shown when they log out there.
    """

    id: SessionId
    user_id: UserId
    begun: datetime
    used: datetime
    device: Device
    provider: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives without being used, and at all."""

    idle: timedelta
    whole: timedelta

    @property
    def grain(self) -> timedelta:
        """Use is noted so exactly: not with every page."""
        return min(MOST_GRAIN, self.idle / 10)

    def is_over(self, session: Session, now: datetime) -> bool:
        """Whether the session has ended by itself."""
        return session.used + self.idle <= now or session.begun + self.whole <= now
