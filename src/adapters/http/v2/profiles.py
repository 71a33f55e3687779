"""Notification profiles: when, about what and where somebody wants to be told."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.errors import Refused
from adapters.http.lists import unpaged
from adapters.http.routes import Operation, profile_id, told
from adapters.http.services import Services
from adapters.http.v2 import profile_inputs
from adapters.http.v2.filters import INCIDENTS
from adapters.http.v2.profile_shapes import ProfileOut, ProfileShapes
from adapters.http.v2.shapes import IncidentOut, Shapes
from argus_core.domain.errors import NotFound
from argus_core.domain.profiles import WholeProfile

_LIST = Operation(summary="List one's own notification profiles", answers={200: list[ProfileOut]})
_ADD = Operation(summary="Make a notification profile", body="NewProfile", answers={201: ProfileOut})
_ONE = Operation(summary="Get one of one's own notification profiles", answers={200: ProfileOut})
_REPLACE = Operation(summary="Replace a notification profile", body="NewProfile", answers={200: ProfileOut})
_CHANGE = Operation(summary="Change parts of a notification profile", body="ProfilePatch", body_required=False, answers={200: ProfileOut})
_REMOVE = Operation(summary="Delete a notification profile", answers={NO_CONTENT: None})
_INCIDENTS = Operation(
    summary="List incidents that the filters of a profile match, newest start first, as many as one answer has",
    answers={200: list[IncidentOut]},
    errors={400: "Errors"},
)


def profile_routes(services: Services) -> Router:  # noqa: C901 - one function for each operation
    """Under `/api/v2/notificationprofiles`."""
    shapes = ProfileShapes(services.media, services.zone.key)
    incident_shapes = Shapes(services.zone)
    profiles = services.profiles

    async def own(request: ApiRequest, pk: int) -> WholeProfile:
        belongings = await profiles.belongings(request.user.id)
        return belongings.whole(belongings.profile(profile_id(pk)))

    async def change(request: ApiRequest, pk: int, *, whole: bool) -> Answer:
        present = await own(request, pk)
        wanted = await profile_inputs.profile_change(request, whole=whole)
        changed = await profiles.change_profile(request.user, present.profile.id, lambda profile, _: wanted(profile))
        return json_answer(shapes.profile(changed))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        belongings = await profiles.belongings(request.user.id)
        return json_answer([shapes.profile(belongings.whole(profile)) for profile in belongings.profiles])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = await profile_inputs.new_profile(request)
        made = await profiles.add_profile(request.user, **new._asdict())
        return json_answer(shapes.profile(made), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.profile(await own(request, pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def replace(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=True)

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def change_parts(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=False)

    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_profile(request.user, profile_id(pk))
        return Answer(NO_CONTENT)

    @get("/{pk:int}/incidents/", opt=told(_INCIDENTS))
    async def incidents(request: ApiRequest, pk: FromPath[int]) -> Answer:
        try:
            whole = await own(request, pk)
        except NotFound:
            raise Refused(400, [f"Notification profile with pk={pk} does not exist."]) from None
        now = services.clock()
        query = [("notificationprofile_pk", str(pk))]
        rows, headers = await unpaged(services, request, whole.incident_condition, now, path=INCIDENTS, query=query)
        return json_answer(incident_shapes.incidents(rows, now), 200, *headers)

    return Router("/", route_handlers=[many, add, one, replace, change_parts, remove, incidents])
