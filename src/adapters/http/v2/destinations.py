"""Where somebody can be reached."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.errors import Refused
from adapters.http.routes import Operation, destination_id, told
from adapters.http.services import Services
from adapters.http.v2 import profile_inputs
from adapters.http.v2.profile_shapes import DestinationOut, DuplicateOut, ProfileShapes
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import NotFound

_LIST = Operation(summary="List one's own destinations", answers={200: list[DestinationOut]})
_ADD = Operation(summary="Make a destination", body="NewDestination", answers={201: DestinationOut})
_ONE = Operation(summary="Get one of one's own destinations", answers={200: DestinationOut})
_REPLACE = Operation(summary="Replace a destination; its medium stays", body="NewDestination", answers={200: DestinationOut})
_CHANGE = Operation(
    summary="Change parts of a destination; settings must differ",
    body="DestinationPatch",
    body_required=False,
    answers={200: DestinationOut},
)
_REMOVE = Operation(
    summary="Delete a destination that no profile uses and that is not the account's own",
    answers={NO_CONTENT: None},
    errors={400: "Errors"},
)
_DUPLICATE = Operation(summary="Look whether somebody else has the same one", answers={200: DuplicateOut}, errors={400: "Errors"})


def destination_routes(services: Services) -> Router:
    """Under `/api/v2/notificationprofiles/destinations`."""
    shapes = ProfileShapes(services.media, services.zone.key)
    profiles = services.profiles

    async def own(request: ApiRequest, pk: int) -> Destination:
        return (await profiles.belongings(request.user.id)).destination(destination_id(pk))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        destinations = (await profiles.belongings(request.user.id)).destinations
        return json_answer([shapes.destination(destination) for destination in destinations])

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        new = await profile_inputs.new_destination(request)
        made = await profiles.add_destination(request.user, medium=new.medium, settings=new.settings, label=new.label)
        return json_answer(shapes.destination(made), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(shapes.destination(await own(request, pk)))

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def replace(request: ApiRequest, pk: FromPath[int]) -> Answer:
        present = await own(request, pk)
        wanted = await profile_inputs.whole_destination(request)
        owner = await services.accounts.user(request.user.id)
        return json_answer(
            shapes.destination(
                await profiles.replace_destination(request.user, present.id, wanted.settings, wanted.change, email=owner.email)
            )
        )

    @patch("/{pk:int}/", opt=told(_CHANGE, Access.FRESH_TOKEN))
    async def change_parts(request: ApiRequest, pk: FromPath[int]) -> Answer:
        present = await own(request, pk)
        settings, change = await profile_inputs.destination_change(request)
        owner = await services.accounts.user(request.user.id)
        return json_answer(
            shapes.destination(await profiles.change_destination(request.user, present.id, settings, change, email=owner.email))
        )

    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_destination(request.user, destination_id(pk))
        return Answer(NO_CONTENT)

    @get("/{pk:int}/duplicate/", opt=told(_DUPLICATE))
    async def duplicate(request: ApiRequest, pk: FromPath[int]) -> Answer:
        try:
            return json_answer(DuplicateOut(await profiles.has_twin(request.user.id, destination_id(pk))))
        except NotFound:
            raise Refused(400, [f"Destination with pk={pk} does not exist."]) from None

    return Router("/destinations", route_handlers=[many, add, one, replace, change_parts, remove, duplicate])
