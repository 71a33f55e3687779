"""Who is who."""

from litestar import Router, get
from litestar.params import FromPath

from adapters.http.answers import Answer, json_answer
from adapters.http.bodies import ApiRequest
from adapters.http.paging import base_url
from adapters.http.routes import Operation, told, user_id
from adapters.http.services import Services
from adapters.http.v2.shapes import OwnUserOut, UserOut, user_out


def account_routes(services: Services) -> Router:
    """`/api/v2/auth/user/` and the like."""
    accounts = services.accounts

    @get("/user/", opt=told(Operation(summary="Get the user who asks", answers={200: OwnUserOut})))
    async def me(request: ApiRequest) -> Answer:
        user = await accounts.user(request.user.id)
        admin_url = f"{base_url(request)}/admin/" if user.staff else None
        return json_answer(OwnUserOut(user.username, user.first_name, user.last_name, user.email, admin_url))

    @get("/users/{pk:int}/", opt=told(Operation(summary="Get one user", answers={200: UserOut})))
    async def one(pk: FromPath[int]) -> Answer:
        return json_answer(user_out(await accounts.user(user_id(pk))))

    return Router("/auth", route_handlers=[me, one])
