"""Filters that people keep, and what one would match."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.lists import as_query, unpaged
from adapters.http.routes import Operation, filter_id, told
from adapters.http.services import Services
from adapters.http.v2 import profile_inputs
from adapters.http.v2.profile_shapes import FilterOut, ProfileShapes
from adapters.http.v2.shapes import IncidentOut, Shapes
from argus_core.domain.saved_filters import SavedFilter

INCIDENTS = "/api/v2/incidents/"

_LIST = Operation(summary="List one's own filters", answers={200: list[FilterOut]})
_ADD = Operation(summary="Make a filter", body="NewFilter", answers={201: FilterOut})
_ONE = Operation(summary="Get one of one's own filters", answers={200: FilterOut})
_REPLACE = Operation(summary="Replace a filter", body="NewFilter", answers={200: FilterOut})
_CHANGE = Operation(summary="Change parts of a filter", body="FilterPatch", body_required=False, answers={200: FilterOut})
_REMOVE = Operation(summary="Delete a filter that no profile uses", answers={NO_CONTENT: None}, errors={400: "Sentence"})
_PREVIEW = Operation(
    summary="List incidents that a filter would match, newest start first, as many as one answer has",
    body="FilterDefinition",
    body_required=False,
    answers={200: list[IncidentOut]},
    any_scope=True,
)


def filter_routes(services: Services) -> Router:
    """Under `/api/v2/notificationprofiles/filters`."""
    shapes = ProfileShapes(services.media, services.zone.key)
    profiles = services.profiles

    async def own(request: ApiRequest, pk: int) -> SavedFilter:
        return (await profiles.belongings(request.user.id)).filter(filter_id(pk))

    async def change(request: ApiRequest, pk: int, *, whole: bool) -> Answer:
        present = await own(request, pk)
        wanted = await profile_inputs.filter_change(request, whole=whole)
        return json_answer(shapes.filter(await profiles.change_filter(request.user, present.id, wanted)))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        return json_answer([shapes.filter(filter_) for filter_ in (await profiles.belongings(request.user.id)).filters])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = await profile_inputs.new_filter(request)
        made = await profiles.add_filter(request.user, name=new.name, definition=new.definition)
        return json_answer(shapes.filter(made), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.filter(await own(request, pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def replace(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=True)

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def change_parts(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=False)

    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_filter(request.user, filter_id(pk))
        return Answer(NO_CONTENT)

    return Router("/filters", route_handlers=[many, add, one, replace, change_parts, remove])


def preview_routes(services: Services) -> Router:
    """`/api/v2/notificationprofiles/filterpreview/`."""
    shapes = Shapes(services.zone)

    @post("/filterpreview/", status_code=200, opt=told(_PREVIEW))
    async def preview(request: ApiRequest) -> Answer:
        wanted = await profile_inputs.definition(request)
        now = services.clock()
        rows, headers = await unpaged(services, request, wanted.incident_condition, now, path=INCIDENTS, query=as_query(wanted))
        return json_answer(shapes.incidents(rows, now), 200, *headers)

    return Router("/", route_handlers=[preview])
