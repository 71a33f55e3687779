"""Planned maintenance as rows."""

import logging
from collections.abc import Mapping
from datetime import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.db import tables
from adapters.db.belongings import Columns, definition_columns, definition_from, known_zone
from argus_core.domain.ids import FilterId, MaintenanceId, UserId
from argus_core.domain.maintenance import Maintenance, Window
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import Recurrence

_log = logging.getLogger("argus.db")

_MATCHES_NOTHING = FilterDefinition(max_level=0)
_NEVER = Window(hours=Recurrence(days=frozenset()))
_QUERY = sa.select(tables.maintenance).order_by(tables.maintenance.c.id)


async def found(connection: AsyncConnection, *where: sa.ColumnElement[bool]) -> tuple[Maintenance, ...]:
    """Those for which all of it holds, in id order."""
    return tuple(map(_maintenance_from, (await connection.execute(_QUERY.where(*where))).mappings()))


def columns(maintenance: Maintenance) -> Columns:
    """Planned maintenance."""
    return {
        "id": maintenance.id,
        "created_by": maintenance.created_by,
        "created": maintenance.created,
        "start_time": maintenance.start,
        "end_time": maintenance.end,
        "zone": maintenance.zone,
        "description": maintenance.description,
        "filters": [_from_filter(filter_) for filter_ in maintenance.filters],
        "windows": [_from_window(window) for window in maintenance.windows],
    }


def _maintenance_from(row: sa.RowMapping) -> Maintenance:
    return Maintenance(
        id=MaintenanceId(row["id"]),
        created_by=UserId(row["created_by"]),
        created=row["created"],
        description=row["description"],
        start=row["start_time"],
        end=row["end_time"],
        filters=tuple(map(_to_filter, row["filters"])),
        windows=tuple([_readable_window(window, row["id"]) for window in row["windows"]]),
        zone=known_zone(row["zone"], f"planned maintenance {row['id']}"),
    )


def _from_filter(filter_: SavedFilter) -> Columns:
    return {"id": filter_.id, "owner": filter_.owner, "name": filter_.name, "definition": definition_columns(filter_.definition)}


def _to_filter(kept: Mapping[str, Any]) -> SavedFilter:
    """A filter; one that cannot be read matches nothing: too much is told rather than too little."""
    try:
        definition = definition_from(kept["definition"])
    except Exception:  # noqa: BLE001 - whatever an older or newer Argus has written
        _log.exception("Filter %d of planned maintenance cannot be read, so it matches nothing", kept["id"])
        definition = _MATCHES_NOTHING
    return SavedFilter(id=FilterId(kept["id"]), owner=UserId(kept["owner"]), name=kept["name"], definition=definition)


def _from_window(window: Window) -> Columns:
    hours = window.hours
    return {
        "days": sorted(hours.days),
        "start": hours.start.isoformat(),
        "end": hours.end.isoformat(),
        "ends_next_day": hours.ends_next_day,
        "weeks": sorted(window.weeks),
    }


def _readable_window(kept: Mapping[str, Any], id_: int) -> Window:
    """A window; one that cannot be read never comes: too much is told rather than too little, and others are told."""
    try:
        return _to_window(kept)
    except Exception:  # noqa: BLE001 - whatever an older or newer Argus has written
        _log.exception("A window of planned maintenance %d cannot be read, so it never comes", id_)
        return _NEVER


def _to_window(kept: Mapping[str, Any]) -> Window:
    hours = Recurrence(
        days=frozenset(kept["days"]),
        start=time.fromisoformat(kept["start"]),
        end=time.fromisoformat(kept["end"]),
        ends_next_day=kept["ends_next_day"],
    )
    return Window(hours=hours, weeks=frozenset(kept["weeks"]))
