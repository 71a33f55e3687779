"""JSON schemas of what all versions of the API take alike, as lax as it really is, and of the parameters of lists."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from adapters.http.queries import BIGGEST_PK, DEFAULT_PAGE_SIZE
from adapters.http.shown import DISPLAYS
from adapters.http.times import TIME_OF_DAY
from argus_core.domain.limits import TAGS

Schema: TypeAlias = Mapping[str, Any]

NO_NUL = r"^[^\u0000]*$"
_BIGGEST = 1.7976931348623157e308
TEXT: Schema = {"type": ["string", "number"], "pattern": NO_NUL, "description": "Blanks around it are cut; a number becomes a text."}
URL: Schema = {
    "type": "string",
    "pattern": (
        r"^\s*([Hh][Tt][Tt][Pp]|[Ff][Tt][Pp])[Ss]?://"
        r"([^\s\u0000:@/?#\[\]]+(:[^\s\u0000:@/?#\[\]]*)?@)?"
        r"(\[[0-9A-Fa-f:.]+\]|[^\s\u0000:@/?#\[\]<>\"\\^`{|}]+)(:[0-9]{1,5})?([/?#][^\s\u0000<>\"]*)?\s*$"
    ),
    "examples": ["https://tickettracker.example.org/tickets/987654/"],
}
# Whoever has to know about 29 February does.
_DATE = (
    "(19(0[1-9]|[1-9][0-9])|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-7])-"
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
MOMENT_PATTERN = f"^{_DATE}{TIME_OF_DAY}$"
MOMENT: Schema = {
    "type": "string",
    "pattern": MOMENT_PATTERN,
    "description": "ISO 8601, from 1900 to 9998. Without an offset it is the time of the server's zone, a date alone its midnight.",
    "examples": ["2011-11-11T11:11:11+02:00", "2011-11-11 11:11:11.235877"],
}
LEVEL: Schema = {"enum": [1, 2, 3, 4, 5, "1", "2", "3", "4", "5"], "description": "1 is critical, 5 is information."}
TAG: Schema = {
    "type": "string",
    "pattern": r"^\s*[a-z0-9_]+\s*=[^\u0000]*$",
    "examples": ["location=attic"],
    "description": "`key=value`: the key of lower case letters, digits and underscores, the value may be empty.",
}
TAG_LIST: Schema = {
    "type": "array",
    "maxItems": TAGS,
    "items": {"type": "object", "required": ["tag"], "properties": {"tag": TAG}},
}
PK_IN: Schema = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\s*-?[0-9]+(\.0)?\s*$"}]}
EXPIRATION: Schema = {"anyOf": [MOMENT, {"type": "null"}], "description": "Null or absent: it holds for good."}
EVENT_TYPE: Schema = {
    "enum": [type_.value for type_ in DISPLAYS],
    "description": "Sources post END, OTH, CHI, LES; people CLO, REO, OTH. Acknowledgements are posted to acks/.",
}
NEW_EVENT: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": EVENT_TYPE,
        "timestamp": {**MOMENT, "description": "Sources have to give it; for people it is now unless given."},
        "description": TEXT,
        "actor": {"type": "object", "description": "Ignored: it is whoever asks."},
    },
}
TICKET: Schema = {"anyOf": [{"const": ""}, URL], "description": "Empty removes the ticket."}

JSON: Schema = {"$ref": "#/components/schemas/Json"}
COMMON: Mapping[str, Schema] = {
    "Json": {
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            {"type": "string", "pattern": NO_NUL},
            {"type": "array", "items": JSON},
            {"type": "object", "propertyNames": {"pattern": NO_NUL}, "additionalProperties": JSON},
        ],
    },
}
"""What the schemas of all versions refer to."""

METADATA: Schema = {"allOf": [JSON, {"not": {"type": "null"}}], "description": "Any JSON but null, nested at most 32 levels deep."}


def _parameter(name: str, description: str, schema: Schema, *, form: bool = False) -> Schema:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema,
        **({"style": "form", "explode": False} if form else {}),
    }


_BOOLEAN: Schema = {"type": "string", "examples": ["true", "false"], "description": "Anything but true, false, 1, 0 filters nothing."}
_OR_EMPTY: Schema = {"const": ""}
_WHEN: Schema = {"anyOf": [_OR_EMPTY, {"type": "string", "pattern": MOMENT_PATTERN}]}
_NUMBER: Schema = {"anyOf": [_OR_EMPTY, {"type": "number", "minimum": -_BIGGEST, "maximum": _BIGGEST}]}
_PKS: Schema = {"anyOf": [_OR_EMPTY, {"type": "string", "pattern": r"^[\s,]*-?[0-9]{1,400}(\s*,[\s,]*-?[0-9]{1,400})*[\s,]*$"}]}
_PK_IN_QUERY: Schema = {"anyOf": [_OR_EMPTY, {"type": "string", "pattern": r"^\s*-?[0-9]{1,400}\s*$"}]}
_WORDS: Schema = {"type": "string", "pattern": NO_NUL}
_TAGS_IN_QUERY: Schema = {"anyOf": [_OR_EMPTY, {"type": "string", "pattern": r"^[a-z0-9_]+=[^,\s\u0000]+(,[a-z0-9_]+=[^,\s\u0000]+)*$"}]}

FILTERS_OF_MINE: tuple[Schema, ...] = (
    _parameter("acked", "Only acknowledged ones, or only others.", _BOOLEAN),
    _parameter("duration__gte", "Open for so many minutes or longer.", _NUMBER),
    _parameter("end_time__gte", "Ended then or later, open ones included.", _WHEN),
    _parameter("end_time__isnull", "Only stateless ones, or only others.", _BOOLEAN),
    _parameter("end_time__lte", "Ended then or earlier.", _WHEN),
    _parameter("filter_pk", "Those that one of one's own filters matches; none for another's.", _PK_IN_QUERY),
    _parameter("id__in", "Only these: pks, separated by commas.", _PKS),
    _parameter(
        "notificationprofile_pk",
        "Those that all filters of one of one's own notification profiles match; none for another's.",
        _PK_IN_QUERY,
    ),
    _parameter("open", "Only open ones, or only closed ones.", _BOOLEAN),
    _parameter(
        "search", "Texts separated by commas, 32 at most: the descriptions of its events hold each of them; case does not matter.", _WORDS
    ),
    _parameter("source_incident_id", "What the source calls it.", _WORDS),
    _parameter("start_time__gte", "Started then or later.", _WHEN),
    _parameter("start_time__lte", "Started then or earlier.", _WHEN),
    _parameter("stateful", "Only stateful ones, or only stateless ones.", _BOOLEAN),
    _parameter("tags", "`key=value`, separated by commas: for each key one of them.", _TAGS_IN_QUERY),
    _parameter("ticket", "Only those with a ticket, or only others.", _BOOLEAN),
)
FILTERS: tuple[Schema, ...] = (
    *FILTERS_OF_MINE,
    _parameter("level__lte", "Of this level or worse.", _NUMBER),
    _parameter("source__id__in", "From one of these sources: pks, separated by commas.", _PKS),
    _parameter("source__name__in", "From one of these sources: names, separated by commas.", _WORDS),
    _parameter("source__type__in", "From a source of one of these types: names, separated by commas.", _WORDS),
)
PAGING: tuple[Schema, ...] = (
    _parameter("count", "`true` also counts what is on all pages.", {"type": "string", "examples": ["true"]}),
    _parameter("cursor", "From the links of another page.", {"type": "string"}),
    _parameter(
        "page_size",
        f"How many, at most as many as ARGUS_UNPAGED_LIMIT allows; what makes no sense is {DEFAULT_PAGE_SIZE}.",
        {"type": "string", "examples": ["100"]},
    ),
)
PK: Schema = {"type": "integer", "minimum": 1, "maximum": BIGGEST_PK}
