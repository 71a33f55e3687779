"""Keep timeslots, filters, destinations and notification profiles. Everything belongs to its owner; nobody else sees or changes it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from argus_core.domain.actors import Actor
from argus_core.domain.destinations import LABEL_LENGTH, Destination, synced_email
from argus_core.domain.digests import Digest
from argus_core.domain.errors import Invalid, NotFound, SharedWithAll, SyncedDestination, said
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, TimeslotId, UserId
from argus_core.domain.limits import text_problem
from argus_core.domain.permissions import Act, keeping, may, require
from argus_core.domain.profiles import NAME_LENGTH, Belongings, Profile, WholeProfile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter, SharedFilter
from argus_core.domain.timeslots import Recurrence, Timeslot, check_recurrences, check_zone
from argus_core.ports.media import EnabledMedium, Media, Medium, Settings, hidden_settings, staff_only
from argus_core.ports.profiles import Profiles, ProfilesWork

_log = logging.getLogger("argus.profiles")


@dataclass(frozen=True, slots=True)
class ProfileService:
    """
    What people do with their own profiles, and with what profiles consist of.

    `zone` is that of timeslots which name none.
    Methods that take an id raise `NotFound` when the owner has no such thing; every method may raise `Invalid` and
    `Unavailable`, those that change something `ScopeTooNarrow`.
    """

    profiles: Profiles
    media: Media
    zone: str

    async def belongings(self, owner: UserId) -> Belongings:
        """All that the owner has."""
        return await self.profiles.belongings(owner)

    async def add_timeslot(self, owner: Actor, *, name: str, recurrences: Sequence[Recurrence], zone: str | None = None) -> Timeslot:
        """Keep a new timeslot; its zone is fixed now."""
        async with self.profiles.begin(keeping(owner)) as work:
            timeslot = Timeslot(
                id=TimeslotId(await work.new_id()), owner=owner.id, name=name, zone=zone or self.zone, recurrences=tuple(recurrences)
            )
            return await _keep_timeslot(work, timeslot)

    async def change_timeslot(self, owner: Actor, id_: TimeslotId, change: Callable[[Timeslot], Timeslot]) -> Timeslot:
        """Replace a timeslot by what `change` makes of it."""
        async with self.profiles.begin(keeping(owner)) as work:
            return await _keep_timeslot(work, change(work.belongings.timeslot(id_)))

    async def drop_timeslot(self, owner: Actor, id_: TimeslotId) -> None:
        """Take a timeslot away, with the profiles that use it."""
        async with self.profiles.begin(keeping(owner)) as work:
            timeslot = work.belongings.timeslot(id_)
            for profile in work.belongings.using(timeslot):
                await work.drop(profile)
            await work.drop(timeslot)

    async def add_filter(self, owner: Actor, *, name: str, definition: FilterDefinition) -> SavedFilter:
        """Keep a new filter."""
        async with self.profiles.begin(keeping(owner)) as work:
            filter_ = SavedFilter(id=FilterId(await work.new_id()), owner=owner.id, name=name, definition=definition)
            return await _keep_filter(work, filter_)

    async def change_filter(self, owner: Actor, id_: FilterId, change: Callable[[SavedFilter], SavedFilter]) -> SavedFilter:
        """
        Replace a filter by what `change` makes of it, for everybody if it is shared.

        Raises:
            SharedWithAll: the owner is not of the staff any more.
        """
        async with self.profiles.begin(keeping(owner)) as work:
            return await _keep_filter(work, change(_changeable(work, owner, id_)))

    async def drop_filter(self, owner: Actor, id_: FilterId) -> None:
        """
        Take a filter away, from everybody if it is shared.

        Raises:
            InUse: a profile refers to it.
            SharedWithAll: the owner is not of the staff any more.
        """
        async with self.profiles.begin(keeping(owner)) as work:
            filter_ = _changeable(work, owner, id_)
            work.belongings.check_unused(filter_)
            await work.drop(filter_)

    async def shared_filters(self) -> Sequence[SharedFilter]:
        """What everybody may list incidents with, in id order."""
        return await self.profiles.shared()

    async def share_filter(self, owner: Actor, id_: FilterId) -> SavedFilter:
        """
        Share a filter of one's own with everybody.

        Raises:
            NotAllowed: that is for staff.
        """
        require(owner, Act.SHARE)
        async with self.profiles.begin(keeping(owner)) as work:
            shared = replace(work.belongings.filter(id_), shared=True)
            await work.keep(shared)
            return shared

    async def unshare_filter(self, actor: Actor, id_: FilterId) -> SavedFilter:
        """
        Stop sharing a filter, whoever's it is; it stays with its owner.

        Raises:
            NotAllowed: that is for staff.
            NotFound: no such filter is shared.
        """
        require(actor, Act.SHARE)
        owner = next((one.filter.owner for one in await self.profiles.shared() if one.filter.id == id_), None)
        if owner is None:
            raise NotFound("No Filter matches the given query.")
        async with self.profiles.begin(owner) as work:
            private = replace(work.belongings.filter(id_), shared=False)
            await work.keep(private)
            return private

    async def add_destination(self, owner: Actor, *, medium: str, settings: Settings, label: str | None = None) -> Destination:
        """Keep a new destination, with its settings as the medium wants them; some of them only staff may have."""
        async with self.profiles.begin(keeping(owner)) as work:
            destination = Destination(
                id=DestinationId(await work.new_id()),
                owner=owner.id,
                medium=medium,
                settings=self._clean(owner, medium, settings),
                label=label,
            )
            self._check_twins(destination, work.belongings.destinations)
            return await _keep_destination(work, destination)

    async def change_destination(
        self,
        owner: Actor,
        id_: DestinationId,
        settings: Settings | None,
        change: Callable[[Destination], Destination] = lambda same: same,
        *,
        email: str,
    ) -> Destination:
        """
        Give a destination other settings, if any, and whatever else `change` does. What it already has counts as taken.

        A secret setting that is not given stays. A synced destination that gets other settings becomes an ordinary one, and another takes
        its place, with the `email` of the account.
        """
        async with self.profiles.begin(keeping(owner)) as work:
            present = work.belongings.destination(id_)
            changed = change(present)
            if settings is None:
                return await _keep_destination(work, changed)
            return await self._move_destination(work, email, changed, self._clean_again(owner, present, settings))

    async def replace_destination(
        self, owner: Actor, id_: DestinationId, settings: Settings, change: Callable[[Destination], Destination], *, email: str
    ) -> Destination:
        """As `change_destination`, but with the same settings it stays what it is, so that replacing twice is replacing once."""
        async with self.profiles.begin(keeping(owner)) as work:
            present = work.belongings.destination(id_)
            changed, clean = change(present), self._clean_again(owner, present, settings)
            if clean == present.settings:
                return await _keep_destination(work, changed)
            return await self._move_destination(work, email, changed, clean)

    async def drop_destination(self, owner: Actor, id_: DestinationId) -> None:
        """
        Take a destination away.

        Raises:
            SyncedDestination: it follows the account's address.
            InUse: a profile refers to it.
        """
        async with self.profiles.begin(keeping(owner)) as work:
            destination = work.belongings.destination(id_)
            if destination.synced:
                raise SyncedDestination
            work.belongings.check_unused(destination)
            await work.drop(destination)

    async def has_twin(self, owner: UserId, id_: DestinationId) -> bool:
        """Whether another user has a destination with the same medium and settings."""
        destination = (await self.profiles.belongings(owner)).destination(id_)
        return bool(await self.profiles.twins(destination))

    async def add_profile(
        self,
        owner: Actor,
        *,
        name: str | None,
        timeslot_id: TimeslotId,
        filter_ids: Sequence[FilterId],
        destination_ids: Sequence[DestinationId] = (),
        active: bool = True,
        digest: Digest | None = None,
        escalate_after: timedelta | None = None,
    ) -> WholeProfile:
        """Keep a new profile."""
        async with self.profiles.begin(keeping(owner)) as work:
            profile = Profile(
                id=ProfileId(await work.new_id()),
                owner=owner.id,
                name=name,
                timeslot_id=timeslot_id,
                filter_ids=tuple(filter_ids),
                destination_ids=tuple(destination_ids),
                active=active,
                digest=digest,
                escalate_after=escalate_after,
            )
            return await self._keep_profile(work, profile)

    async def change_profile(self, owner: Actor, id_: ProfileId, change: Callable[[Profile, Belongings], Profile]) -> WholeProfile:
        """Replace a profile by what `change` makes of it, seeing all that the owner has."""
        async with self.profiles.begin(keeping(owner)) as work:
            return await self._keep_profile(work, change(work.belongings.profile(id_), work.belongings))

    async def drop_profile(self, owner: Actor, id_: ProfileId) -> None:
        """Take a profile away."""
        async with self.profiles.begin(keeping(owner)) as work:
            await work.drop(work.belongings.profile(id_))

    async def _keep_profile(self, work: ProfilesWork, profile: Profile) -> WholeProfile:
        check_name(profile.name or "-", NAME_LENGTH)
        profile = replace(
            profile,
            name=profile.name or None,
            filter_ids=tuple(sorted(set(profile.filter_ids))),
            destination_ids=tuple(sorted(set(profile.destination_ids))),
        )
        mine = {timeslot.id for timeslot in work.belongings.timeslots}
        if profile.timeslot_id not in mine and await self.profiles.timeslot_exists(profile.timeslot_id):
            raise Invalid({"": "The user of 'timeslot' must be the same as the requesting user."})
        work.belongings.check_profile(profile)
        await work.keep(profile)
        return work.belongings.whole(profile)

    async def _move_destination(self, work: ProfilesWork, email: str, destination: Destination, settings: Settings) -> Destination:
        moved = replace(destination, settings=settings, synced=False)
        self._check_twins(moved, work.belongings.destinations)
        await _keep_destination(work, moved)
        if destination.synced:
            await work.keep(synced_email(DestinationId(await work.new_id()), destination.owner, email))
        return moved

    def _clean(self, owner: Actor, slug: str, settings: Settings) -> Settings:
        medium = self._medium(slug)
        try:
            clean = medium.clean(settings)
        except Invalid:
            raise
        except Exception as error:  # a stranger's code may fail in any way
            _log.exception("The medium %s cannot check settings", slug)
            raise Invalid({"media": f'The medium "{slug}" failed: {said(error)}'}) from error
        if not owner.administers and (errors := staff_only(medium, clean)):
            raise Invalid(dict(errors))
        return clean

    def _clean_again(self, owner: Actor, present: Destination, settings: Settings) -> Settings:
        secret = hidden_settings(self._medium(present.medium))
        kept = {name: value for name, value in present.settings.items() if name in secret}
        return self._clean(owner, present.medium, {**kept, **settings})

    def _enabled(self, slug: str) -> EnabledMedium:
        enabled = self.media.get(slug)
        if enabled is None:
            raise Invalid({"media": f'Invalid pk "{slug}" - object does not exist.'})
        return enabled

    def _medium(self, slug: str) -> Medium:
        enabled = self._enabled(slug)
        if enabled.medium is None:
            raise Invalid({"media": f'The medium "{slug}" is not installed.'})
        return enabled.medium

    def _check_twins(self, destination: Destination, present: Sequence[Destination]) -> None:
        twins = [other for other in present if (other.medium, other.settings) == (destination.medium, destination.settings)]
        if any(twin.synced and twin.id != destination.id for twin in twins):
            raise Invalid({"": "This email address is already registered in another destination."})
        if twins:
            raise Invalid(
                dict.fromkeys(destination.settings, f"{self._enabled(destination.medium).label(destination.settings)} already exists.")
            )


async def _keep_timeslot(work: ProfilesWork, timeslot: Timeslot) -> Timeslot:
    check_name(timeslot.name, NAME_LENGTH)
    check_zone(timeslot.zone)
    check_recurrences(timeslot.recurrences)
    work.belongings.check_timeslot(timeslot)
    await work.keep(timeslot)
    return timeslot


async def _keep_filter(work: ProfilesWork, filter_: SavedFilter) -> SavedFilter:
    check_name(filter_.name, NAME_LENGTH)
    work.belongings.check_filter(filter_)
    await work.keep(filter_)
    return filter_


def _changeable(work: ProfilesWork, owner: Actor, id_: FilterId) -> SavedFilter:
    """The filter, if the owner may change it: what everybody sees is for staff."""
    filter_ = work.belongings.filter(id_)
    if filter_.shared and not may(owner, Act.SHARE):
        raise SharedWithAll
    return filter_


async def _keep_destination(work: ProfilesWork, destination: Destination) -> Destination:
    if destination.label is not None:
        check_name(destination.label or "-", LABEL_LENGTH, "label")
    work.belongings.check_destination(destination)
    await work.keep(destination)
    return destination


def check_name(name: str, most: int, field: str = "name") -> None:
    """
    Check what somebody calls something of their own.

    Raises:
        Invalid: under `field`: it is blank, has more than so many characters, or cannot be stored.
    """
    problem = text_problem(name, 4 * most)
    if not problem and len(name) > most:
        problem = f"Ensure this field has no more than {most} characters."
    if not problem and not name.strip():
        problem = "This field may not be blank."
    if problem:
        raise Invalid({field: problem})
