"""Timeslots, filters, destinations and profiles: where they are kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from argus_core.domain.destinations import Destination
from argus_core.domain.ids import SourceId, TimeslotId, UserId
from argus_core.domain.profiles import Belonging, Belongings


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


@dataclass(frozen=True, slots=True)
class Edition:
    """
    The newest generation, and what belongs to those who changed something in it.

    `confined` tells which of them are the user of which source, and would hear of its incidents only where sources are confined to their
    own; superusers never are.
    """

    generation: int
    belongings: Mapping[UserId, Belongings]
    confined: Mapping[UserId, SourceId] = field(default_factory=dict)


class Profiles(Protocol):
    """Where profiles and what they consist of are kept. Every method may raise `Unavailable`."""

    def begin(self, owner: UserId) -> AbstractAsyncContextManager[ProfilesWork]:
        """A unit of work on what this user owns: leaving the block normally keeps it, an exception undoes it."""
        ...

    async def belongings(self, owner: UserId) -> Belongings:
        """What this user owns."""
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

    async def twins(self, destination: Destination) -> Sequence[UserId]:
        """Other users who have a destination with the same medium and the same settings."""
        ...
