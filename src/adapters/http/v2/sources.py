"""Source systems and their types. They are made on the command line, not here."""

from litestar import Router, get
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.lists import source_types
from adapters.http.routes import Operation, source_id, told
from adapters.http.services import Services
from adapters.http.v2.shapes import SourceOut, SourceTypeOut, source_out
from argus_core.domain.errors import NotFound


def source_routes(services: Services) -> Router:
    """Under `/api/v2/incidents`."""

    @get("/sources/", opt=told(Operation(summary="List all sources", answers={200: list[SourceOut]})))
    async def many() -> Answer:
        return json_answer([source_out(source) for source in await services.accounts.sources()])

    @get("/sources/{pk:int}/", opt=told(Operation(summary="Get one source", answers={200: SourceOut})))
    async def one(pk: FromPath[int]) -> Answer:
        number = source_id(pk)
        for source in await services.accounts.sources():
            if source.id == number:
                return json_answer(source_out(source))
        raise NotFound("No SourceSystem matches the given query.")

    @get("/source-types/", opt=told(Operation(summary="List all types of sources", answers={200: list[SourceTypeOut]})))
    async def types() -> Answer:
        return json_answer([SourceTypeOut(name) for name in await source_types(services)])

    return Router("/", route_handlers=[many, one, types])
