"""When somebody wants to hear: weekdays and local hours."""

from dataclasses import dataclass
from datetime import time

from argus_core.domain.ids import UserId

EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """On these ISO weekdays (Monday is 1), from `start` until `end`; an end of 23:59:59.999999 is midnight."""

    days: frozenset[int]
    start: time = time.min
    end: time = time.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeslot:
    """Some recurrences in one time zone, under a name that is unique for its owner."""

    owner: UserId
    name: str
    zone: str
    recurrences: tuple[Recurrence, ...]


def all_the_time(owner: UserId, zone: str) -> Timeslot:
    """The timeslot that every user has from the start."""
    return Timeslot(owner=owner, name="All the time", zone=zone, recurrences=(Recurrence(days=EVERY_DAY),))
