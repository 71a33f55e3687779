"""Timeslots, filters, destinations and profiles on PostgreSQL."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import audit, tables
from adapters.db import belongings as rows
from adapters.db import maintenance as planned
from adapters.db.accounts import NAMES, has_text, one_of, told_when_unavailable
from adapters.db.database import Database
from argus_core.domain.audit import Entry
from argus_core.domain.destinations import Destination
from argus_core.domain.flapping import parse_threshold
from argus_core.domain.ids import MaintenanceId, SourceId, TimeslotId, UserId
from argus_core.domain.maintenance import Maintenance
from argus_core.domain.profiles import Belonging, Belongings, Profile, belongings_of, together, without
from argus_core.domain.saved_filters import SavedFilter, SharedFilter
from argus_core.domain.timeslots import Timeslot
from argus_core.ports.profiles import STILL_KNOWN, Edition, Profiles, ProfilesWork

_log = logging.getLogger("argus.db")

_TABLES: dict[type[Belonging], sa.Table] = {
    Timeslot: tables.timeslot,
    SavedFilter: tables.filter_,
    Destination: tables.destination,
    Profile: tables.profile,
}


class PgProfiles(Profiles):
    """Profiles and what they consist of, in PostgreSQL. Work on one user holds the lock on that user's account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: UserId) -> AbstractAsyncContextManager[ProfilesWork]:
        return self._begin(owner)

    @asynccontextmanager
    async def _begin(self, owner: UserId) -> AsyncIterator[ProfilesWork]:
        async with told_when_unavailable(self._database.seconds), self._database.engine.begin() as connection:
            await connection.execute(sa.select(tables.account.c.id).where(tables.account.c.id == owner).with_for_update())
            yield PgProfilesWork(connection, owner, await _belongings(connection, owner))

    async def belongings(self, owner: UserId) -> Belongings:
        async with told_when_unavailable(self._database.seconds), self._database.engine.begin() as connection:
            await connection.execute(sa.text("set transaction isolation level repeatable read, read only"))
            return await _belongings(connection, owner)

    async def since(self, generation: int) -> Edition:
        everybody = generation < 0
        async with told_when_unavailable(self._database.seconds), self._database.engine.begin() as connection:
            await connection.execute(sa.text("set transaction isolation level repeatable read, read only"))
            newest = int((await connection.execute(sa.select(tables.generation.c.number))).scalar_one())
            if newest <= generation:
                return Edition(newest, {})
            account = tables.account.c
            source = tables.source.c
            is_confined = sa.and_(source.user_id == account.id, sa.not_(account.superuser))
            query = sa.select(account.id, account.active, source.id).outerjoin_from(tables.account, tables.source, is_confined)
            changed = (await connection.execute(query.where(account.generation > generation))).all()
            active = [UserId(id_) for id_, is_active, _ in changed if is_active]
            owned = await _everybodys(connection, None if everybody else active)
            end = tables.maintenance.c.end_time
            return Edition(
                newest,
                {UserId(id_): owned.get(UserId(id_), Belongings()) if is_active else Belongings() for id_, is_active, _ in changed},
                {UserId(id_): SourceId(source_id) for id_, _, source_id in changed if source_id is not None},
                await planned.found(connection, sa.or_(end.is_(None), end > sa.func.now() - STILL_KNOWN)),
                await _thresholds(connection),
            )

    async def shared(self) -> Sequence[SharedFilter]:
        account = tables.account.c
        query = rows.FILTERS.add_columns(account.username).join(tables.account, account.id == tables.filter_.c.owner_id)
        async with told_when_unavailable(self._database.seconds), self._database.engine.connect() as connection:
            found = (await connection.execute(query.where(tables.filter_.c.shared))).mappings().all()
        return [SharedFilter(rows.filter_from(row), row["username"]) for row in found]

    async def owning(self, text: str, most: int, after: UserId) -> Mapping[UserId, Belongings]:
        account = tables.account.c
        named = account.id.in_(_named(text)) if text else sa.false()
        fitting = sa.select(account.id).where(account.id > after, account.id.in_(_named("")), sa.or_(has_text(text, *NAMES), named))
        async with told_when_unavailable(self._database.seconds), self._database.engine.begin() as connection:
            await connection.execute(sa.text("set transaction isolation level repeatable read, read only"))
            owners = list(map(UserId, (await connection.execute(fitting.order_by(account.id).limit(most))).scalars()))
            owned = await _everybodys(connection, owners)
        return {owner: owned[owner] for owner in owners}

    async def maintenances(self, ending_after: datetime | None = None) -> Sequence[Maintenance]:
        end = tables.maintenance.c.end_time
        where = () if ending_after is None else (sa.or_(end.is_(None), end > ending_after),)
        async with told_when_unavailable(self._database.seconds), self._database.engine.connect() as connection:
            return await planned.found(connection, *where)

    async def timeslot_exists(self, timeslot_id: TimeslotId) -> bool:
        return bool(await self._ids(sa.select(tables.timeslot.c.id).where(tables.timeslot.c.id == timeslot_id)))

    async def thresholds(self) -> Mapping[SourceId, str]:
        async with told_when_unavailable(self._database.seconds), self._database.engine.connect() as connection:
            return await _thresholds(connection)

    async def twins(self, destination: Destination) -> Sequence[UserId]:
        other = tables.destination.c
        same = (
            other.medium == destination.medium,
            sa.cast(other.settings, pg.JSONB) == sa.cast(dict(destination.settings), pg.JSONB),
            other.owner_id != destination.owner,
        )
        return list(map(UserId, await self._ids(sa.select(other.owner_id).distinct().where(*same).order_by(other.owner_id))))

    async def _ids(self, query: sa.Select[Any]) -> list[int]:
        async with told_when_unavailable(self._database.seconds), self._database.engine.connect() as connection:
            return list((await connection.execute(query)).scalars())


class PgProfilesWork(ProfilesWork):
    """One transaction; it raises the generation with everything it keeps or drops."""

    def __init__(self, connection: AsyncConnection, owner: UserId, belongings: Belongings) -> None:
        self._connection, self._owner = connection, owner
        self.belongings = belongings

    async def new_id(self) -> int:
        return int((await self._connection.execute(sa.select(tables.belonging_ids.next_value()))).scalar_one())

    async def keep(self, thing: Belonging) -> None:
        match thing:
            case Timeslot():
                await self._upsert(tables.timeslot, rows.timeslot_columns(thing))
                await self._relink(tables.recurrence, tables.recurrence.c.timeslot_id == thing.id, rows.recurrence_columns(thing))
            case SavedFilter():
                await self._upsert(tables.filter_, rows.filter_columns(thing))
            case Destination():
                await self._upsert(tables.destination, rows.destination_columns(thing))
            case Profile():
                await self._upsert(tables.profile, rows.profile_columns(thing))
                filters, destinations = tables.profile_filter, tables.profile_destination
                await self._relink(filters, filters.c.profile_id == thing.id, rows.filter_links(thing))
                await self._relink(destinations, destinations.c.profile_id == thing.id, rows.destination_links(thing))
        self.belongings = together(self.belongings, thing)
        await self._connection.execute(rows.next_generation(thing.owner))

    async def drop(self, thing: Belonging) -> None:
        table = _TABLES[type(thing)]
        await self._connection.execute(sa.delete(table).where(table.c.id == thing.id))
        self.belongings = without(self.belongings, thing)
        await self._connection.execute(rows.next_generation(thing.owner))

    async def maintenance(self, id_: MaintenanceId) -> Maintenance | None:
        return next(iter(await planned.found(self._connection, tables.maintenance.c.id == id_)), None)

    async def keep_maintenance(self, maintenance: Maintenance, entry: Entry) -> None:
        await self._upsert(tables.maintenance, planned.columns(maintenance))
        await self._note(entry)

    async def drop_maintenance(self, id_: MaintenanceId, entry: Entry) -> None:
        await self._connection.execute(sa.delete(tables.maintenance).where(tables.maintenance.c.id == id_))
        await self._note(entry)

    async def keep_threshold(self, source_id: SourceId, spelled: str, entry: Entry) -> None:
        kept = sa.update(tables.source).where(tables.source.c.id == source_id).values(flapping=spelled or None)
        await self._connection.execute(kept)
        await self._note(entry)

    async def _note(self, entry: Entry) -> None:
        await self._connection.execute(sa.insert(tables.audit), audit.columns(entry))
        await self._connection.execute(rows.next_generation(self._owner))

    async def _upsert(self, table: sa.Table, columns: rows.Columns) -> None:
        insert = pg.insert(table).values(columns)
        changed = {name: insert.excluded[name] for name in columns if name not in ("id", "owner_id")}
        await self._connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=changed))

    async def _relink(self, table: sa.Table, of: sa.ColumnElement[bool], links: Sequence[rows.Columns]) -> None:
        await self._connection.execute(sa.delete(table).where(of))
        if links:
            await self._connection.execute(sa.insert(table), links)


def _named(text: str) -> sa.CompoundSelect[Any]:
    """Whose are the things that have this text in their name."""
    named = (
        (tables.timeslot.c.owner_id, tables.timeslot.c.name),
        (tables.filter_.c.owner_id, tables.filter_.c.name),
        (tables.profile.c.owner_id, tables.profile.c.name),
        (tables.destination.c.owner_id, tables.destination.c.label),
    )
    return sa.union(*(sa.select(owner).where(has_text(text, name)) for owner, name in named))


async def _thresholds(connection: AsyncConnection) -> dict[SourceId, str]:
    source = tables.source.c
    found = await connection.execute(sa.select(source.id, source.flapping).where(source.flapping.is_not(None)))
    return {SourceId(id_): spelled for id_, spelled in found if _can_be_read(id_, spelled)}


def _can_be_read(source_id: int, spelled: str) -> bool:
    try:
        parse_threshold(spelled)
    except ValueError:
        _log.error("Source %d has a threshold for flapping that cannot be read, %r, so it has that of all", source_id, spelled)
        return False
    return True


async def _belongings(connection: AsyncConnection, owner: UserId) -> Belongings:
    return (await _everybodys(connection, [owner])).get(owner, Belongings())


async def _everybodys(connection: AsyncConnection, owners: Sequence[UserId] | None) -> dict[UserId, Belongings]:
    """What these own, or everybody; whoever has nothing is left out."""

    async def found(query: sa.Select[Any], by: sa.ColumnElement[Any]) -> Sequence[sa.RowMapping]:
        wanted = query if owners is None else query.where(by == one_of(owners))
        rows_found: Sequence[sa.RowMapping] = (await connection.execute(wanted)).mappings().all()
        return rows_found

    slots = await found(rows.TIMESLOTS, tables.timeslot.c.owner_id)
    timeslots = rows.timeslots_from(slots, await found(rows.RECURRENCES, tables.timeslot.c.owner_id))
    filters = map(rows.filter_from, await found(rows.FILTERS, tables.filter_.c.owner_id))
    destinations = map(rows.destination_from, await found(rows.DESTINATIONS, tables.destination.c.owner_id))
    profiles = map(rows.profile_from, await found(rows.PROFILES, tables.profile.c.owner_id))
    return belongings_of([*timeslots, *filters, *destinations, *profiles])
