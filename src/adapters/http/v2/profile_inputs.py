"""What API v2 takes about profiles and what they consist of: something new, or what becomes of what is there (PUT whole, PATCH part)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, TypeVar, cast

from adapters.http import fields, profile_fields
from adapters.http.bodies import ApiRequest
from adapters.http.bodies import fields as body_fields
from adapters.http.errors import Refused, nested
from adapters.http.fields import Fields, Wrong
from argus_core.domain.destinations import LABEL_LENGTH, Destination
from argus_core.domain.digests import Digest, parse_digest
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse
from argus_core.domain.filters import Condition
from argus_core.domain.ids import DestinationId, FilterId, TimeslotId
from argus_core.domain.limits import Json
from argus_core.domain.profiles import LONGEST_WAIT, NAME_LENGTH, Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import Recurrence, Timeslot
from argus_core.ports.media import Settings

_T = TypeVar("_T")

_ZONE_BYTES = 255
_SLUG_BYTES = 255
_NOT_A_DICTIONARY = "Settings has to be a dictionary."
_SAME_MEDIUM = "Media cannot be updated, only settings."

_zone = fields.text(most_bytes=_ZONE_BYTES, blank=False)
_slug = fields.text(most_bytes=_SLUG_BYTES, blank=False)
_label = fields.short_text(LABEL_LENGTH, blank=True)
_profile_name = fields.short_text(NAME_LENGTH, blank=True)
_recurrences = profile_fields.recurrences(over_midnight=True)


class NewTimeslot(NamedTuple):
    """A timeslot as somebody wants it; without a zone it is the server's."""

    name: str
    recurrences: tuple[Recurrence, ...]
    zone: str | None


class NewFilter(NamedTuple):
    """A filter as somebody wants it."""

    name: str
    definition: FilterDefinition


class NewDestination(NamedTuple):
    """A destination as somebody wants it."""

    medium: str
    settings: Settings
    label: str | None


class DestinationReplacement(NamedTuple):
    """Other settings, and what else becomes of a destination: its label stays when none is given, its medium always."""

    settings: Settings
    change: Callable[[Destination], Destination]


class DestinationChange(NamedTuple):
    """As `DestinationReplacement`; None is no other settings."""

    settings: Settings | None
    change: Callable[[Destination], Destination]


class NewProfile(NamedTuple):
    """A profile as somebody wants it."""

    name: str | None
    timeslot_id: TimeslotId
    filter_ids: tuple[FilterId, ...]
    destination_ids: tuple[DestinationId, ...]
    active: bool
    digest: Digest | None
    escalate_after: timedelta | None


async def new_timeslot(request: ApiRequest) -> NewTimeslot:
    """A new timeslot."""
    taken = Fields(await body_fields(request))
    new = NewTimeslot(
        taken.required("name", profile_fields.name),
        taken.required("time_recurrences", _recurrences),
        taken.nullable("zone", _zone, None),
    )
    taken.check()
    return new


async def timeslot_change(request: ApiRequest, server_zone: str, *, whole: bool) -> Callable[[Timeslot], Timeslot]:
    """What becomes of a timeslot; the zone stays when it is not given, and is the server's again when it is null."""
    taken = Fields(await body_fields(request))
    name = _needed(taken, "name", profile_fields.name, whole=whole)
    recurrences = _needed(taken, "time_recurrences", _recurrences, whole=whole)
    zone = taken.nullable("zone", _zone, None) or server_zone
    keeps_zone = "zone" not in taken
    taken.check()

    def change(present: Timeslot) -> Timeslot:
        return replace(
            present,
            name=present.name if name is None else name,
            recurrences=present.recurrences if recurrences is None else recurrences,
            zone=present.zone if keeps_zone else zone,
        )

    return change


async def new_filter(request: ApiRequest) -> NewFilter:
    """A new filter."""
    taken = Fields(await body_fields(request))
    new = NewFilter(taken.required("name", profile_fields.name), taken.optional("filter", _definition, FilterDefinition()))
    taken.check()
    return new


async def filter_change(request: ApiRequest, *, whole: bool) -> Callable[[SavedFilter], SavedFilter]:
    """What becomes of a filter; what it asks for stays when it is not given."""
    taken = Fields(await body_fields(request))
    name = _needed(taken, "name", profile_fields.name, whole=whole)
    definition = taken.optional("filter", _definition, None)
    taken.check()

    def change(present: SavedFilter) -> SavedFilter:
        return replace(
            present,
            name=present.name if name is None else name,
            definition=present.definition if definition is None else definition,
        )

    return change


async def definition(request: ApiRequest) -> FilterDefinition:
    """What a filter asks for that need not be kept."""
    taken = Fields(await body_fields(request))
    wanted = _definition_of(taken)
    taken.check()
    return wanted


async def new_destination(request: ApiRequest) -> NewDestination:
    """A new destination."""
    taken = Fields(await body_fields(request))
    medium, settings = taken.required("media", _slug), taken.required("settings", fields.anything)
    label = taken.nullable("label", _label, None)
    taken.check()
    return NewDestination(medium, _settings(settings), label or None)


async def whole_destination(request: ApiRequest) -> DestinationReplacement:
    """What shall be there instead of a destination."""
    taken = Fields(await body_fields(request))
    medium, settings = taken.required("media", _slug), taken.required("settings", fields.anything)
    change = _destination_change(taken, medium)
    taken.check()
    return DestinationReplacement(_settings(settings), change)


async def destination_change(request: ApiRequest) -> DestinationChange:
    """What becomes of a destination."""
    taken = Fields(await body_fields(request))
    medium, settings = taken.optional("media", _slug, None), taken.optional("settings", fields.anything, None)
    change = _destination_change(taken, medium)
    taken.check()
    return DestinationChange(None if settings is None else _settings(settings), change)


def _destination_change(taken: Fields, medium: str | None) -> Callable[[Destination], Destination]:
    label = taken.nullable("label", _label, None) or None
    keeps_label = "label" not in taken

    def change(present: Destination) -> Destination:
        if medium not in (None, present.medium):
            raise Invalid({"media": _SAME_MEDIUM})
        return present if keeps_label else replace(present, label=label)

    return change


async def new_profile(request: ApiRequest) -> NewProfile:
    """A new profile."""
    taken = Fields(await body_fields(request))
    name = taken.nullable("name", _profile_name, None)
    timeslot = taken.required("timeslot", fields.pk)
    filters = taken.several("filters", fields.pks)
    destinations = taken.several("destinations", fields.pks) if "destinations" in taken else []
    active = taken.optional("active", fields.boolean, True)
    digest = taken.nullable("digest", _digest, None)
    escalate_after = taken.nullable("escalate_after", _wait, None)
    taken.check()
    filter_ids, destination_ids = tuple(map(FilterId, filters)), tuple(map(DestinationId, destinations))
    return NewProfile(name or None, TimeslotId(timeslot), filter_ids, destination_ids, active, digest, escalate_after)


async def profile_change(request: ApiRequest, *, whole: bool) -> Callable[[Profile], Profile]:
    """What becomes of a profile; name, destinations, digest, whether it is active and what it waits for stay when they are not given."""
    taken = Fields(await body_fields(request))
    name = taken.nullable("name", _profile_name, None) or None
    timeslot = _needed(taken, "timeslot", fields.pk, whole=whole)
    filters = taken.several("filters", fields.pks) if whole or "filters" in taken else None
    destinations = taken.several("destinations", fields.pks) if "destinations" in taken else None
    active = taken.optional("active", fields.boolean, None)
    digest = taken.nullable("digest", _digest, None)
    escalate_after = taken.nullable("escalate_after", _wait, None)
    keeps_name, keeps_digest, keeps_wait = "name" not in taken, "digest" not in taken, "escalate_after" not in taken
    taken.check()

    def change(present: Profile) -> Profile:
        return replace(
            present,
            name=present.name if keeps_name else name,
            timeslot_id=present.timeslot_id if timeslot is None else TimeslotId(timeslot),
            filter_ids=present.filter_ids if filters is None else tuple(map(FilterId, filters)),
            destination_ids=present.destination_ids if destinations is None else tuple(map(DestinationId, destinations)),
            active=present.active if active is None else active,
            digest=present.digest if keeps_digest else digest,
            escalate_after=present.escalate_after if keeps_wait else escalate_after,
        )

    return change


def _digest(value: object) -> Digest | None:
    """A digest; an empty one is none."""
    try:
        return parse_digest(fields.text(most_bytes=16)(value))
    except Invalid as error:
        raise fields.Wrong.because(error.errors["digest"]) from error


def _needed(taken: Fields, name: str, clean: Callable[[object], _T], *, whole: bool) -> _T | None:
    """A field that must be there when the whole is given, and may be absent from a part."""
    return taken.required(name, clean) if whole else taken.optional(name, clean, None)


def _wait(value: object) -> timedelta:
    return timedelta(minutes=profile_fields.between(1, int(LONGEST_WAIT.total_seconds()) // 60)(value))


def _settings(value: object) -> Settings:
    if not isinstance(value, dict):
        raise Refused(400, nested({"": _NOT_A_DICTIONARY}))
    return value


def _definition_of(taken: Fields) -> FilterDefinition:
    asked = profile_fields.definition(taken, event_types=True)
    return replace(asked, expression=taken.nullable("expression", _expression, None))


def _expression(value: object) -> Condition:
    try:
        return parse(cast("Json", value))
    except Invalid as error:
        tree = nested(error.errors)
        raise Wrong(cast("dict[str, list[str]]", tree)["expression"]) from None


_definition = fields.nested(_definition_of)
