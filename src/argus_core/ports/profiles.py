"""Timeslots, filters, destinations, profiles and planned maintenance, which decide who is told: where they are kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from argus_core.domain.audit import Entry
from argus_core.domain.destinations import Destination
from argus_core.domain.ids import MaintenanceId, SourceId, TimeslotId, UserId
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.profiles import Belonging, Belongings
from argus_core.domain.saved_filters import SharedFilter

STILL_KNOWN = timedelta(weeks=1)
"""A maintenance that ended so long ago is not asked any more about what has just been decided."""


class ProfilesWork(Protocol):
    """
    One unit of work on what one user owns: everything done through it happens, or nothing. Work on the same user waits for its end.

    Whoever decides about notifications sees all of it as soon as it is kept: the store raises its generation in the same transaction.
    """

    belongings: Belongings
    """What the user owns, with what this work has done so far."""

    async def new_id(self) -> int:
        """An id for a new thing, of whatever kind."""
        ...

    async def keep(self, thing: Belonging) -> None:
        """Keep a new thing, or replace the one with its id."""
        ...

    async def drop(self, thing: Belonging) -> None:
        """Take a thing away; nothing refers to it any more."""
        ...

    async def maintenance(self, id_: MaintenanceId) -> Maintenance | None:
        """A planned maintenance of anybody's, as it is now; it does not change until this work ends."""
        ...

    async def keep_maintenance(self, maintenance: Maintenance, entry: Entry) -> None:
        """Keep a new one, or replace the one with its id, and note it in the audit log."""
        ...

    async def drop_maintenance(self, id_: MaintenanceId, entry: Entry) -> None:
        """Take one away that has not begun, and note it in the audit log."""
        ...

    async def keep_threshold(self, source_id: SourceId, spelled: str, entry: Entry) -> None:
        """Keep from when on incidents of a source flap, nothing being as ever, and note it in the audit log."""
        ...


@dataclass(frozen=True, slots=True)
class Edition:
    """
    The newest generation, and what belongs to those who changed something in it.

    `confined` tells which of them are the user of which source, and would hear of its incidents only where sources are confined to their
    own; superusers never are. `maintenances` are all that may keep something back, in id order, and `thresholds` those that sources have of
    their own, as they are spelled. Unless nothing is newer: then both are left out.
    """

    generation: int
    belongings: Mapping[UserId, Belongings]
    confined: Mapping[UserId, SourceId] = field(default_factory=dict)
    maintenances: tuple[Maintenance, ...] = ()
    thresholds: Mapping[SourceId, str] = field(default_factory=dict)


class Profiles(Protocol):
    """Where profiles and what they consist of are kept. Every method may raise `Unavailable`."""

    def begin(self, owner: UserId) -> AbstractAsyncContextManager[ProfilesWork]:
        """A unit of work on what this user owns: leaving the block normally keeps it, an exception undoes it."""
        ...

    async def belongings(self, owner: UserId) -> Belongings:
        """What this user owns."""
        ...

    async def shared(self) -> Sequence[SharedFilter]:
        """All filters that are shared, in id order, also those of users who are not active any more: others go on using them."""
        ...

    async def owning(self, text: str, most: int, after: UserId) -> Mapping[UserId, Belongings]:
        """
        What those own, by id, who have a higher id, and this text in their own name or in that of something they own.

        Case does not matter. At most so many; whoever owns nothing is left out.
        """
        ...

    async def timeslot_exists(self, timeslot_id: TimeslotId) -> bool:
        """Whether anybody has this timeslot."""
        ...

    async def since(self, generation: int) -> Edition:
        """What those own who changed something after that generation (-1: everybody); whoever is not active owns nothing here."""
        ...

    async def maintenances(self, ending_after: datetime | None = None) -> Sequence[Maintenance]:
        """All planned maintenance there is and was, in id order; or that which has no end, or one after that moment."""
        ...

    async def thresholds(self) -> Mapping[SourceId, str]:
        """From when on incidents of a source flap, of the sources for which somebody has said so."""
        ...

    async def twins(self, destination: Destination) -> Sequence[UserId]:
        """Other users who have a destination with the same medium and the same settings."""
        ...
