"""
Digests: what a profile tells is gathered for some minutes, or until a time of day, and told in one message.

What began and was over before that is no news any more and left out; the ledger says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from argus_core.domain.errors import Invalid
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import ProfileId
from argus_core.domain.incidents import Incident

MOST_MINUTES = 24 * 60
OVER = "It began and was over before the digest."

_MINUTES = re.compile(r"([0-9]{1,4})m")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Digest:
    """When what was gathered is told: so many `minutes` after the first of it, or `at` a time of day by the clock of the timeslot."""

    minutes: int = 0
    at: time | None = None

    def __str__(self) -> str:
        return f"{self.minutes}m" if self.at is None else f"{self.at:%H:%M}"

    def due(self, received: datetime, zone: str) -> datetime:
        """
        When something is told that was received then: in some minutes, or the next time that a clock in this zone shows the time.

        A time that it shows twice on a day is meant the first time.
        """
        if self.at is None:
            return received + timedelta(minutes=self.minutes)
        today = received.astimezone(ZoneInfo(zone)).date()
        days = (datetime.combine(today + number * _DAY, self.at, ZoneInfo(zone)).astimezone(UTC) for number in range(2))
        return next((moment for moment in days if moment > received), received + _DAY)


@dataclass(frozen=True, slots=True)
class Gathers:
    """A profile that wants to be told by its digest, and the zone of its timeslot."""

    profile_id: ProfileId
    name: str | None
    digest: Digest
    zone: str


def parse_digest(text: str) -> Digest | None:
    """
    The digest that is spelled `30m` or `08:00`; None for nothing.

    Raises:
        Invalid: under `digest`.
    """
    if not text:
        return None
    if (found := _MINUTES.fullmatch(text)) and 0 < int(found[1]) <= MOST_MINUTES:
        return Digest(minutes=int(found[1]))
    if found := _TIME.fullmatch(text):
        try:
            return Digest(at=time(int(found[1]), int(found[2])))
        except ValueError:
            pass
    raise Invalid({"digest": f"Give a number of minutes from 1m to {MOST_MINUTES}m, or a time of day like 08:00."})


def gathered_by(gathering: Sequence[Gathers], received: datetime) -> Hold | None:
    """
    What keeps something back that these profiles, and no others, tell a destination; None when nobody gathers.

    Of several the one does whose digest comes first.
    """
    if not gathering:
        return None
    due, _, gathers = min((one.digest.due(received, one.zone), one.profile_id, one) for one in gathering)
    name = f'the profile "{gathers.name}"' if gathers.name else f"profile {gathers.profile_id}"
    return Hold(
        keeper=Keeper.DIGEST, subject=gathers.profile_id, reason=f"The digest of {name} gathers it.", title=f"Digest of {name}", due=due
    )


def is_left_out(incident: Incident, now: datetime, *, started: bool) -> bool:
    """Whether a digest need not tell it: it `started` while the digest gathered, and is over."""
    return started and incident.stateful and not incident.is_open(now)
