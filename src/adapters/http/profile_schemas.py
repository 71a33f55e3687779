"""JSON schemas of what all versions of the API take about timeslots, filters and profiles: `profile_fields` reads the same."""

from collections.abc import Mapping

from adapters.http.profile_fields import EVENT_TYPES, MOST_MEMBERS, SHORTEST_TAG
from adapters.http.queries import BIGGEST_PK
from adapters.http.schemas import LEVEL, Schema
from argus_core.domain.profiles import NAME_LENGTH

VISIBLE = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
NAME: Schema = {"type": "string", "maxLength": NAME_LENGTH, "pattern": VISIBLE}
YES_OR_NO: Schema = {
    "enum": [True, False, 0, 1, "true", "false", "yes", "no", "on", "off", "1", "0"],
    "description": "Other spellings of true and false are understood too.",
}
YES_NO_OR_NULL: Schema = {"anyOf": [YES_OR_NO, {"type": "null"}]}
EVENT_TYPE: Schema = {"enum": list(EVENT_TYPES)}
_TIME_OF_DAY: Schema = {
    "type": "string",
    "pattern": r"^([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9]([.,][0-9]{1,6})?)?$",
    "examples": ["08:00:00", "16:30"],
}
DEFINITION: Mapping[str, Schema] = {
    "sourceSystemIds": {
        "type": "array",
        "maxItems": MOST_MEMBERS,
        "items": {"type": "integer", "minimum": 1, "maximum": BIGGEST_PK},
        "description": "From one of these sources; an empty list does not matter.",
    },
    "tags": {
        "type": "array",
        "maxItems": MOST_MEMBERS,
        "items": {"type": "string", "minLength": SHORTEST_TAG, "pattern": r"^[^\s\u0000]{3}[^\u0000]*$"},
        "description": "`key=value`: for each key one of them; an empty list does not matter.",
    },
    "open": YES_NO_OR_NULL,
    "acked": YES_NO_OR_NULL,
    "stateful": YES_NO_OR_NULL,
    "maxlevel": {"anyOf": [LEVEL, {"type": "null"}], "description": "Of this level or worse."},
    "event_type": {"enum": [*EVENT_TYPES, None], "description": "Only events of this type notify."},
}


def recurrence(more: Mapping[str, Schema]) -> Schema:
    """A recurrence, with what a version knows beyond the rest."""
    return {
        "type": "object",
        "required": ["days"],
        "properties": {
            "days": {
                "type": "array",
                "items": {"enum": [*range(1, 8), *map(str, range(1, 8))]},
                "description": "1 is Monday; the days are those of the start.",
            },
            "start": {"description": "Needed unless it is all day: a time like 08:00:00, before the end."},
            "end": {"description": "Needed unless it is all day: a time like 16:30:00; 23:59:59.999999 is midnight."},
            "all_day": {**YES_NO_OR_NULL, "description": "Then start and end are not looked at."},
            **more,
        },
        "anyOf": [
            {"required": ["all_day"], "properties": {"all_day": {"enum": [True, 1, "true", "yes", "on", "1"]}}},
            {"required": ["start", "end"], "properties": {"start": _TIME_OF_DAY, "end": _TIME_OF_DAY}},
        ],
    }
