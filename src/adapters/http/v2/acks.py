"""Acknowledgements of an incident."""

from litestar import Router, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.routes import Operation, ack_id, incident_id, told
from adapters.http.services import Services
from adapters.http.v2.inputs import Inputs
from adapters.http.v2.shapes import AckOut, Shapes
from argus_core.ports.incidents import AckRow, event_row


def ack_routes(services: Services) -> Router:
    """Under `/api/v2/incidents/<pk>/acks`."""
    shapes = Shapes(services.zone)
    read = Inputs(services.zone)
    seen_by = services.reading.seen_by

    async def move_expiration(request: ApiRequest, pk: int, ack_pk: int) -> Answer:
        number, ack_number = incident_id(pk), ack_id(ack_pk)
        expiration = await read.expiration(request)
        await services.incidents.move_expiration(number, ack_number, expiration, actor=request.user, warrant=request.auth.token_id)
        return json_answer(shapes.ack(await seen_by(request.user).ack(number, ack_number)))

    @get("/", opt=told(Operation(summary="List the acknowledgements of an incident, newest first", answers={200: list[AckOut]})))
    async def many(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer([shapes.ack(row) for row in await seen_by(request.user).acks(incident_id(pk))])

    @post(
        "/",
        opt=told(Operation(summary="Acknowledge an incident", body="NewAck", body_required=False, answers={201: AckOut})),
    )
    async def add(request: ApiRequest, pk: FromPath[int]) -> Answer:
        number = incident_id(pk)
        new = await read.ack(request)
        change = await services.incidents.acknowledge(
            number, actor=request.user, at=new.at, why=new.why, expiration=new.expiration, until=new.until, warrant=request.auth.token_id
        )
        return json_answer(shapes.ack(AckRow(event_row(change.events[0]), new.expiration)), 201)

    @get("/{ack_pk:int}/", opt=told(Operation(summary="Get one acknowledgement", answers={200: AckOut})))
    async def one(request: ApiRequest, pk: FromPath[int], ack_pk: FromPath[int]) -> Answer:
        return json_answer(shapes.ack(await seen_by(request.user).ack(incident_id(pk), ack_id(ack_pk))))

    @put(
        "/{ack_pk:int}/",
        opt=told(Operation(summary="Move the expiration", body="Expiration", body_required=False, answers={200: AckOut})),
    )
    async def move(request: ApiRequest, pk: FromPath[int], ack_pk: FromPath[int]) -> Answer:
        return await move_expiration(request, pk, ack_pk)

    @patch(
        "/{ack_pk:int}/",
        opt=told(Operation(summary="As PUT", body="Expiration", body_required=False, answers={200: AckOut})),
    )
    async def move_too(request: ApiRequest, pk: FromPath[int], ack_pk: FromPath[int]) -> Answer:
        return await move_expiration(request, pk, ack_pk)

    return Router("/{pk:int}/acks", route_handlers=[many, add, one, move, move_too])
