"""What API v2 takes about planned maintenance: a new one, or what becomes of one that is there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adapters.http import fields, profile_fields
from adapters.http.bodies import ApiRequest
from adapters.http.bodies import fields as body_fields
from adapters.http.fields import Fields
from adapters.http.incident_fields import description
from argus_core.domain.ids import FilterId
from argus_core.domain.maintenance import WEEKS, Maintenance, Window
from argus_core.domain.timeslots import MOST_RECURRENCES

_ZONE_BYTES = 255
_WEEKS = {str(week): week for week in WEEKS}

_zone = fields.text(most_bytes=_ZONE_BYTES, blank=False)


class NewMaintenance(NamedTuple):
    """Planned maintenance as somebody wants it; without a zone it is the server's."""

    start: datetime
    end: datetime | None
    description: str
    filter_ids: tuple[FilterId, ...]
    windows: tuple[Window, ...]
    zone: str | None


class MaintenanceChange(NamedTuple):
    """What becomes of one; None is no other filters."""

    filter_ids: tuple[FilterId, ...] | None
    change: Callable[[Maintenance], Maintenance]


async def new_maintenance(request: ApiRequest, zone: ZoneInfo) -> NewMaintenance:
    """A new one."""
    taken = Fields(await body_fields(request))
    new = NewMaintenance(
        taken.required("start_time", fields.moment(zone)),
        taken.nullable("end_time", fields.end(zone), None),
        taken.optional("description", description, ""),
        tuple(map(FilterId, taken.several("filters", fields.pks) or ())),
        tuple(taken.optional("time_recurrences", _windows, ()) or ()),
        taken.nullable("zone", _zone, None),
    )
    taken.check()
    return new


async def maintenance_change(request: ApiRequest, zone: ZoneInfo) -> MaintenanceChange:
    """What becomes of one; what is not given stays."""
    taken = Fields(await body_fields(request))
    given = {
        "start": ("start_time", taken.optional("start_time", fields.moment(zone), None)),
        "end": ("end_time", taken.nullable("end_time", fields.end(zone), None)),
        "description": ("description", taken.optional("description", description, None)),
        "windows": ("time_recurrences", tuple(taken.optional("time_recurrences", _windows, ()) or ())),
        "zone": ("zone", taken.nullable("zone", _zone, None) or zone.key),
    }
    filter_ids = tuple(map(FilterId, taken.several("filters", fields.pks) or ())) if "filters" in taken else None
    taken.check()
    wanted = {attribute: value for attribute, (name, value) in given.items() if name in taken}

    def change(present: Maintenance) -> Maintenance:
        return replace(present, **wanted)  # type: ignore[arg-type]  # each value was read for its attribute

    return MaintenanceChange(filter_ids, change)


def _window(taken: Fields) -> Window:
    hours = profile_fields.recurrence(taken, over_midnight=True)
    weeks = taken.optional("weeks", fields.list_of(_week), [])
    return Window(hours=hours, weeks=frozenset(weeks or ()))


def _week(value: object) -> int:
    known = _WEEKS.get(str(value)) if isinstance(value, str | int) else None
    if known is None:
        raise fields.no_choice(value)
    return known


_windows = fields.list_of(fields.nested(_window), MOST_RECURRENCES)
