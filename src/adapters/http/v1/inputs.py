"""What API v1 takes: bodies become values of the domain, or a refusal that names every bad field. `schemas` describes the same."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from adapters.http import fields, incident_fields, profile_fields
from adapters.http.bodies import ApiRequest, Form
from adapters.http.bodies import fields as body_fields
from adapters.http.fields import Fields, Wrong
from adapters.http.incident_fields import NewAck, NewEvent, NewIncident
from argus_core.domain.ids import DestinationId, FilterId, TimeslotId
from argus_core.domain.limits import DESCRIPTION_BYTES, Json
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import Recurrence

EMAIL = "EM"
PHONE = "SM"

_KEYS_OF_STRING = ("sourceSystemIds", "tags")
_string = fields.text(most_bytes=DESCRIPTION_BYTES, blank=False)
_T = TypeVar("_T")


class TimeslotIn(NamedTuple):
    """A timeslot as somebody wants it."""

    name: str
    recurrences: tuple[Recurrence, ...]


class FilterIn(NamedTuple):
    """A filter as somebody wants it."""

    name: str
    definition: FilterDefinition


class ProfileIn(NamedTuple):
    """A profile as somebody wants it."""

    timeslot_id: TimeslotId
    filter_ids: tuple[FilterId, ...]
    media: frozenset[str]
    phone_number: DestinationId | None
    active: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """Reads bodies; naive times are those of the zone."""

    zone: ZoneInfo

    async def incident(self, request: ApiRequest) -> NewIncident:
        """
        A new incident; API v1 knows no metadata.

        Raises:
            Refused: with every field that is wrong.
        """
        return incident_fields.incident(await body_fields(request), self.zone, metadata=False)

    async def event(self, request: ApiRequest) -> NewEvent:
        """A new event; only people may leave the timestamp out."""
        return incident_fields.event(await body_fields(request), self.zone, from_source=request.user.is_source)

    async def ack(self, request: ApiRequest) -> NewAck:
        """A new acknowledgement: when and why stand in an event of its own."""
        taken = Fields(await body_fields(request))
        event = taken.optional("event", fields.nested(self._when_and_why), (None, ""))
        expiration = taken.nullable("expiration", fields.moment(self.zone), None)
        taken.check()
        return NewAck(*event, expiration)

    async def expiration(self, request: ApiRequest) -> datetime | None:
        """When an acknowledgement shall expire."""
        return incident_fields.expiration(await body_fields(request), self.zone)

    def _when_and_why(self, taken: Fields) -> tuple[datetime | None, str]:
        at = taken.optional("timestamp", fields.moment(self.zone), None)
        return at, taken.optional("description", incident_fields.description, "")


def phone_number(data: Mapping[str, object]) -> Mapping[str, Json]:
    """The settings that a phone number amounts to; numbers are taken for texts, and whether it is one is for the medium to say."""
    given = data.get("phone_number")
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = str(given)
    return {"phone_number": given if isinstance(given, str) else None}


def timeslot(data: Mapping[str, object], kept: TimeslotIn | None = None) -> TimeslotIn:
    """A timeslot; what is not given stays as it is `kept`."""
    taken = Fields(data)
    new = TimeslotIn(
        _taken(taken, "name", profile_fields.name, kept and kept.name),
        _taken(taken, "time_recurrences", profile_fields.recurrences(over_midnight=False), kept and kept.recurrences),
    )
    taken.check()
    return new


def filter_(data: Mapping[str, object], present: FilterDefinition, kept_name: str | None = None) -> FilterIn:
    """
    A filter: what it has instead of, or beside, what is `present`.

    A filter string completes the filter it comes with; alone it replaces the sources and tags, and nothing else. What API v1 cannot say
    stays as it is.
    """
    taken = Fields(data)
    name = _taken(taken, "name", profile_fields.name, kept_name)
    given = taken.optional("filter", fields.nested(profile_fields.definition), None)
    string = taken.optional("filter_string", _filter_string, None)
    taken.check()
    definition = present if given is None else replace(given, event_types=present.event_types, expression=present.expression)
    if string is not None:
        sources, tags = (None, None) if given is None else (given.source_ids, given.tags)
        definition = replace(
            definition,
            source_ids=string.source_ids if sources is None else sources,
            tags=string.tags if tags is None else tags,
        )
    return FilterIn(name, definition)


def preview(data: Mapping[str, object]) -> FilterDefinition:
    """What incidents somebody would like to see. Event types may be asked for, but say nothing of incidents."""
    taken = Fields(data)
    wanted = profile_fields.definition(taken, event_types=True)
    taken.check()
    return wanted


def profile(data: Mapping[str, object], kept: ProfileIn | None = None, *, active: bool = True) -> ProfileIn:
    """A profile; what is not given stays as it is `kept`, and so does `active`."""
    taken = Fields(_with_lists(data, "filters", "media"))
    timeslot_id = _taken(taken, "timeslot", _timeslot, kept and kept.timeslot_id)
    filter_ids = _taken(taken, "filters", _filters, kept and kept.filter_ids)
    number = taken.nullable("phone_number", fields.pk, kept and kept.phone_number)
    media = taken.optional("media", _media, kept.media if kept else frozenset({EMAIL}))
    is_active = taken.optional("active", fields.boolean, active)
    taken.check()
    phone_number = None if number is None else DestinationId(number)
    return ProfileIn(timeslot_id, filter_ids, media, phone_number, is_active)


def _taken(taken: Fields, name: str, clean: Callable[[object], _T], kept: _T | None) -> _T:
    """A field that must be there unless something is kept without it."""
    return taken.required(name, clean) if kept is None else taken.optional(name, clean, kept)


def _with_lists(data: Mapping[str, object], *names: str) -> Mapping[str, object]:
    """In a form a list is a repeated field."""
    if not isinstance(data, Form):
        return data
    return {**data, **{name: data.all(name) for name in names if name in data}}


def _timeslot(value: object) -> TimeslotId:
    return TimeslotId(fields.pk(value))


def _filters(value: object) -> tuple[FilterId, ...]:
    found = fields.pks(value)
    if not found:
        raise Wrong.because("This list may not be empty.")
    return tuple(map(FilterId, found))


def _media(value: object) -> frozenset[str]:
    return frozenset(fields.list_of(_medium)(value))


def _medium(value: object) -> str:
    if not isinstance(value, str) or value not in (EMAIL, PHONE):
        raise fields.no_choice(value)
    return value


def _filter_string(value: object) -> FilterDefinition:
    try:
        parsed = json.loads(_string(value))
    except (ValueError, RecursionError) as error:
        raise Wrong.because(str(error)) from None
    if not isinstance(parsed, dict):
        raise Wrong.because(f"Invalid data. Expected a dictionary, but got {type(parsed).__name__}.")
    unknown = sorted(parsed.keys() - set(_KEYS_OF_STRING))
    missing = [name for name in _KEYS_OF_STRING if name not in parsed]
    if unknown:
        raise Wrong.because(f"Unknown fieldname(s) in filterstring: {', '.join(unknown)}")
    if missing:
        raise Wrong.because(f"Filterstring is missing fieldname(s): {', '.join(missing)}")
    return fields.nested(profile_fields.definition)(parsed)
