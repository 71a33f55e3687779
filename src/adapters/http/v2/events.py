"""What happened to an incident, and adding to it."""

from litestar import Router, get, post
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.routes import Operation, event_id, incident_id, told
from adapters.http.services import Services
from adapters.http.v2.inputs import Inputs
from adapters.http.v2.shapes import EventOut, Shapes
from argus_core.ports.incidents import event_row


def event_routes(services: Services) -> Router:
    """Under `/api/v2/incidents/<pk>/events`."""
    shapes = Shapes(services.zone)
    read = Inputs(services.zone)
    seen_by = services.reading.seen_by

    @get("/", opt=told(Operation(summary="List the events of an incident, newest first", answers={200: list[EventOut]})))
    async def many(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer([shapes.event(row) for row in await seen_by(request.user).events(incident_id(pk))])

    @post("/", opt=told(Operation(summary="Post an event", body="NewEvent", answers={201: EventOut})))
    async def add(request: ApiRequest, pk: FromPath[int]) -> Answer:
        number = incident_id(pk)
        new = await read.event(request)
        change = await services.incidents.post(number, new.type, actor=request.user, at=new.at, why=new.why, warrant=request.auth.token_id)
        return json_answer(shapes.event(event_row(change.events[0])), 201)

    @get("/{event_pk:int}/", opt=told(Operation(summary="Get one event", answers={200: EventOut})))
    async def one(request: ApiRequest, pk: FromPath[int], event_pk: FromPath[int]) -> Answer:
        return json_answer(shapes.event(await seen_by(request.user).event(incident_id(pk), event_id(event_pk))))

    return Router("/{pk:int}/events", route_handlers=[many, add, one])
