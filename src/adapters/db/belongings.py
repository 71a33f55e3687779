"""What one user owns of timeslots, filters, destinations and profiles, as rows."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from adapters.db import tables
from argus_core.domain.destinations import Destination
from argus_core.domain.digests import Digest, parse_digest
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse, written
from argus_core.domain.ids import DestinationId, FilterId, ProfileId, SourceId, TimeslotId, UserId
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.limits import Json
from argus_core.domain.profiles import Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import Recurrence, Timeslot

Columns = dict[str, Any]

_log = logging.getLogger("argus.db")

_next = sa.update(tables.generation).values(number=tables.generation.c.number + 1).returning(tables.generation.c.number).cte("next")


def next_generation(owner: UserId) -> sa.Update:
    """Raise the generation, and remember that this owner changed something in it."""
    number = sa.select(_next.c.number).scalar_subquery()
    return sa.update(tables.account).values(generation=number).where(tables.account.c.id == owner)


_slot, _recurrence, _filter, _destination, _profile = (
    tables.timeslot,
    tables.recurrence,
    tables.filter_,
    tables.destination,
    tables.profile,
)
_profile_filter, _profile_destination = tables.profile_filter, tables.profile_destination


def _gathered(column: sa.Column[Any], link: sa.Column[Any]) -> sa.ScalarSelect[Any]:
    """The linked ids of a profile, in order, as an array."""
    return (
        sa.select(sa.func.array_agg(sa.dialects.postgresql.aggregate_order_by(column, column)))
        .where(link == _profile.c.id)
        .scalar_subquery()
    )


TIMESLOTS = sa.select(_slot.c.id, _slot.c.owner_id, _slot.c.name, _slot.c.zone).order_by(_slot.c.id)
RECURRENCES = (
    sa.select(
        _recurrence.c.timeslot_id,
        _recurrence.c.days,
        _recurrence.c.start_time,
        _recurrence.c.end_time,
        _recurrence.c.ends_next_day,
    )
    .join(_slot, _slot.c.id == _recurrence.c.timeslot_id)
    .order_by(_recurrence.c.id)
)
FILTERS = sa.select(_filter.c.id, _filter.c.owner_id, _filter.c.name, _filter.c.definition, _filter.c.shared).order_by(_filter.c.id)
DESTINATIONS = sa.select(
    _destination.c.id,
    _destination.c.owner_id,
    _destination.c.medium,
    _destination.c.label,
    _destination.c.settings,
    _destination.c.synced,
).order_by(_destination.c.id)
PROFILES = sa.select(
    _profile.c.id,
    _profile.c.owner_id,
    _profile.c.name,
    _profile.c.timeslot_id,
    _profile.c.active,
    _profile.c.digest,
    _profile.c.escalate_after,
    _gathered(_profile_filter.c.filter_id, _profile_filter.c.profile_id).label("filter_ids"),
    _gathered(_profile_destination.c.destination_id, _profile_destination.c.profile_id).label("destination_ids"),
).order_by(_profile.c.id)


def timeslots_from(rows: Sequence[sa.RowMapping], recurrences: Sequence[sa.RowMapping]) -> tuple[Timeslot, ...]:
    """Timeslots, each with those of the recurrences that are its own."""
    of: dict[int, list[Recurrence]] = {}
    for row in recurrences:
        recurrence = Recurrence(
            days=frozenset(row["days"]), start=row["start_time"], end=row["end_time"], ends_next_day=row["ends_next_day"]
        )
        of.setdefault(row["timeslot_id"], []).append(recurrence)
    return tuple(
        Timeslot(
            id=TimeslotId(row["id"]),
            owner=UserId(row["owner_id"]),
            name=row["name"],
            zone=known_zone(row["zone"], f"timeslot {row['id']}"),
            recurrences=tuple(of.get(row["id"], ())),
        )
        for row in rows
    )


def filter_from(row: sa.RowMapping) -> SavedFilter:
    """A filter."""
    return SavedFilter(
        id=FilterId(row["id"]), owner=UserId(row["owner_id"]), name=row["name"], definition=_readable_from(row), shared=row["shared"]
    )


def destination_from(row: sa.RowMapping) -> Destination:
    """A destination."""
    return Destination(
        id=DestinationId(row["id"]),
        owner=UserId(row["owner_id"]),
        medium=row["medium"],
        label=row["label"],
        settings=row["settings"],
        synced=row["synced"],
    )


def profile_from(row: sa.RowMapping) -> Profile:
    """A profile."""
    return Profile(
        id=ProfileId(row["id"]),
        owner=UserId(row["owner_id"]),
        name=row["name"],
        timeslot_id=TimeslotId(row["timeslot_id"]),
        active=row["active"],
        digest=_digest_from(row),
        escalate_after=row["escalate_after"],
        filter_ids=tuple(map(FilterId, row["filter_ids"] or ())),
        destination_ids=tuple(map(DestinationId, row["destination_ids"] or ())),
    )


def _digest_from(row: sa.RowMapping) -> Digest | None:
    """A digest; of one that cannot be read all is told at once."""
    try:
        return parse_digest(row["digest"] or "")
    except Invalid:
        _log.warning("The digest of profile %d cannot be read, so it has none", row["id"])
        return None


def timeslot_columns(timeslot: Timeslot) -> Columns:
    """A timeslot without its recurrences."""
    return {"id": timeslot.id, "owner_id": timeslot.owner, "name": timeslot.name, "zone": timeslot.zone}


def recurrence_columns(timeslot: Timeslot) -> list[Columns]:
    """The recurrences of a timeslot."""
    return [
        {
            "timeslot_id": timeslot.id,
            "days": sorted(recurrence.days),
            "start_time": recurrence.start,
            "end_time": recurrence.end,
            "ends_next_day": recurrence.ends_next_day,
        }
        for recurrence in timeslot.recurrences
    ]


def filter_columns(filter_: SavedFilter) -> Columns:
    """A filter."""
    return {
        "id": filter_.id,
        "owner_id": filter_.owner,
        "name": filter_.name,
        "definition": definition_columns(filter_.definition),
        "shared": filter_.shared,
    }


def destination_columns(destination: Destination) -> Columns:
    """A destination."""
    return {
        "id": destination.id,
        "owner_id": destination.owner,
        "medium": destination.medium,
        "label": destination.label,
        "settings": dict(destination.settings),
        "synced": destination.synced,
    }


def profile_columns(profile: Profile) -> Columns:
    """A profile without what it refers to."""
    return {
        "id": profile.id,
        "owner_id": profile.owner,
        "name": profile.name,
        "timeslot_id": profile.timeslot_id,
        "active": profile.active,
        "digest": str(profile.digest) if profile.digest else None,
        "escalate_after": profile.escalate_after,
    }


def filter_links(profile: Profile) -> list[Columns]:
    """Which filters a profile has."""
    return [{"profile_id": profile.id, "filter_id": id_} for id_ in profile.filter_ids]


def destination_links(profile: Profile) -> list[Columns]:
    """Which destinations a profile has."""
    return [{"profile_id": profile.id, "destination_id": id_} for id_ in profile.destination_ids]


def definition_columns(definition: FilterDefinition) -> dict[str, Json]:
    """What a filter asks for, without what it does not."""
    values: dict[str, Json] = {
        "sources": None if definition.source_ids is None else list(definition.source_ids),
        "tags": None if definition.tags is None else list(definition.tags),
        "open": definition.open,
        "acked": definition.acked,
        "stateful": definition.stateful,
        "max_level": definition.max_level,
        "event_type": definition.event_type.value if definition.event_type else None,
        "event_types": None if definition.event_types is None else [type_.value for type_ in definition.event_types],
        "expression": None if definition.expression is None else written(definition.expression),
    }
    return {key: value for key, value in values.items() if value is not None}


def definition_from(kept: Mapping[str, Any]) -> FilterDefinition:
    """What a filter asks for."""
    return FilterDefinition(
        source_ids=tuple(map(SourceId, kept["sources"])) if "sources" in kept else None,
        tags=tuple(kept["tags"]) if "tags" in kept else None,
        open=kept.get("open"),
        acked=kept.get("acked"),
        stateful=kept.get("stateful"),
        max_level=kept.get("max_level"),
        event_type=EventType(kept["event_type"]) if "event_type" in kept else None,
        event_types=tuple(map(EventType, kept["event_types"])) if "event_types" in kept else None,
        expression=parse(cast("Json", kept["expression"])) if "expression" in kept else None,
    )


def _readable_from(row: sa.RowMapping) -> FilterDefinition:
    """What a filter asks for; everything, if that cannot be read: too much is told rather than too little, and others are told."""
    try:
        return definition_from(row["definition"])
    except Exception:  # noqa: BLE001 - whatever a row holds that an older or newer Argus has written
        _log.exception("Filter %d cannot be read, so it matches everything until somebody replaces it", row["id"])
        return FilterDefinition(max_level=max(Level))


def known_zone(kept: str, whose: str) -> str:
    """A time zone; UTC instead of one that is not known here, so that others are told all the same."""
    try:
        ZoneInfo(kept)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        _log.error("The time zone %s of %s is not known, so its times are taken for UTC", kept, whose)
        return "UTC"
    return kept
