"""Who is who, and the phone numbers of whoever asks: each is a destination of the medium SMS, under the same pk."""

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath

from adapters.http.answers import NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest, fields
from adapters.http.routes import Operation, told, user_id
from adapters.http.services import Services
from adapters.http.v1 import inputs
from adapters.http.v1.shapes import OwnUserOut, PhoneNumberOut, UserOut, own_user_out, phone_number_out, phone_numbers_out, user_out
from argus_core.domain.destinations import SMS, Destination
from argus_core.domain.errors import NotFound
from argus_core.domain.ids import DestinationId

_LIST = Operation(summary="List one's own phone numbers", answers={200: list[PhoneNumberOut]})
_ADD = Operation(summary="Add a phone number", body="PhoneNumber", answers={201: PhoneNumberOut})
_ONE = Operation(summary="Get one of one's own phone numbers", answers={200: PhoneNumberOut})
_REPLACE = Operation(summary="Replace a phone number", body="PhoneNumber", answers={201: PhoneNumberOut})
_REMOVE = Operation(summary="Remove a phone number that no profile uses", answers={NO_CONTENT: None}, errors={400: "Errors"})


def account_routes(services: Services) -> Router:
    """`/api/v1/auth/user/` and the like."""
    accounts, profiles = services.accounts, services.profiles

    @get("/user/", opt=told(Operation(summary="Get the user who asks", answers={200: OwnUserOut})))
    async def me(request: ApiRequest) -> Answer:
        own = await profiles.belongings(request.user.id)
        return json_answer(own_user_out(await accounts.user(request.user.id), own.destinations))

    @get("/users/{pk:int}/", opt=told(Operation(summary="Get one user", answers={200: UserOut})))
    async def one(pk: FromPath[int]) -> Answer:
        return json_answer(user_out(await accounts.user(user_id(pk))))

    return Router("/auth", route_handlers=[me, one])


def phone_number_routes(services: Services) -> Router:
    """Under `/api/v1/auth/phone-number`."""
    accounts, profiles = services.accounts, services.profiles

    async def own(request: ApiRequest, pk: int) -> Destination:
        return _phone((await profiles.belongings(request.user.id)).destination(pk))

    @get("/", opt=told(_LIST))
    async def many(request: ApiRequest) -> Answer:
        return json_answer(phone_numbers_out((await profiles.belongings(request.user.id)).destinations))

    @post("/", opt=told(_ADD, Access.FRESH_TOKEN))
    async def add(request: ApiRequest) -> Answer:
        settings = inputs.phone_number(await fields(request))
        return json_answer(phone_number_out(await profiles.add_destination(request.user, medium=SMS, settings=settings)), 201)

    @get("/{pk:int}/", opt=told(_ONE))
    async def one(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return json_answer(phone_number_out(await own(request, pk)))

    async def replace(request: ApiRequest, pk: int) -> Answer:
        settings = inputs.phone_number(await fields(request))
        owner = await accounts.user(request.user.id)
        return json_answer(
            phone_number_out(await profiles.change_destination(request.user, DestinationId(pk), settings, _phone, email=owner.email)), 201
        )

    @put("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def change(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await replace(request, pk)

    @patch("/{pk:int}/", opt=told(_REPLACE, Access.FRESH_TOKEN))
    async def change_too(request: ApiRequest, pk: FromPath[int]) -> Answer:
        return await replace(request, pk)

    # The framework would have no `Answer` of a handler that is said to answer 204; it is the `Answer` that counts.
    @delete("/{pk:int}/", status_code=200, opt=told(_REMOVE, Access.FRESH_TOKEN))
    async def remove(request: ApiRequest, pk: FromPath[int]) -> Answer:
        await profiles.drop_destination(request.user, (await own(request, pk)).id)
        return Answer(NO_CONTENT)

    return Router("/auth/phone-number", route_handlers=[many, add, one, change, change_too, remove])


def _phone(destination: Destination) -> Destination:
    """
    The destination, if it is a phone number.

    Raises:
        NotFound: it is none.
    """
    if destination.medium != SMS:
        raise NotFound("No DestinationConfig matches the given query.")
    return destination
