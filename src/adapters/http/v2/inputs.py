"""What API v2 takes: bodies become values of the domain, or a refusal that names every bad field. `schemas` describes the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.http import fields, incident_fields, times
from adapters.http.bodies import ApiRequest, fields_of, media_type, read
from adapters.http.bodies import fields as body_fields
from adapters.http.errors import Refused
from adapters.http.fields import Fields
from adapters.http.incident_fields import Login, NewAck, NewEvent, NewIncident
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import IncidentId
from argus_core.domain.incidents import Level, Until
from argus_core.domain.limits import TAGS, Json
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Edit, IncidentReport


class _TagIn(Struct, gc=False):
    tag: str


class _IncidentIn(Struct, gc=False):
    """An incident as well-behaved sources post it; any other goes the long way."""

    start_time: str
    tags: list[_TagIn]
    end_time: str | None = "infinity"
    source: int | UnsetType = UNSET
    source_incident_id: str | int = ""
    details_url: str = ""
    description: str = ""
    level: int = 5
    ticket_url: str | UnsetType = UNSET
    metadata: Any = UNSET


UNTIL = {until.value: until for until in Until}
_decode_incident = msgspec.json.Decoder(_IncidentIn).decode


@dataclass(frozen=True, slots=True)
class Inputs:
    """Reads bodies; naive times are those of the zone."""

    zone: ZoneInfo

    async def incident(self, request: ApiRequest) -> NewIncident:
        """
        A new incident.

        Raises:
            Refused: with every field that is wrong.
        """
        body = await read(request)
        if media_type(request) == "application/json" and (new := self.well_formed_incident(body)):
            return new
        return self.any_incident(await fields_of(request, body) if body else {})

    def well_formed_incident(self, body: bytes) -> NewIncident | None:
        """The incident in one step, if nothing about it is unusual."""
        try:
            shape = _decode_incident(body)
            if len(shape.tags) > TAGS:
                return None
            report = IncidentReport(
                start_time=times.moment(shape.start_time, self.zone),
                end_time=None if shape.end_time is None else times.end(shape.end_time, self.zone),
                stateful=shape.end_time is not None,
                source_incident_id=str(shape.source_incident_id).strip(),
                level=Level(shape.level),
                description=shape.description.strip(),
                details_url=shape.details_url.strip(),
                ticket_url=fields.ticket(shape.ticket_url) if shape.ticket_url is not UNSET else "",
                tags=tuple([Tag.parse(item.tag) for item in shape.tags]),
                metadata={} if shape.metadata is UNSET else _not_null(shape.metadata),
            )
        except (msgspec.DecodeError, RecursionError, ValueError, Invalid, fields.Wrong):
            return None
        if shape.source is UNSET:
            return NewIncident(report, names_source=False, source_id=None)
        return NewIncident(report, names_source=True, source_id=incident_fields.source_id(shape.source))

    def any_incident(self, data: Mapping[str, object]) -> NewIncident:
        """The incident, field by field."""
        return incident_fields.incident(data, self.zone, metadata=True)

    async def event(self, request: ApiRequest) -> NewEvent:
        """A new event."""
        return self.event_of(await body_fields(request), from_source=request.user.is_source)

    def event_of(self, data: Mapping[str, object], *, from_source: bool) -> NewEvent:
        """A new event; only people may leave the timestamp out."""
        return incident_fields.event(data, self.zone, from_source=from_source)

    async def ack(self, request: ApiRequest) -> NewAck:
        """A new acknowledgement."""
        return self.ack_of(await body_fields(request))

    def ack_of(self, data: Mapping[str, object]) -> NewAck:
        """A new acknowledgement."""
        taken = Fields(data)
        read_moment = fields.moment(self.zone)
        new = NewAck(
            taken.optional("timestamp", read_moment, None),
            taken.optional("description", incident_fields.description, ""),
            taken.nullable("expiration", read_moment, None),
            taken.nullable("until", fields.choice(UNTIL), None),
        )
        taken.check()
        return new

    async def expiration(self, request: ApiRequest) -> datetime | None:
        """When an acknowledgement shall expire."""
        return incident_fields.expiration(await body_fields(request), self.zone)

    async def bulk_event(self, request: ApiRequest) -> tuple[Sequence[IncidentId], NewEvent]:
        """An event for many incidents."""
        taken = Fields(await body_fields(request))
        ids = taken.several("ids", fields.integers)
        event = taken.required("event", lambda value: self._nested_event(value, from_source=request.user.is_source))
        taken.check()
        return _distinct(ids), event

    async def bulk_ack(self, request: ApiRequest) -> tuple[Sequence[IncidentId], NewAck]:
        """An acknowledgement for many incidents."""
        taken = Fields(await body_fields(request))
        ids = taken.several("ids", fields.integers)
        ack = taken.required("ack", self._nested_ack)
        taken.check()
        return _distinct(ids), ack

    def _nested_event(self, value: object, *, from_source: bool) -> NewEvent:
        try:
            return self.event_of(fields.mapping(value), from_source=from_source)
        except Refused as refused:
            raise fields.Wrong(refused.body) from None

    def _nested_ack(self, value: object) -> NewAck:
        try:
            return self.ack_of(fields.mapping(value))
        except Refused as refused:
            raise fields.Wrong(refused.body) from None


async def ticket(request: ApiRequest) -> Edit:
    """Another ticket for an incident, or none."""
    return incident_fields.ticket(await body_fields(request))


async def bulk_ticket(request: ApiRequest) -> tuple[Sequence[IncidentId], Edit]:
    """Another ticket for many incidents, or none."""
    taken = Fields(await body_fields(request))
    ids = taken.several("ids", fields.integers)
    edit = Edit(ticket_url=taken.required("ticket_url", fields.ticket_or_none))
    taken.check()
    return _distinct(ids), edit


async def edit(request: ApiRequest) -> Edit:
    """Changes to an incident; a field that cannot be changed is refused before all others are looked at."""
    return incident_fields.edit(await body_fields(request))


async def tag(request: ApiRequest) -> Tag:
    """One tag."""
    return incident_fields.tag(await body_fields(request))


async def login(request: ApiRequest) -> Login:
    """Who wants to come in, and how they prove who they are."""
    return incident_fields.login(await body_fields(request))


def _not_null(metadata: Json) -> Json:
    if metadata is None:
        raise ValueError("metadata")
    return metadata


def _distinct(ids: Sequence[int]) -> Sequence[IncidentId]:
    return [IncidentId(number) for number in dict.fromkeys(ids)]
