"""The fields of timeslots, filters and profiles that all versions of the API take alike; see `fields`."""

from collections.abc import Callable

from adapters.http import fields
from adapters.http.errors import ACROSS_FIELDS
from adapters.http.fields import Fields, Wrong
from adapters.http.queries import BIGGEST_PK
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType, Level
from argus_core.domain.limits import TAG_BYTES
from argus_core.domain.profiles import NAME_LENGTH
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.timeslots import EVERY_DAY, MOST_RECURRENCES, Recurrence

MOST_MEMBERS = 256
SHORTEST_TAG = 3
EVENT_TYPES = {type_.value: type_ for type_ in EventType if not type_.internal}

name = fields.short_text(NAME_LENGTH)
_DAYS = {str(day): day for day in EVERY_DAY}


def recurrences(*, over_midnight: bool) -> Callable[[object], tuple[Recurrence, ...]]:
    """A list of recurrences, maybe empty; only newer versions know some that end on the next day."""
    each = fields.list_of(fields.nested(lambda taken: recurrence(taken, over_midnight=over_midnight)), MOST_RECURRENCES)

    def clean(value: object) -> tuple[Recurrence, ...]:
        if not isinstance(value, list):
            raise Wrong({ACROSS_FIELDS: [f'Expected a list of items but got type "{type(value).__name__}".']})
        return tuple(each(value))

    return clean


def definition(taken: Fields, *, event_types: bool = False) -> FilterDefinition:
    """What a filter asks for, from its fields; `event_types` is a list that only newer versions know."""
    sources = taken.optional("sourceSystemIds", fields.list_of(_source_id, MOST_MEMBERS), None)
    tags = taken.optional("tags", fields.list_of(_tag, MOST_MEMBERS), None)
    types = taken.nullable("event_types", _event_types, None) if event_types else None
    return FilterDefinition(
        source_ids=None if sources is None else tuple(sources),
        tags=None if tags is None else tuple(tags),
        open=taken.nullable("open", fields.boolean, None),
        acked=taken.nullable("acked", fields.boolean, None),
        stateful=taken.nullable("stateful", fields.boolean, None),
        max_level=taken.nullable("maxlevel", between(1, Level.INFORMATION), None),
        event_type=taken.nullable("event_type", fields.choice(EVENT_TYPES), None),
        event_types=types,
    )


def recurrence(taken: Fields, *, over_midnight: bool) -> Recurrence:
    """One recurrence, from its fields."""
    days = taken.required("days", _days)
    if taken.nullable("all_day", fields.boolean, False):  # whatever start and end are
        return Recurrence(days=days)
    return Recurrence(
        days=days,
        start=taken.required("start", fields.time_of_day),
        end=taken.required("end", fields.time_of_day),
        ends_next_day=over_midnight and bool(taken.nullable("ends_next_day", fields.boolean, False)),
    )


def _days(value: object) -> frozenset[int]:
    if not isinstance(value, list):
        raise Wrong.because(f'Expected a list of items but got type "{type(value).__name__}".')
    return frozenset(map(_day, value))


def _day(value: object) -> int:
    written = int(value) if isinstance(value, float) and value.is_integer() else value
    known = _DAYS.get(str(written)) if isinstance(written, str | int) else None
    if known is None:
        raise fields.no_choice(value)
    return known


def _event_types(value: object) -> tuple[EventType, ...]:
    if not isinstance(value, list):
        raise Wrong.because(f'Expected a list of items but got type "{type(value).__name__}".')
    return tuple(dict.fromkeys(map(fields.choice(EVENT_TYPES), value)))


def _source_id(value: object) -> SourceId:
    return SourceId(between(1, BIGGEST_PK)(value))


def _tag(value: object) -> str:
    tag = fields.text(most_bytes=TAG_BYTES)(value)
    if len(tag) < SHORTEST_TAG:
        raise Wrong.because(f"Ensure this field has at least {SHORTEST_TAG} characters.")
    return tag


def between(least: int, most: int) -> Callable[[object], int]:
    """A whole number within these bounds."""

    def clean(value: object) -> int:
        number = fields.integer(value)
        if number < least:
            raise Wrong.because(f"Ensure this value is greater than or equal to {least}.")
        if number > most:
            raise Wrong.because(f"Ensure this value is less than or equal to {most}.")
        return number

    return clean
