"""One change for many incidents: each obeys the rules of a single one, and has its own status."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from litestar import Router, post

from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.errors import refusal
from adapters.http.queries import BIGGEST_PK
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v2 import inputs
from adapters.http.v2.inputs import Inputs
from adapters.http.v2.shapes import (
    AckChangeOut,
    AckChangesOut,
    EventChangeOut,
    EventChangesOut,
    Shapes,
    TicketChangeOut,
    TicketChangesOut,
)
from argus_core.domain.errors import DomainError
from argus_core.domain.ids import IncidentId
from argus_core.domain.transitions import Change
from argus_core.ports.incidents import AckRow, event_row

_Outcome = Change | DomainError | None


def bulk_routes(services: Services) -> Router:
    """Under `/api/v2/incidents`."""
    shapes = Shapes(services.zone)
    read = Inputs(services.zone)

    @post(
        "/acks/bulk/",
        opt=told(
            Operation(
                summary="Acknowledge many incidents",
                body="BulkAck",
                answers={201: AckChangesOut},
                errors={400: "ErrorsOrChanges"},
            )
        ),
    )
    async def acks(request: ApiRequest) -> Answer:
        ids, new = await read.bulk_ack(request)
        outcomes = await services.incidents.acknowledge_each(
            _possible(ids),
            actor=request.user,
            at=new.at,
            why=new.why,
            expiration=new.expiration,
            until=new.until,
            warrant=request.auth.token_id,
        )

        def done(change: Change) -> AckChangeOut:
            return AckChangeOut(shapes.ack(AckRow(event_row(change.events[0]), new.expiration)), 201, None)

        return _answer(AckChangesOut, ids, outcomes, done, lambda errors: AckChangeOut(None, 400, errors))

    @post(
        "/events/bulk/",
        opt=told(
            Operation(
                summary="Post an event to many incidents",
                body="BulkEvent",
                answers={201: EventChangesOut},
                errors={400: "ErrorsOrChanges"},
            )
        ),
    )
    async def events(request: ApiRequest) -> Answer:
        ids, new = await read.bulk_event(request)
        outcomes = await services.incidents.post_to_each(
            _possible(ids), new.type, actor=request.user, at=new.at, why=new.why, warrant=request.auth.token_id
        )

        def done(change: Change) -> EventChangeOut:
            return EventChangeOut(shapes.event(event_row(change.events[0])), 201, None)

        return _answer(EventChangesOut, ids, outcomes, done, lambda errors: EventChangeOut(None, 400, errors))

    @post(
        "/ticket_url/bulk/",
        opt=told(
            Operation(
                summary="Set or remove the ticket of many incidents",
                body="BulkTicket",
                answers={201: TicketChangesOut},
                errors={400: "ErrorsOrChanges"},
            )
        ),
    )
    async def tickets(request: ApiRequest) -> Answer:
        ids, edit = await inputs.bulk_ticket(request)
        outcomes = await services.incidents.edit_each(_possible(ids), edit, actor=request.user, warrant=request.auth.token_id)

        def done(change: Change) -> TicketChangeOut:
            return TicketChangeOut(change.incident.ticket_url, 201, None)

        return _answer(TicketChangesOut, ids, outcomes, done, lambda errors: TicketChangeOut(None, 400, errors))

    return Router("/", route_handlers=[acks, events, tickets])


def _possible(ids: Sequence[IncidentId]) -> Sequence[IncidentId]:
    return [incident_id for incident_id in ids if 1 <= incident_id <= BIGGEST_PK]


def _answer(
    shape: Callable[[dict[str, Any]], object],
    ids: Sequence[IncidentId],
    outcomes: Sequence[_Outcome],
    done: Callable[[Change], object],
    refused: Callable[[object], object],
) -> Answer:
    """201 when at least one went through."""
    by_id: Mapping[int, _Outcome] = dict(zip(_possible(ids), outcomes, strict=True))
    changes: dict[str, Any] = {}
    for number in ids:
        match by_id.get(number):
            case Change() as change:
                changes[str(number)] = done(change)
            case DomainError() as error:
                changes[str(number)] = refused(refusal(error).body)
            case None:
                changes[str(number)] = refused({"ids": f"Incident with id {number} could not be found."})
    went_through = any(isinstance(outcome, Change) for outcome in outcomes)
    return json_answer(shape(changes), 201 if went_through else 400)
