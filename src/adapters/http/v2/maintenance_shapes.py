"""What API v2 answers about planned maintenance. All of it is beside the document."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.shown import Moment, Pk
from adapters.http.v2.profile_shapes import Day, FilterOut, ProfileShapes, TimeOfDay, recurrence_out
from argus_core.domain.maintenance import Maintenance, Window

Week: TypeAlias = Annotated[int, Meta(ge=-1, le=5)]
Until: TypeAlias = Annotated[object, Meta(extra_json_schema={"anyOf": [{"type": "string", "format": "date-time"}, {"const": "infinity"}]})]


class WindowOut(Struct, frozen=True):
    """On these weekdays (1 is Monday) from start to end, with `weeks` only on the first, second, … or last (-1) of a month."""

    days: list[Day]
    start: TimeOfDay
    end: TimeOfDay
    all_day: Literal[True] | UnsetType = UNSET
    ends_next_day: Literal[True] | UnsetType = UNSET
    weeks: list[Week] | UnsetType = UNSET


class MaintenanceOut(Struct, frozen=True):
    """
    A time, and filters for what notifies nobody while it runs.

    `created_by` is the pk of a user. `phase` tells where the present moment lies, `running` whether it runs now: between two of its
    `time_recurrences` it does not. These, and their `zone`, are only there when they were given.
    """

    pk: Pk
    created_by: Pk
    created: Moment
    start_time: Moment
    end_time: Until
    description: str
    filters: list[FilterOut]
    phase: Literal["future", "current", "past"]
    running: bool
    time_recurrences: list[WindowOut] | UnsetType = UNSET
    zone: str | UnsetType = UNSET


class MaintenanceShapes:
    """Makes shapes; times are shown with the offset of the zone."""

    def __init__(self, profiles: ProfileShapes, zone: ZoneInfo) -> None:
        self._profiles, self._zone = profiles, zone

    def maintenance(self, maintenance: Maintenance, now: datetime) -> MaintenanceOut:
        """Planned maintenance."""
        end = maintenance.end
        return MaintenanceOut(
            pk=maintenance.id,
            created_by=maintenance.created_by,
            created=maintenance.created.astimezone(self._zone),
            start_time=maintenance.start.astimezone(self._zone),
            end_time="infinity" if end is None else end.astimezone(self._zone),
            description=maintenance.description,
            filters=list(map(self._profiles.filter, maintenance.filters)),
            phase=maintenance.phase(now).value,
            running=maintenance.runs(now),
            time_recurrences=list(map(_window, maintenance.windows)) or UNSET,
            zone=maintenance.zone if maintenance.windows and maintenance.zone != self._zone.key else UNSET,
        )


def _window(window: Window) -> WindowOut:
    hours = recurrence_out(window.hours)
    return WindowOut(hours.days, hours.start, hours.end, hours.all_day, hours.ends_next_day, sorted(window.weeks) or UNSET)
