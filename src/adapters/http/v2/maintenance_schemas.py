"""JSON schemas of what API v2 takes about planned maintenance: `maintenance_inputs` reads the same."""

from collections.abc import Mapping

from adapters.http.profile_schemas import recurrence
from adapters.http.schemas import MOMENT, PK_IN, TEXT, Schema
from adapters.http.v2.profile_schemas import ENDS_NEXT_DAY
from argus_core.domain.profiles import MOST_FILTERS
from argus_core.domain.timeslots import MOST_RECURRENCES

_WEEKS: Schema = {
    "type": "array",
    "items": {"enum": [1, 2, 3, 4, 5, -1, "1", "2", "3", "4", "5", "-1"]},
    "description": "Only on the first, second, … such weekday of a month; -1 is the last one. Every week unless given.",
}
_MAINTENANCE: Mapping[str, Schema] = {
    "start_time": {**MOMENT, "description": "It begins now at the earliest."},
    "end_time": {
        "anyOf": [{"const": "infinity"}, MOMENT, {"type": "null"}],
        "default": "infinity",
        "description": "`infinity` or absent: until somebody ends it.",
    },
    "description": TEXT,
    "filters": {
        "type": "array",
        "items": PK_IN,
        "minItems": 1,
        "maxItems": MOST_FILTERS,
        "description": "Filters of one's own, as they are now: later edits do not count. All of them must match the incident.",
    },
    "time_recurrences": {
        "type": "array",
        "maxItems": MOST_RECURRENCES,
        "items": recurrence({"ends_next_day": ENDS_NEXT_DAY, "weeks": _WEEKS}),
        "description": "Between start and end it only runs in these; without any it always does.",
    },
    "zone": {
        "type": ["string", "null"],
        "examples": ["Europe/Oslo"],
        "description": "The IANA time zone of `time_recurrences`; the server's unless given.",
    },
}

MAINTENANCE_SCHEMAS: Mapping[str, Schema] = {
    "NewMaintenance": {"type": "object", "required": ["start_time", "filters"], "properties": _MAINTENANCE},
    "MaintenancePatch": {"type": "object", "properties": _MAINTENANCE},
}
