"""When somebody wants to hear."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.routes import Operation, timeslot_id, told
from adapters.http.services import Services
from adapters.http.v2 import profile_inputs
from adapters.http.v2.profile_shapes import ProfileShapes, TimeslotOut
from argus_core.domain.timeslots import Timeslot

_LIST = Operation(summary="List one's own timeslots, by name", answers={200: list[TimeslotOut]})
_ADD = Operation(summary="Make a timeslot", body="NewTimeslot", answers={201: TimeslotOut})
_ONE = Operation(summary="Get one of one's own timeslots", answers={200: TimeslotOut})
_REPLACE = Operation(summary="Replace a timeslot", body="NewTimeslot", answers={200: TimeslotOut})
_CHANGE = Operation(summary="Change parts of a timeslot", body="TimeslotPatch", body_required=False, answers={200: TimeslotOut})
_REMOVE = Operation(summary="Delete a timeslot, and the profiles that use it", answers={NO_CONTENT: None})


def timeslot_routes(services: Services) -> Router:
    """Under `/api/v2/notificationprofiles/timeslots`."""
    shapes = ProfileShapes(services.media, services.zone.key)
    profiles = services.profiles

    async def own(request: ApiRequest, pk: int) -> Timeslot:
        return (await profiles.belongings(request.user.id)).timeslot(timeslot_id(pk))

    async def change(request: ApiRequest, pk: int, *, whole: bool) -> Answer:
        present = await own(request, pk)
        wanted = await profile_inputs.timeslot_change(request, services.zone.key, whole=whole)
        return json_answer(shapes.timeslot(await profiles.change_timeslot(request.user, present.id, wanted)))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        timeslots = (await profiles.belongings(request.user.id)).timeslots
        return json_answer([shapes.timeslot(timeslot) for timeslot in sorted(timeslots, key=lambda timeslot: timeslot.name)])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = await profile_inputs.new_timeslot(request)
        made = await profiles.add_timeslot(request.user, name=new.name, recurrences=new.recurrences, zone=new.zone)
        return json_answer(shapes.timeslot(made), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.timeslot(await own(request, pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def replace(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=True)

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def change_parts(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await change(request, pk, whole=False)

    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_timeslot(request.user, timeslot_id(pk))
        return Answer(NO_CONTENT)

    return Router("/timeslots", route_handlers=[many, add, one, replace, change_parts, remove])
