"""Getting a token and giving it back."""

from litestar import Router, post

from adapters.http import incident_fields
from adapters.http.answers import FORGET_TOKEN, NEVER_KEPT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest, fields
from adapters.http.origins import origin_of
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v1.shapes import TokenOut
from argus_core.domain.accounts import Credential

_LOG_IN = Operation(summary="Log in: replaces the user's token", body="Login", answers={200: TokenOut})
_LOG_OUT = Operation(summary="Log out, if logged in", answers={200: None})


def login_routes(services: Services) -> Router:
    """`/api/v1/token-auth/` and the like."""
    accounts = services.accounts

    @post("/token-auth/", opt=told(_LOG_IN, Access.OPTIONAL))
    async def log_in(request: ApiRequest) -> Answer:
        who = incident_fields.login(await fields(request))
        token = await accounts.seen_from(origin_of(request)).log_in(who.username, who.password)
        services.credentials.clear()
        return json_answer(TokenOut(token.key), 200, NEVER_KEPT)

    # Whoever comes with a token that is dead already wants out, and is.
    @post("/auth/logout/", opt=told(_LOG_OUT, Access.FORGIVING))
    async def log_out(request: ApiRequest) -> Answer:
        credential: Credential | None = request.auth
        if credential:
            await accounts.seen_from(origin_of(request)).log_out(credential)
            services.credentials.clear()
        return Answer(200, b"", FORGET_TOKEN)

    return Router("/", route_handlers=[log_in, log_out])
