"""The ways to reach people that this installation offers."""

from litestar import Router, get
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.errors import Refused
from adapters.http.paging import base_url
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v2.profile_shapes import MediumOut, MediumSchemaOut, medium_out
from argus_core.domain.errors import NotFound

_LIST = Operation(summary="List all media", answers={200: list[MediumOut]})
_ONE = Operation(summary="Get one medium", answers={200: MediumOut})
_SCHEMA = Operation(summary="Get the JSON schema of a medium's settings", answers={200: MediumSchemaOut}, errors={400: "Errors"})


def media_routes(services: Services) -> Router:
    """Under `/api/v2/notificationprofiles/media`."""
    media = services.media

    @get("/", opt=told(_LIST))
    async def many() -> Answer:
        return json_answer([medium_out(medium) for medium in media.enabled])

    @get("/{slug:str}/", opt=told(_ONE))
    async def one(slug: FromPath[str]) -> Answer:
        enabled = media.get(slug)
        if enabled is None:
            raise NotFound("No Media matches the given query.")
        return json_answer(medium_out(enabled))

    @get("/{slug:str}/json_schema/", opt=told(_SCHEMA))
    async def schema(request: ApiRequest, slug: FromPath[str]) -> Answer:
        enabled = media.get(slug)
        if enabled is None:
            raise Refused(400, [f"Media with slug={slug} does not exist."])
        if enabled.medium is None:
            raise Refused(400, [f"{enabled.name} is not installed."])
        return json_answer(MediumSchemaOut({**enabled.medium.schema, "$id": f"{base_url(request)}/json-schema/{slug}"}))

    return Router("/media", route_handlers=[many, one, schema])
