"""Plan maintenance, show what it is about, and tell at its end what it has kept back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from argus_core.domain.actors import Actor
from argus_core.domain.audit import ITSELF, Deed, Entry, Origin
from argus_core.domain.calendars import Calendar
from argus_core.domain.deliveries import Delivery
from argus_core.domain.errors import NotFound
from argus_core.domain.filters import All, Either, IdIn
from argus_core.domain.ids import DeliveryId, EventId, FilterId, IncidentId, MaintenanceId, UserId
from argus_core.domain.incidents import Happening
from argus_core.domain.maintenance import (
    MADE_FOR_IT,
    SETTLING,
    Maintenance,
    Phase,
    Window,
    arranged,
    called,
    cancelled,
    changed,
    planned,
)
from argus_core.domain.permissions import Act, require
from argus_core.domain.profiles import Belongings
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.ports.clock import Clock
from argus_core.ports.media import Media
from argus_core.ports.outbox import Outbox, Withheld
from argus_core.ports.profiles import Profiles, ProfilesWork
from argus_core.usecases.dispatch import routes_of
from argus_core.usecases.incidents import History
from argus_core.usecases.reading import Reading

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

    async def listed(self, phase: Phase | None, text: str, most: int, page: int) -> tuple[Sequence[Maintenance], bool]:
        """Those of a page (1 is the first) of so many, as `arranged`, and whether others follow."""
        found = arranged(await self.all(), self.clock(), phase, text)[most * (page - 1) :]
        return found[:most], len(found) > most

    async def covering(self, reading: Reading, ids: Collection[IncidentId]) -> Mapping[IncidentId, Sequence[Maintenance]]:
        """Which maintenances run now that these incidents match, as they are now; those that match none are left out."""
        now = self.clock()
        running = [one for one in await self.profiles.maintenances(now) if one.runs(now)] if ids else []
        if not running:
            return {}
        these = IdIn(frozenset(ids))
        concerned = (await reading.page(All((these, Either(tuple(one.condition for one in running)))), now, len(ids))).rows
        found: dict[IncidentId, list[Maintenance]] = {row.id: [] for row in concerned}
        if concerned:
            those = IdIn(frozenset(found))
            for one in running:
                for row in (await reading.page(All((those, one.condition)), now, len(found))).rows:
                    found.setdefault(row.id, []).append(one)
        return found

    async def over(self, history: History) -> Mapping[EventId, Maintenance]:
        """Which maintenance, as it is now, kept back what each event of an incident told, by when it was received."""
        first, last = history.events[0].received, history.events[-1].received
        known = [one for one in await self.profiles.maintenances(first) if one.start <= last]
        if not known:
            return {}
        calendar, texts, found = Calendar(known), [event.description for event in history.events], {}
        for event, incident in zip(history.events, history.states(), strict=True):
            if one := calendar.keeping_back(Happening(incident, event), texts[: event.version]):
                found[event.id] = one
        return found

    async def withheld(self, actor: Actor, id_: MaintenanceId) -> Withheld:
        """How much one has kept back so far: from the actor, for staff from everybody."""
        return await self.outbox.withheld(id_, _whose(actor))

    async def deliveries(self, actor: Actor, id_: MaintenanceId, most: int, before: DeliveryId | None = None) -> Sequence[Delivery]:
        """What that is, and the messages that told it, newest first: the actor's, for staff everybody's."""
        return await self.outbox.listed(owner=_whose(actor), most=most, before=before, maintenance_id=id_)

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
        besides: FilterDefinition | None = None,
    ) -> Maintenance:
        """
        Plan a new one; it begins now at the earliest.

        Its filters are the actor's own, as they are now, and what is said `besides` in one that is kept nowhere else.
        """
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
                filters=(*_chosen(work.belongings, filter_ids), *await _made(work, actor.id, besides, ())),
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
        *,
        staying: Collection[FilterId] = (),
        besides: FilterDefinition | None = None,
    ) -> Maintenance:
        """
        Replace one by what `change` makes of it, with other filters of the actor's own if any are given.

        Of those that it has, those in `staying` stay then as they are, unless they are chosen anew; `besides` is as in `plan`.

        Raises:
            MaintenanceIsOver: it stays as it was.
        """
        require(actor, Act.PLAN_MAINTENANCE)
        chosen = None if filter_ids is None else _chosen(await self.profiles.belongings(actor.id), filter_ids)
        async with self.profiles.begin((await self.one(id_)).created_by) as work:
            present = _found(await work.maintenance(id_))
            wanted = change(present)
            if chosen is not None:
                anew = {filter_.id for filter_ in chosen}
                left = (filter_ for filter_ in present.filters if filter_.id in staying and filter_.id not in anew)
                wanted = replace(wanted, filters=(*left, *chosen, *await _made(work, actor.id, besides, present.filters)))
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


def _whose(actor: Actor) -> UserId | None:
    return None if actor.administers else actor.id


async def _made(
    work: ProfilesWork, owner: UserId, definition: FilterDefinition | None, present: Sequence[SavedFilter]
) -> Sequence[SavedFilter]:
    """The filter that is made for a maintenance, if one is; the same as before if it says the same."""
    if definition is None:
        return ()
    before = next((one for one in present if one.name == MADE_FOR_IT and one.definition == definition), None)
    return [before or SavedFilter(id=FilterId(await work.new_id()), owner=owner, name=MADE_FOR_IT, definition=definition)]


def _found(maintenance: Maintenance | None) -> Maintenance:
    if maintenance is None:
        raise NotFound(NOT_THERE)
    return maintenance


def _chosen(belongings: Belongings, filter_ids: Sequence[FilterId]) -> tuple[SavedFilter, ...]:
    belongings.check_filters(filter_ids)
    return tuple(belongings.filter(id_) for id_ in sorted(set(filter_ids)))
