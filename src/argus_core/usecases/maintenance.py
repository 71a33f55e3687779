"""Plan maintenance, and tell at its end what it has kept back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from argus_core.domain.actors import Actor
from argus_core.domain.audit import ITSELF, Deed, Entry, Origin
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import FilterId, MaintenanceId
from argus_core.domain.maintenance import SETTLING, Maintenance, Window, called, cancelled, changed, planned
from argus_core.domain.permissions import Act, require
from argus_core.domain.profiles import Belongings
from argus_core.domain.saved_filters import SavedFilter
from argus_core.ports.clock import Clock
from argus_core.ports.media import Media
from argus_core.ports.outbox import Outbox
from argus_core.ports.profiles import Profiles
from argus_core.usecases.dispatch import routes_of

NOT_THERE = "No PlannedMaintenance matches the given query."


@dataclass(frozen=True, slots=True)
class MaintenanceService:
    """
    Everybody may see what is planned, staff plans it. `zone` is that of windows which name none.

    Methods that take an id raise `NotFound`, those that change something also `NotAllowed`, `ScopeTooNarrow` and `Invalid`; every
    method may raise `Unavailable`.
    """

    profiles: Profiles
    outbox: Outbox
    media: Media
    clock: Clock
    zone: str = "UTC"
    origin: Origin = ITSELF

    def seen_from(self, origin: Origin) -> "MaintenanceService":
        """The same, on behalf of somebody: whom the audit log names."""
        return replace(self, origin=origin)

    async def all(self) -> Sequence[Maintenance]:
        """All there is and was, in id order."""
        return await self.profiles.maintenances()

    async def one(self, id_: MaintenanceId) -> Maintenance:
        """One of them."""
        found = next((one for one in await self.profiles.maintenances() if one.id == id_), None)
        return _found(found)

    async def plan(
        self,
        actor: Actor,
        *,
        start: datetime,
        end: datetime | None,
        filter_ids: Sequence[FilterId],
        description: str = "",
        windows: Sequence[Window] = (),
        zone: str | None = None,
    ) -> Maintenance:
        """Plan a new one. Its filters are the actor's own, as they are now; it begins now at the earliest."""
        require(actor, Act.PLAN_MAINTENANCE)
        async with self.profiles.begin(actor.id) as work:
            now = self.clock()
            draft = Maintenance(
                id=MaintenanceId(await work.new_id()),
                created_by=actor.id,
                created=now,
                description=description,
                start=start,
                end=end,
                filters=_chosen(work.belongings, filter_ids),
                windows=tuple(windows),
                zone=zone or self.zone,
            )
            made = planned(draft, now)
            await work.keep_maintenance(made, self._entry(Deed.MAINTENANCE_PLAN, made))
        return made

    async def change(
        self,
        actor: Actor,
        id_: MaintenanceId,
        change: Callable[[Maintenance], Maintenance],
        filter_ids: Sequence[FilterId] | None = None,
    ) -> Maintenance:
        """
        Replace one by what `change` makes of it, with other filters of the actor's own if any are given.

        Raises:
            MaintenanceIsOver: it stays as it was.
        """
        require(actor, Act.PLAN_MAINTENANCE)
        filters = None if filter_ids is None else _chosen(await self.profiles.belongings(actor.id), filter_ids)
        async with self.profiles.begin((await self.one(id_)).created_by) as work:
            present = _found(await work.maintenance(id_))
            wanted = change(present)
            wanted = wanted if filters is None else replace(wanted, filters=filters)
            made = changed(present, wanted, self.clock())
            await work.keep_maintenance(made, self._entry(Deed.MAINTENANCE_CHANGE, made))
        return made

    async def cancel(self, actor: Actor, id_: MaintenanceId) -> None:
        """
        Call one off: one that has begun ends now, others are gone.

        Raises:
            MaintenanceIsOver: there is nothing to call off.
        """
        require(actor, Act.PLAN_MAINTENANCE)
        async with self.profiles.begin((await self.one(id_)).created_by) as work:
            present = _found(await work.maintenance(id_))
            entry = self._entry(Deed.MAINTENANCE_CANCEL, present)
            remaining = cancelled(present, self.clock())
            if remaining is None:
                await work.drop_maintenance(id_, entry)
            else:
                await work.keep_maintenance(remaining, entry)

    async def round_up(self) -> int:
        """Order the roundups of all that is over and kept something back; how many that were."""
        kept_back = await self.outbox.kept_back()
        if not kept_back or not await self.outbox.is_decided(SETTLING):
            return 0
        now = self.clock()
        known = {one.id: one for one in await self.profiles.maintenances()}
        over = [id_ for id_ in sorted(kept_back) if id_ not in known or known[id_].has_settled(now)]
        routes = await routes_of(self.profiles, self.media) if over else {}
        titles = {id_: known[id_].title if id_ in known else called(id_) for id_ in over}
        return sum([await self.outbox.round_up(id_, f"{title} is over", routes) for id_, title in titles.items()])

    def _entry(self, deed: Deed, maintenance: Maintenance) -> Entry:
        until = maintenance.end.isoformat() if maintenance.end else "somebody ends it"
        details = f"from {maintenance.start.isoformat()} until {until}: {maintenance.description}"
        return Entry(deed=deed, about=f"planned maintenance {maintenance.id}", origin=self.origin, details=details)


def _found(maintenance: Maintenance | None) -> Maintenance:
    if maintenance is None:
        raise NotFound(NOT_THERE)
    return maintenance


def _chosen(belongings: Belongings, filter_ids: Sequence[FilterId]) -> tuple[SavedFilter, ...]:
    belongings.check_filters(filter_ids)
    return tuple(belongings.filter(id_) for id_ in sorted(set(filter_ids)))
