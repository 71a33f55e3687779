"""Getting tokens, replacing them, and giving them back."""

from litestar import Router, post

from adapters.http.answers import FORGET_TOKEN, NEVER_KEPT, NO_CONTENT, Answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.errors import detail
from adapters.http.origins import origin_of
from adapters.http.routes import Operation, told
from adapters.http.services import Services
from adapters.http.v2 import inputs
from adapters.http.v2.shapes import ExpiringTokenOut, TokenOut
from argus_core.domain.accounts import Credential
from argus_core.domain.errors import BadLogin
from argus_core.usecases.accounts import NewToken

_LOG_IN = Operation(summary="Log in: replaces the user's token", body="Login", answers={200: TokenOut})
_REFRESH = Operation(summary="Replace the token that was used", answers={200: TokenOut}, any_scope=True)
_LOG_IN_BESIDE = Operation(
    summary="Get one more token: with a token, or by logging in",
    body="LoginUnlessToken",
    body_required=False,
    answers={200: ExpiringTokenOut},
    errors={403: "Detail"},
)
_REVOKE = Operation(summary="Revoke the token that was used", answers={NO_CONTENT: None}, any_scope=True)
_LOG_OUT = Operation(summary="Log out, if logged in", answers={200: None})


def login_routes(services: Services) -> Router:
    """`/api/v2/token-auth/` and the like."""
    accounts = services.accounts

    @post("/token-auth/", opt=told(_LOG_IN, Access.OPTIONAL))
    async def log_in(request: ApiRequest) -> Answer:
        who = await inputs.login(request)
        token = await accounts.seen_from(origin_of(request)).log_in(who.username, who.password)
        services.credentials.clear()
        return json_answer(TokenOut(token.key), 200, NEVER_KEPT)

    @post(["/refresh-token/", "/auth/refresh-token/"], opt=told(_REFRESH, Access.FRESH_TOKEN))
    async def refresh(request: ApiRequest) -> Answer:
        token = await accounts.seen_from(origin_of(request)).refresh(request.auth)
        services.credentials.clear()
        return json_answer(TokenOut(token.key), 200, NEVER_KEPT)

    @post("/auth/token/login/", opt=told(_LOG_IN_BESIDE, Access.OPTIONAL))
    async def log_in_beside(request: ApiRequest) -> Answer:
        new = await _one_more(services, request)
        expiry = new.token.expires and new.token.expires.astimezone(services.zone)
        return json_answer(ExpiringTokenOut(expiry, new.key), 200, NEVER_KEPT)

    @post("/auth/token/logout/", opt=told(_REVOKE, Access.FRESH_TOKEN))
    async def revoke(request: ApiRequest) -> Answer:
        await accounts.seen_from(origin_of(request)).log_out(request.auth)
        services.credentials.clear()
        return Answer(NO_CONTENT)

    # Whoever comes with a token that is dead already wants out, and is.
    @post("/auth/logout/", opt=told(_LOG_OUT, Access.FORGIVING))
    async def log_out(request: ApiRequest) -> Answer:
        credential: Credential | None = request.auth
        if credential:
            await accounts.seen_from(origin_of(request)).log_out(credential)
            services.credentials.clear()
        return Answer(200, b"", FORGET_TOKEN)

    return Router("/", route_handlers=[log_in, refresh, log_in_beside, revoke, log_out])


async def _one_more(services: Services, request: ApiRequest) -> NewToken:
    """A token is enough; without one, name and password are needed."""
    credential: Credential | None = request.auth
    if credential:
        return await services.accounts.seen_from(origin_of(request)).another_token(credential)
    who = await inputs.login(request)
    try:
        return await services.accounts.seen_from(origin_of(request)).log_in(who.username, who.password, beside=True)
    except BadLogin as error:
        raise detail(403, error.message) from None
