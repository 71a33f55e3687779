"""Planned maintenance: everybody may look at it, staff plans it."""

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.lists import unpaged
from adapters.http.origins import origin_of
from adapters.http.routes import Operation, maintenance_id, told
from adapters.http.services import Services
from adapters.http.v2 import maintenance_inputs
from adapters.http.v2.filters import INCIDENTS
from adapters.http.v2.maintenance_shapes import MaintenanceOut, MaintenanceShapes
from adapters.http.v2.profile_shapes import ProfileShapes
from adapters.http.v2.shapes import IncidentOut, Shapes
from argus_core.domain.permissions import Act, require

_LIST = Operation(summary="List all planned maintenance, the oldest first", answers={200: list[MaintenanceOut]})
_ADD = Operation(summary="Plan maintenance", body="NewMaintenance", answers={201: MaintenanceOut})
_ONE = Operation(summary="Get one planned maintenance", answers={200: MaintenanceOut})
_CHANGE = Operation(
    summary="Change parts of a planned maintenance that is not over; once it has begun, its start stays",
    body="MaintenancePatch",
    body_required=False,
    answers={200: MaintenanceOut},
)
_CANCEL = Operation(
    summary="Call planned maintenance off: one that has begun ends now, others are gone", answers={NO_CONTENT: None}, errors={400: "Errors"}
)
_PREVIEW = Operation(
    summary="List incidents that its filters match, newest start first, as many as one answer has", answers={200: list[IncidentOut]}
)


def maintenance_routes(services: Services) -> Router:
    """Under `/api/v2/plannedmaintenance`."""
    shapes = MaintenanceShapes(ProfileShapes(services.media, services.zone.key), services.zone)
    incident_shapes = Shapes(services.zone)
    maintenance = services.maintenance

    @get("/", opt=told(_LIST))
    async def many() -> Answer:
        now = services.clock()
        return json_answer([shapes.maintenance(one, now) for one in await maintenance.all()])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        require(request.user, Act.PLAN_MAINTENANCE)  # before anything is found wrong with the body
        new = await maintenance_inputs.new_maintenance(request, services.zone)
        made = await maintenance.seen_from(origin_of(request)).plan(request.user, **new._asdict())
        return json_answer(shapes.maintenance(made, services.clock()), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(pk: FromPath[int]) -> Answer:
        return json_answer(shapes.maintenance(await maintenance.one(maintenance_id(pk)), services.clock()))

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def change(request: ApiRequest, pk: FromPath[int]) -> Answer:
        require(request.user, Act.PLAN_MAINTENANCE)
        number = (await maintenance.one(maintenance_id(pk))).id
        wanted = await maintenance_inputs.maintenance_change(request, services.zone)
        made = await maintenance.seen_from(origin_of(request)).change(request.user, number, wanted.change, wanted.filter_ids)
        return json_answer(shapes.maintenance(made, services.clock()))

    @delete("/{pk:int}/", status_code=200, opt=told(_CANCEL, Access.FRESH_TOKEN))
    async def cancel(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await maintenance.seen_from(origin_of(request)).cancel(request.user, maintenance_id(pk))
        return Answer(NO_CONTENT)

    @get("/{pk:int}/preview/", opt=told(_PREVIEW))
    async def preview(request: ApiRequest, pk: FromPath[int]) -> Answer:
        planned = await maintenance.one(maintenance_id(pk))
        now = services.clock()
        rows, headers = await unpaged(services, request, planned.condition, now, path=INCIDENTS, query=None)
        return json_answer(incident_shapes.incidents(rows, now), 200, *headers)

    return Router("/plannedmaintenance", route_handlers=[many, add, one, change, cancel, preview])
