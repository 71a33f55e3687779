"""JSON schemas of what API v1 takes, as lax as it really is: `inputs` reads the same."""

from collections.abc import Mapping

from adapters.http.profile_schemas import DEFINITION, NAME, YES_OR_NO, recurrence
from adapters.http.schemas import EXPIRATION, LEVEL, METADATA, MOMENT, NEW_EVENT, PK_IN, TAG, TAG_LIST, TEXT, TICKET, URL, Schema
from argus_core.domain.profiles import MOST_FILTERS
from argus_core.domain.timeslots import MOST_RECURRENCES

_TIMESLOT: Mapping[str, Schema] = {
    "name": NAME,
    "time_recurrences": {"type": "array", "maxItems": MOST_RECURRENCES, "items": recurrence({})},
}
_FILTER: Mapping[str, Schema] = {
    "name": NAME,
    "filter": {"type": "object", "properties": DEFINITION},
    "filter_string": {
        "type": "string",
        "contentMediaType": "application/json",
        "description": "An object in JSON with the keys `sourceSystemIds` and `tags`, for what `filter` does not say of them.",
        "examples": ['{"sourceSystemIds": [1], "tags": ["key1=value1"]}'],
    },
}
_PROFILE: Mapping[str, Schema] = {
    "timeslot": {**PK_IN, "description": "The pk of a timeslot of one's own."},
    "filters": {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_FILTERS,
        "items": PK_IN,
        "description": "Pks of filters of one's own: all must match.",
    },
    "media": {
        "type": "array",
        "items": {"enum": ["EM", "SM"]},
        "default": ["EM"],
        "description": "EM is the address of one's account, SM the phone number. An empty list leaves things as they are.",
    },
    "phone_number": {"anyOf": [PK_IN, {"type": "null"}], "description": "The pk of a phone number of one's own; needed for SM."},
    "active": {**YES_OR_NO, "default": True},
}
_ACK_EVENT: Schema = {
    "type": "object",
    "properties": {"timestamp": {**MOMENT, "description": "Now unless given."}, "description": TEXT},
}

SCHEMAS: Mapping[str, Schema] = {
    "NewIncident": {
        "type": "object",
        "required": ["start_time", "tags"],
        "properties": {
            "start_time": MOMENT,
            "end_time": {
                "anyOf": [{"enum": ["infinity", "-infinity"]}, MOMENT, {"type": "null"}],
                "default": "infinity",
                "description": "`infinity` or absent: it is open. Null: it is a moment and never has an end.",
            },
            "tags": TAG_LIST,
            "source": {**PK_IN, "description": "Only superusers may and must name it; otherwise it is the user's own."},
            "source_incident_id": {**TEXT, "description": "Unique for the source unless it is empty."},
            "details_url": {**TEXT, "description": "May be relative to the source's base_url."},
            "description": TEXT,
            "level": {**LEVEL, "default": 5},
            "ticket_url": URL,
        },
    },
    "IncidentPatch": {
        "type": "object",
        "properties": {
            "details_url": TEXT,
            "ticket_url": URL,
            "tags": {**TAG_LIST, "description": "Replaces the whole set. Only superusers may remove what others added."},
            "level": LEVEL,
            "description": TEXT,
            "metadata": {**METADATA, "description": "Shown by newer versions of the API only."},
        },
        "additionalProperties": False,
    },
    "Ticket": {"type": "object", "required": ["ticket_url"], "properties": {"ticket_url": TICKET}},
    "NewEvent": NEW_EVENT,
    "NewAck": {"type": "object", "properties": {"event": _ACK_EVENT, "expiration": EXPIRATION}},
    "Expiration": {"type": "object", "properties": {"expiration": EXPIRATION}},
    "NewTag": {"type": "object", "required": ["tag"], "properties": {"tag": TAG}},
    "Login": {
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": {"type": ["string", "number"], "pattern": r"\S"},
            "password": {"type": ["string", "number"], "minLength": 1, "format": "password"},
        },
    },
    "PhoneNumber": {
        "type": "object",
        "required": ["phone_number"],
        "properties": {"phone_number": {"type": "string", "description": "With the country code.", "examples": ["+4790909090"]}},
    },
    "Timeslot": {
        "type": "object",
        "required": ["name", "time_recurrences"],
        "properties": _TIMESLOT,
    },
    "TimeslotPatch": {"type": "object", "properties": _TIMESLOT},
    "Filter": {"type": "object", "required": ["name"], "properties": _FILTER},
    "FilterPatch": {"type": "object", "properties": _FILTER},
    "FilterDefinition": {"type": "object", "properties": DEFINITION},
    "Profile": {"type": "object", "required": ["timeslot", "filters"], "properties": _PROFILE},
    "ProfilePatch": {"type": "object", "properties": _PROFILE},
}
