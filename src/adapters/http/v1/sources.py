"""Source systems."""

from litestar import Router, get
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.routes import Operation, source_id, told
from adapters.http.services import Services
from adapters.http.v1.shapes import MetadataOut, SourceOut, source_out
from argus_core.domain.errors import NotFound


def source_routes(services: Services) -> Router:
    """Under `/api/v1/incidents`."""

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

    @get("/metadata/", opt=told(Operation(summary="Get what there is to choose from", answers={200: MetadataOut})))
    async def metadata() -> Answer:
        return json_answer(MetadataOut([source_out(source) for source in await services.accounts.sources()]))

    return Router("/", route_handlers=[many, one, metadata])
