"""Notification profiles: when, about what and where somebody wants to be told; and the rules among what one user owns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol, TypeAlias, TypeVar, assert_never

from argus_core.domain.destinations import Destination
from argus_core.domain.digests import Digest
from argus_core.domain.errors import FilterInUse, InUse, Invalid, NotFound
from argus_core.domain.filters import All, Condition, size
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, TimeslotId, UserId
from argus_core.domain.saved_filters import SavedFilter
from argus_core.domain.timeslots import Timeslot

NAME_LENGTH = 40
MOST_FILTERS = 64
MOST_CLAUSES = 1_024
"""So many clauses may all filters of a profile have together: each is looked for whenever it is asked which incidents they match."""

LONGEST_WAIT = timedelta(days=1)
SHORTEST_WAIT = timedelta(seconds=1)
"""Bounds of `escalate_after`, which is whole seconds, as timers are; front ends take whole minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    A timeslot, at least one filter and any number of destinations of one user; an inactive one tells nobody.

    With a `digest` it tells by that, wherever no other profile tells at once.
    With `escalate_after` it tells only of what has been open and unacknowledged for so long.
    """

    id: ProfileId
    owner: UserId
    name: str | None
    timeslot_id: TimeslotId
    filter_ids: tuple[FilterId, ...]
    destination_ids: tuple[DestinationId, ...] = ()
    active: bool = True
    digest: Digest | None = None
    escalate_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeProfile:
    """A profile with all it refers to, each in id order."""

    profile: Profile
    timeslot: Timeslot
    filters: tuple[SavedFilter, ...]
    destinations: tuple[Destination, ...]

    @property
    def condition(self) -> Condition | None:
        """What must hold of incident and event for it to fire: all of its filters. An empty filter matches nothing, and so does None."""
        conditions = [filter_.definition.condition for filter_ in self.filters]
        present = tuple(condition for condition in conditions if condition is not None)
        return All(present) if present and len(present) == len(conditions) else None

    @property
    def incident_condition(self) -> Condition | None:
        """What previews show: all filters must match, and one that says nothing of incidents matches none."""
        conditions = [filter_.definition.incident_condition for filter_ in self.filters]
        present = tuple(condition for condition in conditions if condition is not None)
        return All(present) if len(present) == len(conditions) else None


class _Owned(Protocol):
    @property
    def id(self) -> int: ...


_Thing = TypeVar("_Thing", bound=_Owned)


Belonging: TypeAlias = Timeslot | SavedFilter | Destination | Profile
"""A thing that somebody owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """All that one user owns of timeslots, filters, destinations and profiles, each in id order. What is not in here does not exist."""

    timeslots: tuple[Timeslot, ...] = ()
    filters: tuple[SavedFilter, ...] = ()
    destinations: tuple[Destination, ...] = ()
    profiles: tuple[Profile, ...] = ()

    def timeslot(self, id_: int) -> Timeslot:
        """
        The timeslot with this id.

        Raises:
            NotFound: the user has none.
        """
        return _one(self.timeslots, id_, "Timeslot")

    def filter(self, id_: int) -> SavedFilter:
        """
        The filter with this id.

        Raises:
            NotFound: the user has none.
        """
        return _one(self.filters, id_, "Filter")

    def destination(self, id_: int) -> Destination:
        """
        The destination with this id.

        Raises:
            NotFound: the user has none.
        """
        return _one(self.destinations, id_, "DestinationConfig")

    def profile(self, id_: int) -> Profile:
        """
        The profile with this id.

        Raises:
            NotFound: the user has none.
        """
        return _one(self.profiles, id_, "NotificationProfile")

    def whole(self, profile: Profile) -> WholeProfile:
        """The profile with all it refers to."""
        return WholeProfile(
            profile=profile,
            timeslot=self.timeslot(profile.timeslot_id),
            filters=tuple(filter_ for filter_ in self.filters if filter_.id in profile.filter_ids),
            destinations=tuple(destination for destination in self.destinations if destination.id in profile.destination_ids),
        )

    def using(self, thing: Timeslot | SavedFilter | Destination) -> Sequence[Profile]:
        """The profiles that refer to it."""
        match thing:
            case Timeslot():
                return [profile for profile in self.profiles if profile.timeslot_id == thing.id]
            case SavedFilter():
                return [profile for profile in self.profiles if thing.id in profile.filter_ids]
            case Destination():
                return [profile for profile in self.profiles if thing.id in profile.destination_ids]
            case _:
                assert_never(thing)

    def check_timeslot(self, timeslot: Timeslot) -> None:
        """
        Check that its name is free.

        Raises:
            Invalid: under `name`.
        """
        if any(timeslot.name == other.name and timeslot.id != other.id for other in self.timeslots):
            raise Invalid({"name": f'The name "{timeslot.name}" is already in use for another timeslot.'})

    def check_filter(self, filter_: SavedFilter) -> None:
        """
        Check that its name is free, and that no profile has too much to look for with it.

        Raises:
            Invalid: under `name` or `filter`.
        """
        if any(filter_.name == other.name and filter_.id != other.id for other in self.filters):
            raise Invalid({"name": f'The name "{filter_.name}" is already in use for another filter.'})
        for profile in self.using(filter_):
            self._check_clauses([filter_, *(self.filter(id_) for id_ in profile.filter_ids if id_ != filter_.id)], "filter")

    def _check_clauses(self, filters: Sequence[SavedFilter], field: str) -> None:
        conditions = (filter_.definition.condition for filter_ in filters)
        if sum(size(condition) for condition in conditions if condition is not None) > MOST_CLAUSES:
            raise Invalid({field: f"The filters of a profile may have {MOST_CLAUSES} clauses together."})

    def check_destination(self, destination: Destination) -> None:
        """
        Check that its label is free; any number may be without.

        Raises:
            Invalid: under `label`.
        """
        if destination.label is None:
            return
        if any(destination.label == other.label and destination.id != other.id for other in self.destinations):
            raise Invalid({"label": f'The label "{destination.label}" is already in use for another destination.'})

    def check_profile(self, profile: Profile) -> None:
        """
        Check that it refers only to what its owner has, and that its name is free; any number may be without.

        Raises:
            Invalid: under `timeslot`, `filters`, `destinations`, or across fields.
        """
        problems = {
            "timeslot": _missing([profile.timeslot_id], self.timeslots),
            "filters": _missing(profile.filter_ids, self.filters),
            "destinations": _missing(profile.destination_ids, self.destinations),
        }
        found = {field: problem for field, problem in problems.items() if problem}
        if found:
            raise Invalid(found)
        if not profile.filter_ids:
            raise Invalid({"filters": "This list may not be empty."})
        wait = profile.escalate_after
        if wait is not None and (not SHORTEST_WAIT <= wait <= LONGEST_WAIT or wait % SHORTEST_WAIT):
            most = int(LONGEST_WAIT.total_seconds()) // 60
            raise Invalid({"escalate_after": f"Give a number of minutes from 1 to {most}, or null."})
        if len(profile.filter_ids) > MOST_FILTERS:
            raise Invalid({"filters": f"Ensure this field has no more than {MOST_FILTERS} elements."})
        self._check_clauses([self.filter(id_) for id_ in profile.filter_ids], "filters")
        if profile.name and any(profile.name == other.name and profile.id != other.id for other in self.profiles):
            raise Invalid({"": f'The name "{profile.name}" is already in use for another notification profile.'})

    def check_filters(self, filter_ids: Sequence[FilterId]) -> None:
        """
        Check that these filters exist.

        Raises:
            Invalid: under `filters`.
        """
        problem = _missing(filter_ids, self.filters)
        if problem:
            raise Invalid({"filters": problem})

    def check_unused(self, thing: SavedFilter | Destination) -> None:
        """
        Check that no profile refers to it.

        Raises:
            InUse: some do.
        """
        users = self.using(thing)
        if users:
            what, refusal = ("filter", FilterInUse) if isinstance(thing, SavedFilter) else ("destination", InUse)
            names = ", ".join(profile.name or f"#{profile.id}" for profile in users)
            raise refusal(f"Cannot delete this {what} since it is in use in the notification profile(s): {names}.")


def belongings_of(things: Iterable[Belonging]) -> dict[UserId, Belongings]:
    """What each owner has of these things, which are in id order."""
    found: dict[UserId, dict[type[Belonging], list[Belonging]]] = {}
    for thing in things:
        found.setdefault(thing.owner, {}).setdefault(type(thing), []).append(thing)
    return {
        owner: Belongings(
            timeslots=tuple(thing for thing in of.get(Timeslot, ()) if isinstance(thing, Timeslot)),
            filters=tuple(thing for thing in of.get(SavedFilter, ()) if isinstance(thing, SavedFilter)),
            destinations=tuple(thing for thing in of.get(Destination, ()) if isinstance(thing, Destination)),
            profiles=tuple(thing for thing in of.get(Profile, ()) if isinstance(thing, Profile)),
        )
        for owner, of in found.items()
    }


def together(belongings: Belongings, thing: Belonging) -> Belongings:
    """What somebody owns with a new thing, or with it instead of the one that has its id."""
    match thing:
        case Timeslot():
            return replace(belongings, timeslots=_with(belongings.timeslots, thing))
        case SavedFilter():
            return replace(belongings, filters=_with(belongings.filters, thing))
        case Destination():
            return replace(belongings, destinations=_with(belongings.destinations, thing))
        case Profile():
            return replace(belongings, profiles=_with(belongings.profiles, thing))
        case _:
            assert_never(thing)


def without(belongings: Belongings, thing: Belonging) -> Belongings:
    """What somebody owns without this thing; profiles no longer lead to a destination that is gone."""
    match thing:
        case Timeslot():
            return replace(belongings, timeslots=_others(belongings.timeslots, thing))
        case SavedFilter():
            return replace(belongings, filters=_others(belongings.filters, thing))
        case Destination():
            return replace(
                belongings,
                destinations=_others(belongings.destinations, thing),
                profiles=tuple(
                    replace(profile, destination_ids=tuple(id_ for id_ in profile.destination_ids if id_ != thing.id))
                    for profile in belongings.profiles
                ),
            )
        case Profile():
            return replace(belongings, profiles=_others(belongings.profiles, thing))
        case _:
            assert_never(thing)


def _with(things: tuple[_Thing, ...], thing: _Thing) -> tuple[_Thing, ...]:
    return tuple(sorted((*_others(things, thing), thing), key=lambda other: other.id))


def _others(things: tuple[_Thing, ...], thing: _Thing) -> tuple[_Thing, ...]:
    return tuple(other for other in things if other.id != thing.id)


def _one(things: Iterable[_Thing], id_: int, name: str) -> _Thing:
    found = next((thing for thing in things if thing.id == id_), None)
    if found is None:
        raise NotFound(f"No {name} matches the given query.")
    return found


def _missing(ids: Iterable[int], things: Iterable[_Owned]) -> str | None:
    present = {thing.id for thing in things}
    missing = next((id_ for id_ in ids if id_ not in present), None)
    return None if missing is None else f'Invalid pk "{missing}" - object does not exist.'
