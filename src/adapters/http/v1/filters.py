"""Filters of whoever asks, and what one would show."""

from dataclasses import replace

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest, fields
from adapters.http.lists import as_query, unpaged
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v1 import inputs
from adapters.http.v1.shapes import FilterOut, IncidentOut, Shapes, filter_out
from argus_core.domain.ids import FilterId
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter

_LIST = Operation(summary="List one's own filters", answers={200: list[FilterOut]})
_ADD = Operation(summary="Add a filter", body="Filter", answers={201: FilterOut})
_ONE = Operation(summary="Get one of one's own filters", answers={200: FilterOut})
_REPLACE = Operation(summary="Replace a filter", body="Filter", answers={200: FilterOut})
_CHANGE = Operation(summary="Change a filter", body="FilterPatch", body_required=False, answers={200: FilterOut})
_REMOVE = Operation(summary="Remove a filter that no profile uses", answers={NO_CONTENT: None}, errors={400: "Sentence"})
_PREVIEW = Operation(
    summary="List the incidents that a filter matches, the newest that fit into one answer",
    body="FilterDefinition",
    body_required=False,
    answers={200: list[IncidentOut]},
    any_scope=True,
)


def filter_routes(services: Services) -> Router:
    """Under `/api/v1/notificationprofiles/filters`."""
    profiles = services.profiles

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        own = await profiles.belongings(request.user.id)
        return json_answer([filter_out(filter_) for filter_ in own.filters])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = inputs.filter_(await fields(request), FilterDefinition())
        return json_answer(filter_out(await profiles.add_filter(request.user, name=new.name, definition=new.definition)), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(filter_out((await profiles.belongings(request.user.id)).filter(pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def put_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: SavedFilter) -> SavedFilter:
            new = inputs.filter_(data, present.definition)
            return replace(present, name=new.name, definition=new.definition)

        return json_answer(filter_out(await profiles.change_filter(request.user, FilterId(pk), changed)))

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def patch_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: SavedFilter) -> SavedFilter:
            new = inputs.filter_(data, present.definition, present.name)
            return replace(present, name=new.name, definition=new.definition)

        return json_answer(filter_out(await profiles.change_filter(request.user, FilterId(pk), changed)))

    # The framework would have no `Answer` of a handler that is said to answer 204; it is the `Answer` that counts.
    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_filter(request.user, FilterId(pk))
        return Answer(NO_CONTENT)

    return Router("/filters", route_handlers=[many, add, one, put_one, patch_one, remove])


def preview_routes(services: Services) -> Router:
    """`/api/v1/notificationprofiles/filterpreview/`."""
    shapes = Shapes(services.zone)

    @post("/", opt=told(_PREVIEW), status_code=200)
    async def preview(request: ApiRequest) -> Answer:
        wanted = inputs.preview(await fields(request))
        now = services.clock()
        condition = wanted.incident_condition
        rows, headers = await unpaged(services, request, condition, now, path="/api/v1/incidents/", query=as_query(wanted))
        return json_answer(shapes.incidents(rows, now), 200, *headers)

    return Router("/filterpreview", route_handlers=[preview])
