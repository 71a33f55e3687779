"""Timeslots of whoever asks."""

from dataclasses import replace

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest, fields
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v1 import inputs
from adapters.http.v1.inputs import TimeslotIn
from adapters.http.v1.shapes import TimeslotOut, timeslot_out
from argus_core.domain.ids import TimeslotId
from argus_core.domain.timeslots import Timeslot

_LIST = Operation(summary="List one's own timeslots", answers={200: list[TimeslotOut]})
_ADD = Operation(summary="Add a timeslot", body="Timeslot", answers={201: TimeslotOut})
_ONE = Operation(summary="Get one of one's own timeslots", answers={200: TimeslotOut})
_REPLACE = Operation(summary="Replace a timeslot", body="Timeslot", answers={200: TimeslotOut})
_CHANGE = Operation(summary="Change a timeslot", body="TimeslotPatch", body_required=False, answers={200: TimeslotOut})
_REMOVE = Operation(summary="Remove a timeslot and the profiles that use it", answers={NO_CONTENT: None})


def timeslot_routes(services: Services) -> Router:
    """Under `/api/v1/notificationprofiles/timeslots`."""
    profiles = services.profiles

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        own = await profiles.belongings(request.user.id)
        return json_answer([timeslot_out(timeslot) for timeslot in sorted(own.timeslots, key=lambda timeslot: timeslot.name)])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = inputs.timeslot(await fields(request))
        timeslot = await profiles.add_timeslot(request.user, name=new.name, recurrences=new.recurrences)
        return json_answer(timeslot_out(timeslot), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(timeslot_out((await profiles.belongings(request.user.id)).timeslot(pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def put_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: Timeslot) -> Timeslot:
            return _become(present, inputs.timeslot(data))

        return json_answer(timeslot_out(await profiles.change_timeslot(request.user, TimeslotId(pk), changed)))

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def patch_one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        data = await fields(request)

        def changed(present: Timeslot) -> Timeslot:
            return _become(present, inputs.timeslot(data, TimeslotIn(present.name, present.recurrences)))

        return json_answer(timeslot_out(await profiles.change_timeslot(request.user, TimeslotId(pk), changed)))

    # The framework would have no `Answer` of a handler that is said to answer 204; it is the `Answer` that counts.
    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_timeslot(request.user, TimeslotId(pk))
        return Answer(NO_CONTENT)

    return Router("/timeslots", route_handlers=[many, add, one, put_one, patch_one, remove])


def _become(present: Timeslot, wanted: TimeslotIn) -> Timeslot:
    """The timeslot as wanted; recurrences it has already still end on the next day if they did, for API v1 cannot say so."""
    over_midnight = {replace(recurrence, ends_next_day=False): recurrence for recurrence in present.recurrences if recurrence.ends_next_day}
    recurrences = tuple(over_midnight.get(recurrence, recurrence) for recurrence in wanted.recurrences)
    return replace(present, name=wanted.name, recurrences=recurrences)
