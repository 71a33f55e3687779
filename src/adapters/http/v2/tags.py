"""The tags of an incident one by one. Replacing all of them at once is PATCH of the incident."""

from functools import partial

from litestar import Router, delete, get, post
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.routes import Operation, incident_id, told
from adapters.http.services import Services
from adapters.http.tagging import NO_TAG, named, retag, without
from adapters.http.v2 import inputs
from adapters.http.v2.shapes import BareTag
from argus_core.domain.errors import NotFound

_LIST = Operation(summary="List the tags of an incident", answers={200: list[BareTag]})
_ADD = Operation(summary="Add a tag to an incident", body="NewTag", answers={201: BareTag})
_ONE = Operation(summary="Look whether an incident has a tag", answers={200: BareTag})
_REMOVE = Operation(summary="Remove a tag from an incident", answers={NO_CONTENT: None}, errors={400: "Errors"})


def tag_routes(services: Services) -> Router:
    """Under `/api/v2/incidents/<pk>/tags`."""
    seen_by = services.reading.seen_by

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer([BareTag(tag) for tag in (await seen_by(request.user).row(incident_id(pk))).tags])

    @post("/", opt=told(_ADD))
    async def add(request: ApiRequest, pk: FromPath[int]) -> Answer:
        tag = await inputs.tag(request)
        await retag(services, request, pk, lambda present: present if tag in present else (*present, tag))
        return json_answer(BareTag(str(tag)), 201)

    @get("/{tag:path}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        tag = named(request)
        if tag not in (await seen_by(request.user).row(incident_id(pk))).tags:
            raise NotFound(NO_TAG)
        return json_answer(BareTag(tag))

    # The framework would have no `Answer` of a handler that is said to answer 204; it is the `Answer` that counts.
    @delete("/{tag:path}/", status_code=200, opt=told(_REMOVE))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await retag(services, request, pk, partial(without, named(request)))
        return Answer(NO_CONTENT)

    return Router("/{pk:int}/tags", route_handlers=[many, add, one, remove])
