"""JSON schemas of what API v2 takes, as lax as it really is: `inputs` reads the same."""

from collections.abc import Mapping

from adapters.http.schemas import (
    EXPIRATION,
    LEVEL,
    METADATA,
    MOMENT,
    NEW_EVENT,
    PK_IN,
    TAG,
    TAG_LIST,
    TEXT,
    TICKET,
    URL,
    Schema,
)
from adapters.http.v2.maintenance_schemas import MAINTENANCE_SCHEMAS
from adapters.http.v2.profile_schemas import PROFILE_SCHEMAS

_VISIBLE: Schema = {"type": "string", "maxLength": 200, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
_IDS: Schema = {"type": "array", "minItems": 1, "items": PK_IN, "description": "Pks of incidents; repeated ones count once."}
_NEW_ACK: Schema = {
    "type": "object",
    "properties": {
        "timestamp": {**MOMENT, "description": "Now unless given."},
        "description": TEXT,
        "expiration": EXPIRATION,
        "until": {
            "enum": ["level-rises", "resolved", None],
            "description": "What ends it besides: the incident gets worse than it is now, or is over.",
        },
    },
}

SCHEMAS: Mapping[str, Schema] = {
    **PROFILE_SCHEMAS,
    **MAINTENANCE_SCHEMAS,
    "NewSource": {
        "type": "object",
        "required": ["name", "type"],
        "properties": {
            "name": _VISIBLE,
            "type": {
                "anyOf": [_VISIBLE, {"type": "object", "required": ["name"], "properties": {"name": _VISIBLE}}],
                "description": "A type that there is, by its name or as answers show it.",
            },
            "base_url": {"anyOf": [{"const": ""}, URL], "description": "Where relative details_urls begin."},
        },
    },
    "NewSourceType": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"}},
    },
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
            "metadata": {**METADATA, "default": {}},
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
            "metadata": METADATA,
        },
        "additionalProperties": False,
    },
    "Ticket": {"type": "object", "required": ["ticket_url"], "properties": {"ticket_url": TICKET}},
    "NewEvent": NEW_EVENT,
    "NewAck": _NEW_ACK,
    "Expiration": {"type": "object", "properties": {"expiration": EXPIRATION}},
    "BulkAck": {"type": "object", "required": ["ids", "ack"], "properties": {"ids": _IDS, "ack": _NEW_ACK}},
    "BulkEvent": {"type": "object", "required": ["ids", "event"], "properties": {"ids": _IDS, "event": NEW_EVENT}},
    "BulkTicket": {"type": "object", "required": ["ids", "ticket_url"], "properties": {"ids": _IDS, "ticket_url": TICKET}},
    "NewTag": {"type": "object", "required": ["tag"], "properties": {"tag": TAG}},
    "LoginUnlessToken": {"description": "As Login. With a token it is not looked at, and may be missing."},
    "Login": {
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "username": {"type": ["string", "number"], "pattern": r"\S"},
            "password": {"type": ["string", "number"], "minLength": 1, "format": "password"},
        },
    },
}
