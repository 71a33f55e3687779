"""Everybody's tokens: find one, and take it away."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import MOST, Desk, asked
from adapters.web.admin.own_tokens import CONSEQUENCE
from adapters.web.answers import go
from adapters.web.forms import number_in, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from argus_core.domain.accounts import Token, User
from argus_core.domain.ids import TokenId
from argus_core.domain.permissions import Act
from argus_core.usecases.administration import NEWEST, Part


def token_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Under `/admin/tokens/`."""
    desk = Desk(web, guests)

    @get("/admin/tokens/")
    async def tokens(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request), asked(request, "q", "before")
        before = TokenId(number_in(form.get("before"))) or NEWEST
        part = await web.administration.tokens(caller.by, form.get("q"), MOST, before)
        news = "That token opens nothing any more." if request.query_params.get("done") == "revoked" else ""
        return caller.page("tokens.html", here="tokens", form=form, part=part, now=web.clock(), news=news)

    @get("/admin/tokens/export/")
    async def export(request: PageRequest) -> Stream:
        caller, now = await desk.open(request), web.clock()
        text, form = request.query_params.get("q", ""), request.query_params.get("form", "")

        async def after(last: tuple[User, Token] | None) -> Part[tuple[User, Token]]:
            return await web.administration.tokens(caller.by, text, files.AT_ONCE, last[1].id if last else NEWEST)

        return file_of(files.each(after, lambda owned: [files.token(owned, now)]), files.TOKEN, "tokens", form)

    @get("/admin/tokens/{pk:int}/revoke/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.MANAGE_USERS)
        user, token = await web.administration.token(caller.by, TokenId(pk_in(pk)))
        question = f"Revoke the token {token.name or 'of a login'} of {user.username}?"
        return caller.confirm(question, button="Revoke it", back=f"/admin/users/{user.id}/", text=CONSEQUENCE)

    @post("/admin/tokens/{pk:int}/revoke/")
    async def revoke(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        await web.administration.revoke_token(caller.by, TokenId(pk_in(pk)))
        return go("/admin/tokens/?done=revoked")

    return [tokens, export, ask, revoke]
