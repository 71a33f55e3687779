"""Source systems and their types. Superusers make them; the tokens of sources are made on the command line."""

from litestar import Router, get, post, put
from litestar.params import FromPath

from adapters.http import source_fields
from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.lists import source_types
from adapters.http.origins import origin_of
from adapters.http.routes import Operation, source_id, told
from adapters.http.services import Services
from adapters.http.v2.shapes import SourceOut, SourceTypeOut, source_out
from argus_core.domain.permissions import Act, require

_LIST = Operation(summary="List all sources", answers={200: list[SourceOut]})
_ADD = Operation(summary="Make a source, and a user for it", body="NewSource", answers={201: SourceOut})
_ONE = Operation(summary="Get one source", answers={200: SourceOut})
_REPLACE = Operation(summary="Replace a source; its user stays", body="NewSource", answers={200: SourceOut})
_BEAT = Operation(
    summary="Say that the source is alive: where that is expected in vain, Argus reports an incident of its own",
    answers={NO_CONTENT: None},
)
_TYPES = Operation(summary="List all types of sources", answers={200: list[SourceTypeOut]})
_ADD_TYPE = Operation(summary="Make a type of sources", body="NewSourceType", answers={201: SourceTypeOut})


def source_routes(services: Services) -> Router:
    """Under `/api/v2/incidents`."""
    accounts = services.accounts

    @get("/sources/", opt=told(_LIST))
    async def many() -> Answer:
        return json_answer([source_out(source) for source in await accounts.sources()])

    @post("/sources/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        require(request.user, Act.MANAGE_SOURCES)  # before anything is found wrong with the body
        new = await source_fields.source(request)
        made = await accounts.seen_from(origin_of(request)).add_source(new.name, new.type, actor=request.user, base_url=new.base_url or "")
        return json_answer(source_out(made), 201)

    @get("/sources/{pk:int}/", opt=told(_ONE))
    async def one(pk: FromPath[int]) -> Answer:
        return json_answer(source_out(await accounts.source(source_id(pk))))

    @put("/sources/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def replace(request: ApiRequest, pk: FromPath[int]) -> Answer:
        require(request.user, Act.MANAGE_SOURCES)
        number = (await accounts.source(source_id(pk))).id
        new = await source_fields.source(request)
        changed = await accounts.seen_from(origin_of(request)).change_source(
            number, new.name, new.type, actor=request.user, base_url=new.base_url
        )
        services.credentials.clear()
        return json_answer(source_out(changed))

    @post("/sources/heartbeat/", opt=told(_BEAT, Access.FRESH_TOKEN))
    async def beat(request: ApiRequest) -> Answer:
        await services.watching.beat(request.user)
        return Answer(NO_CONTENT)

    @get("/source-types/", opt=told(_TYPES))
    async def types() -> Answer:
        return json_answer([SourceTypeOut(name) for name in await source_types(services)])

    @post("/source-types/", opt=told(_ADD_TYPE, Access.FRESH_TOKEN))
    async def add_type(request: ApiRequest) -> Answer:
        require(request.user, Act.MANAGE_SOURCES)
        name = await source_fields.source_type(request)
        return json_answer(SourceTypeOut(await accounts.seen_from(origin_of(request)).add_source_type(name, actor=request.user)), 201)

    return Router("/", route_handlers=[many, add, one, replace, beat, types, add_type])
