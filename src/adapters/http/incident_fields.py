"""The fields of incidents, events and logins that all versions of the API take alike; see `fields`."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from adapters.http import fields
from adapters.http.bodies import Form, parsed_json
from adapters.http.errors import Refused
from adapters.http.fields import Fields, Wrong
from adapters.http.queries import BIGGEST_PK
from adapters.http.shown import DISPLAYS
from argus_core.domain.accounts import NAME_BYTES
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import SourceId
from argus_core.domain.incidents import EventType, Level, Until
from argus_core.domain.limits import DESCRIPTION_BYTES, KEY_BYTES, URL_BYTES, Json
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit, IncidentReport

_PASSWORD_BYTES = 4_096
_NO_CHANGE = "The field is not allowed to be changed."
_NO_FIELD = "The field does not exist."
_EDITABLE = frozenset({"details_url", "ticket_url", "tags", "level", "description", "metadata"})
_FIXED = frozenset({"pk", "id", "start_time", "end_time", "source", "source_incident_id"})
_EVENT_TYPES = {type_.value: type_ for type_ in DISPLAYS}

description = fields.text(most_bytes=DESCRIPTION_BYTES)
_key = fields.text(most_bytes=KEY_BYTES)
_details_url = fields.text(most_bytes=URL_BYTES)
_username = fields.text(most_bytes=NAME_BYTES * 4, blank=False)
_password = fields.text(most_bytes=_PASSWORD_BYTES, trim=False, blank=False)


class NewIncident(NamedTuple):
    """What is reported, and for which source if one is named."""

    report: IncidentReport
    names_source: bool
    source_id: SourceId | None


class NewEvent(NamedTuple):
    """An event as somebody posts it."""

    type: EventType
    at: datetime | None
    why: str


class NewAck(NamedTuple):
    """An acknowledgement as somebody posts it."""

    at: datetime | None
    why: str
    expiration: datetime | None
    until: Until | None = None


class Login(NamedTuple):
    """Who wants to come in."""

    username: str
    password: str


def incident(data: Mapping[str, object], zone: ZoneInfo, *, metadata: bool) -> NewIncident:
    """
    A new incident; older versions know no metadata.

    Raises:
        Refused: with every field that is wrong.
    """
    taken = Fields(data)
    start_time = taken.required("start_time", fields.moment(zone))
    end_time = taken.nullable("end_time", fields.end(zone), None)
    report = IncidentReport(
        start_time=start_time,
        end_time=end_time,
        stateful=not taken.says_null("end_time"),
        source_incident_id=taken.optional("source_incident_id", _key, ""),
        level=taken.optional("level", fields.level, Level.INFORMATION),
        description=taken.optional("description", description, ""),
        details_url=taken.optional("details_url", _details_url, ""),
        ticket_url=taken.optional("ticket_url", fields.ticket, ""),
        tags=taken.required("tags", fields.tags),
        metadata=taken.optional("metadata", _json_in(data), {}) if metadata else {},
    )
    source = taken.nullable("source", fields.integer, None)
    taken.check()
    return NewIncident(report, "source" in taken, None if source is None else source_id(source))


def edit(data: Mapping[str, object]) -> Edit:
    """Changes to an incident; a field that cannot be changed is refused before all others are looked at."""
    refused = {name: _NO_CHANGE if name in _FIXED else _NO_FIELD for name in data if name not in _EDITABLE}
    if refused:
        raise Refused(400, refused)
    taken = Fields(data)
    wanted = Edit(
        details_url=taken.optional("details_url", _details_url, None),
        ticket_url=taken.optional("ticket_url", fields.ticket, None),
        level=taken.optional("level", fields.level, None),
        description=taken.optional("description", description, None),
        metadata=taken.optional("metadata", _json_in(data), None),
        tags=taken.optional("tags", fields.tags, None),
    )
    taken.check()
    return wanted


def event(data: Mapping[str, object], zone: ZoneInfo, *, from_source: bool) -> NewEvent:
    """A new event; only people may leave the timestamp out."""
    taken = Fields(data)
    read_moment = fields.moment(zone)
    at = taken.required("timestamp", read_moment) if from_source else taken.optional("timestamp", read_moment, None)
    new = NewEvent(
        taken.required("type", fields.choice(_EVENT_TYPES)),
        at,
        taken.optional("description", description, ""),
    )
    taken.optional("actor", fields.mapping, None)
    taken.check()
    return new


def expiration(data: Mapping[str, object], zone: ZoneInfo) -> datetime | None:
    """When an acknowledgement shall expire."""
    taken = Fields(data)
    moment = taken.nullable("expiration", fields.moment(zone), None)
    taken.check()
    return moment


def ticket(data: Mapping[str, object]) -> Edit:
    """Another ticket for an incident, or none."""
    taken = Fields(data)
    wanted = Edit(ticket_url=taken.required("ticket_url", fields.ticket_or_none))
    taken.check()
    return wanted


def tag(data: Mapping[str, object]) -> Tag:
    """One tag."""
    taken = Fields(data)
    new = taken.required("tag", fields.tag)
    taken.check()
    return new


def login(data: Mapping[str, object]) -> Login:
    """Who wants to come in, and how they prove who they are."""
    taken = Fields(data)
    who = Login(taken.required("username", _username), taken.required("password", _password))
    taken.check()
    return who


def source_id(number: int) -> SourceId:
    """
    The source somebody names.

    Raises:
        Invalid: there can be none of this number.
    """
    if not 1 <= number <= BIGGEST_PK:
        raise Invalid({"source": f'Invalid pk "{number}" - object does not exist.'})
    return SourceId(number)


def _json_in(data: Mapping[str, object]) -> Callable[[object], Json]:
    """JSON, which a form has in writing."""
    return _written_json if isinstance(data, Form) else lambda value: cast("Json", value)


def _written_json(value: object) -> Json:
    with suppress(Refused, UnicodeEncodeError):
        if isinstance(value, str):
            return cast("Json", parsed_json(value.encode()))
    raise Wrong.because("Value must be valid JSON.")
