"""JSON schemas of what API v2 takes about profiles and what they consist of: `profile_inputs` reads the same."""

from collections.abc import Mapping

from adapters.http.profile_schemas import DEFINITION, EVENT_TYPE, NAME, VISIBLE, YES_NO_OR_NULL, YES_OR_NO, recurrence
from adapters.http.queries import BIGGEST_PK
from adapters.http.schemas import NO_NUL, PK_IN, Schema
from argus_core.domain.destinations import LABEL_LENGTH
from argus_core.domain.expressions import DEPTH, MEMBERS, MOST_CLAUSES, MOST_MINUTES
from argus_core.domain.incidents import Level
from argus_core.domain.limits import KEY_BYTES
from argus_core.domain.profiles import LONGEST_WAIT, MOST_FILTERS, NAME_LENGTH
from argus_core.domain.timeslots import MOST_RECURRENCES

ENDS_NEXT_DAY: Schema = {
    **YES_NO_OR_NULL,
    "description": "Whether the end belongs to the day after the start; only then may it be earlier than the start.",
}
_TIMESLOT: Mapping[str, Schema] = {
    "name": NAME,
    "time_recurrences": {"type": "array", "maxItems": MOST_RECURRENCES, "items": recurrence({"ends_next_day": ENDS_NEXT_DAY})},
    "zone": {
        "type": ["string", "null"],
        "examples": ["Europe/Oslo"],
        "description": "An IANA time zone; the server's unless given.",
    },
}
_EXPRESSION: Schema = {"$ref": "#/components/schemas/Expression"}


def _one_of(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "maxItems": MEMBERS, "items": items}


_TEXT: Schema = {"type": "string", "pattern": VISIBLE, "maxLength": KEY_BYTES}
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
    "eventTypes": _one_of(EVENT_TYPE),
    "text": _TEXT,
    "minDuration": {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "description": "In minutes."},
}
_DEFINITION: Mapping[str, Schema] = {
    **DEFINITION,
    "event_types": {
        "anyOf": [{"type": "array", "items": EVENT_TYPE}, {"type": "null"}],
        "description": "Only events of these types notify; an empty list does not matter.",
    },
    "expression": {"anyOf": [_EXPRESSION, {"type": "null"}], "description": "Whatever the other keys cannot say; it must hold too."},
}
_FILTER: Mapping[str, Schema] = {
    "name": NAME,
    "filter": {"$ref": "#/components/schemas/FilterDefinition"},
}
_DESTINATION: Mapping[str, Schema] = {
    "media": {
        "type": "string",
        "pattern": VISIBLE,
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
    "active": YES_OR_NO,
    "digest": {
        "type": ["string", "null"],
        "pattern": r"^([0-9]{1,4}m|[0-2][0-9]:[0-5][0-9])?$",
        "examples": ["30m", "08:00"],
        "description": "Tell in one message, so many minutes after the first event (1m to 1440m), or at a time of day.",
    },
    "escalate_after": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": int(LONGEST_WAIT.total_seconds()) // 60,
        "description": "Tells only of what has been open and unacknowledged for so many minutes.",
    },
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
