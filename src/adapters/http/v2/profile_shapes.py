"""What API v2 answers about profiles and what they consist of. What it has beside the document is left out where it is not used."""

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.http.shown import EventCode, LevelNumber, Pk
from argus_core.domain.destinations import EMAIL, Destination
from argus_core.domain.expressions import written
from argus_core.domain.incidents import EventType
from argus_core.domain.profiles import WholeProfile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import Recurrence, Timeslot
from argus_core.ports.media import EnabledMedium, Media, shown_settings

Expression: TypeAlias = Annotated[object, Meta(extra_json_schema={"$ref": "#/components/schemas/Expression"})]
JsonObject: TypeAlias = Annotated[dict[str, Any], Meta(extra_json_schema={"type": "object"})]
TimeOfDay: TypeAlias = Annotated[str, Meta(pattern="^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{6})?$")]
Minutes: TypeAlias = Annotated[float, Meta(gt=0)]
Day: TypeAlias = Annotated[int, Meta(ge=1, le=7)]


class RecurrenceOut(Struct, frozen=True, omit_defaults=True):
    """On these weekdays (1 is Monday) from start to end; `all_day` and `ends_next_day` are only there when true."""

    days: list[Day]
    start: TimeOfDay
    end: TimeOfDay
    all_day: Literal[True] | UnsetType = UNSET
    ends_next_day: Literal[True] | UnsetType = UNSET


class TimeslotOut(Struct, frozen=True):
    """When somebody wants to hear; `zone` is only there when it is not the server's."""

    pk: Pk
    name: str
    time_recurrences: list[RecurrenceOut]
    zone: str | UnsetType = UNSET


class FilterDefinitionOut(Struct, frozen=True, rename={"source_ids": "sourceSystemIds"}):
    """What a filter asks for; null restricts nothing, and lists are only there when they were given."""

    open: bool | None
    acked: bool | None
    stateful: bool | None
    maxlevel: LevelNumber | None
    source_ids: list[Pk] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    event_type: EventCode | UnsetType = UNSET
    event_types: list[EventCode] | UnsetType = UNSET
    expression: Expression | UnsetType = UNSET


class FilterOut(Struct, frozen=True):
    """A filter."""

    pk: Pk
    name: str
    filter: FilterDefinitionOut


class MediumOut(Struct, frozen=True):
    """A way to reach people; one that is not installed cannot be used."""

    slug: str
    name: str
    installed: bool


class MediumSchemaOut(Struct, frozen=True):
    """The JSON schema of a medium's settings; its `$id` ends in the slug."""

    json_schema: JsonObject


class DestinationOut(Struct, frozen=True):
    """Where somebody can be reached. Settings that are secret are not shown."""

    pk: Pk
    media: MediumOut
    label: str | None
    suggested_label: str
    settings: JsonObject


class DuplicateOut(Struct, frozen=True):
    """Whether another user has a destination with the same medium and settings."""

    is_duplicate: bool


class ProfileOut(Struct, frozen=True):
    """
    When, about what and where somebody wants to be told.

    `digest` and `escalate_after`, in minutes, are only there when there is one and when it waits.
    """

    pk: Pk
    name: str | None
    timeslot: TimeslotOut
    filters: list[FilterOut]
    destinations: list[DestinationOut]
    active: bool
    digest: str | UnsetType = UNSET
    escalate_after: Minutes | UnsetType = UNSET


class ProfileShapes:
    """Makes shapes of what people own; `zone` is that of timeslots that say nothing."""

    def __init__(self, media: Media, zone: str) -> None:
        self._media = media
        self._zone = zone

    def timeslot(self, timeslot: Timeslot) -> TimeslotOut:
        """A timeslot."""
        zone = UNSET if timeslot.zone == self._zone else timeslot.zone
        return TimeslotOut(timeslot.id, timeslot.name, list(map(recurrence_out, timeslot.recurrences)), zone)

    def filter(self, filter_: SavedFilter) -> FilterOut:
        """A filter."""
        return FilterOut(filter_.id, filter_.name, _definition(filter_.definition))

    def destination(self, destination: Destination) -> DestinationOut:
        """A destination."""
        enabled = self._media.get(destination.medium) or EnabledMedium(slug=destination.medium, name=destination.medium, medium=None)
        settings = dict(shown_settings(enabled.medium, destination.settings))
        if destination.medium == EMAIL:
            settings["synced"] = destination.synced
        return DestinationOut(destination.id, medium_out(enabled), destination.label, enabled.label(destination.settings), settings)

    def profile(self, whole: WholeProfile) -> ProfileOut:
        """A profile with all it refers to."""
        profile = whole.profile
        return ProfileOut(
            profile.id,
            profile.name,
            self.timeslot(whole.timeslot),
            list(map(self.filter, whole.filters)),
            list(map(self.destination, whole.destinations)),
            profile.active,
            str(profile.digest) if profile.digest else UNSET,
            UNSET if profile.escalate_after is None else minutes(profile.escalate_after),
        )


def minutes(wait: timedelta) -> int | float:
    """A wait in minutes, which is a whole number unless somebody has reached into the database."""
    number = wait.total_seconds() / 60
    return int(number) if number.is_integer() else number


def medium_out(medium: EnabledMedium) -> MediumOut:
    """A medium."""
    return MediumOut(medium.slug, medium.name, medium.installed)


def recurrence_out(recurrence: Recurrence) -> RecurrenceOut:
    """A recurrence."""
    return RecurrenceOut(
        sorted(recurrence.days),
        recurrence.start.isoformat(),
        recurrence.end.isoformat(),
        True if recurrence.all_day else UNSET,
        True if recurrence.ends_next_day else UNSET,
    )


def _definition(definition: FilterDefinition) -> FilterDefinitionOut:
    types = definition.event_types
    return FilterDefinitionOut(
        definition.open,
        definition.acked,
        definition.stateful,
        definition.max_level,
        UNSET if definition.source_ids is None else list(definition.source_ids),
        UNSET if definition.tags is None else list(definition.tags),
        UNSET if definition.event_type is None else _code(definition.event_type),
        UNSET if types is None else list(map(_code, types)),
        UNSET if definition.expression is None else written(definition.expression),
    )


def _code(type_: EventType) -> EventCode:
    return type_.value  # type: ignore[return-value]  # the internal ones are in no filter
