"""JSON schemas of what API v2 takes about profiles and what they consist of: `profile_inputs` reads the same."""

from collections.abc import Mapping

from adapters.http.profile_fields import EVENT_TYPES, MOST_MEMBERS, SHORTEST_TAG
from adapters.http.queries import BIGGEST_PK
from adapters.http.schemas import LEVEL, NO_NUL, PK_IN, Schema
from argus_core.domain.destinations import LABEL_LENGTH
from argus_core.domain.expressions import DEPTH, MEMBERS, MOST_CLAUSES, MOST_MINUTES
from argus_core.domain.incidents import Level
from argus_core.domain.limits import KEY_BYTES
from argus_core.domain.profiles import MOST_FILTERS, NAME_LENGTH
from argus_core.domain.timeslots import MOST_RECURRENCES

_VISIBLE = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
_NAME: Schema = {"type": "string", "maxLength": NAME_LENGTH, "pattern": _VISIBLE}
_YES_OR_NO: Schema = {
    "enum": [True, False, 0, 1, "true", "false", "yes", "no", "on", "off", "1", "0"],
    "description": "Other spellings of true and false are understood too.",
}
_OR_NULL: Schema = {"anyOf": [_YES_OR_NO, {"type": "null"}]}
_TIME_OF_DAY: Schema = {
    "type": "string",
    "pattern": r"^([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9]([.,][0-9]{1,6})?)?$",
    "examples": ["08:00:00", "16:30"],
}
_RECURRENCE: Schema = {
    "type": "object",
    "required": ["days"],
    "properties": {
        "days": {
            "type": "array",
            "items": {"enum": [1, 2, 3, 4, 5, 6, 7, "1", "2", "3", "4", "5", "6", "7"]},
            "description": "1 is Monday; the days are those of the start.",
        },
        "start": {"description": "Needed unless it is all day: a time like 08:00:00. Before the end, unless that is on the next day."},
        "end": {"description": "Needed unless it is all day: a time like 16:30:00; 23:59:59.999999 is midnight."},
        "all_day": {**_OR_NULL, "description": "Then start and end are not looked at."},
        "ends_next_day": {**_OR_NULL, "description": "Whether the end belongs to the day after the start."},
    },
    "anyOf": [
        {"required": ["all_day"], "properties": {"all_day": {"enum": [True, 1, "true", "yes", "on", "1"]}}},
        {"required": ["start", "end"], "properties": {"start": _TIME_OF_DAY, "end": _TIME_OF_DAY}},
    ],
}
_TIMESLOT: Mapping[str, Schema] = {
    "name": _NAME,
    "time_recurrences": {"type": "array", "maxItems": MOST_RECURRENCES, "items": _RECURRENCE},
    "zone": {
        "type": ["string", "null"],
        "examples": ["Europe/Oslo"],
        "description": "An IANA time zone; the server's unless given.",
    },
}
_EXPRESSION: Schema = {"$ref": "#/components/schemas/Expression"}
_EVENT_TYPE: Schema = {"enum": list(EVENT_TYPES)}


def _one_of(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "maxItems": MEMBERS, "items": items}


_TEXT: Schema = {"type": "string", "pattern": _VISIBLE, "maxLength": KEY_BYTES}
_CLAUSES: Mapping[str, Schema] = {
    "all": _one_of(_EXPRESSION),
    "any": _one_of(_EXPRESSION),
    "not": _EXPRESSION,
    "open": {"type": "boolean"},
    "closed": {"type": "boolean"},
    "acked": {"type": "boolean"},
    "stateful": {"type": "boolean"},
    "ticket": {"type": "boolean"},
    "maxlevel": {"type": "integer", "minimum": 1, "maximum": int(Level.INFORMATION)},
    "tags": _one_of({**_TEXT, "pattern": r"^[^\u0000]*=[^\u0000]*$"}),
    "sources": _one_of({"type": "integer", "minimum": 1, "maximum": BIGGEST_PK}),
    "sourceTypes": _one_of(_TEXT),
    "eventTypes": _one_of(_EVENT_TYPE),
    "text": _TEXT,
    "minDuration": {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "description": "In minutes."},
}
_DEFINITION: Mapping[str, Schema] = {
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
    "open": _OR_NULL,
    "acked": _OR_NULL,
    "stateful": _OR_NULL,
    "maxlevel": {"anyOf": [LEVEL, {"type": "null"}], "description": "Of this level or worse."},
    "event_type": {"enum": [*EVENT_TYPES, None], "description": "Only events of this type notify."},
    "event_types": {
        "anyOf": [{"type": "array", "items": _EVENT_TYPE}, {"type": "null"}],
        "description": "Only events of these types notify; an empty list does not matter.",
    },
    "expression": {"anyOf": [_EXPRESSION, {"type": "null"}], "description": "Whatever the other keys cannot say; it must hold too."},
}
_FILTER: Mapping[str, Schema] = {
    "name": _NAME,
    "filter": {"$ref": "#/components/schemas/FilterDefinition"},
}
_DESTINATION: Mapping[str, Schema] = {
    "media": {
        "type": "string",
        "pattern": _VISIBLE,
        "examples": ["email", "sms"],
        "description": "The slug of a medium; it never changes.",
    },
    "settings": {"type": "object", "description": "What the medium's JSON schema describes. A secret that is left out stays."},
    "label": {"type": ["string", "null"], "maxLength": LABEL_LENGTH, "pattern": NO_NUL},
}
_PKS: Schema = {"type": "array", "items": PK_IN}
_PROFILE: Mapping[str, Schema] = {
    "name": {"type": ["string", "null"], "maxLength": NAME_LENGTH, "pattern": NO_NUL},
    "timeslot": PK_IN,
    "filters": {**_PKS, "minItems": 1, "maxItems": MOST_FILTERS, "description": "All of them must match."},
    "destinations": _PKS,
    "active": _YES_OR_NO,
}

PROFILE_SCHEMAS: Mapping[str, Schema] = {
    "NewTimeslot": {"type": "object", "required": ["name", "time_recurrences"], "properties": _TIMESLOT},
    "TimeslotPatch": {"type": "object", "properties": _TIMESLOT},
    "Expression": {
        "description": f"What must hold: exactly one key. Nested at most {DEPTH} levels deep, at most {MOST_CLAUSES} clauses in all.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": _CLAUSES,
        "additionalProperties": False,
    },
    "FilterDefinition": {
        "type": "object",
        "properties": _DEFINITION,
        "description": "All of it must hold; nothing at all matches nothing.",
    },
    "NewFilter": {"type": "object", "required": ["name"], "properties": _FILTER},
    "FilterPatch": {"type": "object", "properties": _FILTER},
    "NewDestination": {"type": "object", "required": ["media", "settings"], "properties": _DESTINATION},
    "DestinationPatch": {"type": "object", "properties": _DESTINATION},
    "NewProfile": {"type": "object", "required": ["timeslot", "filters"], "properties": _PROFILE},
    "ProfilePatch": {"type": "object", "properties": _PROFILE},
}
