"""One's own tokens. The address is the one that clients of the API show to people."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import SCOPES, Caller, Desk, days_in, problems_of, scope_in
from adapters.web.answers import go
from adapters.web.forms import Form, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from argus_core.domain.accounts import Token
from argus_core.domain.errors import Invalid, NameTaken, NotFound
from argus_core.domain.ids import TokenId
from argus_core.domain.permissions import Act
from argus_core.usecases.accounts import AccountService

PATH = "/admin/authtoken/token/"


def own_token_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/admin/authtoken/token/`, for everybody who is logged in."""
    desk = Desk(web, guests)

    def accounts(caller: Caller) -> AccountService:
        return web.accounts.seen_from(caller.by.origin)

    async def show(caller: Caller, form: Form, *, news: str = "") -> Response[bytes]:
        tokens = await web.accounts.own_tokens(caller.by.actor)
        return caller.page("own_tokens.html", here="own", form=form, tokens=tokens, now=web.clock(), news=news, scopes=SCOPES)

    async def own(caller: Caller, pk: int) -> Token:
        tokens = await web.accounts.own_tokens(caller.by.actor)
        token = next((token for token in tokens if token.id == pk_in(pk)), None)
        if token is None:
            raise NotFound
        return token

    @get(PATH)
    async def tokens(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request, Act.KEEP_OWN)
        news = "That token opens nothing any more." if request.query_params.get("done") == "revoked" else ""
        return await show(caller, Form({"days": ["90"], "scope": ["all"]}), news=news)

    @get(PATH + "export/")
    async def export(request: PageRequest) -> Stream:
        caller, now = await desk.open(request, Act.KEEP_OWN), web.clock()
        objects = [files.own_token(token, now) for token in await web.accounts.own_tokens(caller.by.actor)]
        return file_of(files.at_once(objects), files.OWN_TOKEN, "my-tokens", request.query_params.get("form", ""))

    @post(PATH)
    async def add(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.KEEP_OWN)
        form = caller.form
        try:
            new = await accounts(caller).create_own_token(caller.by.actor, form.text("name"), days=days_in(form), scope=scope_in(form))
        except (Invalid, NameTaken) as error:
            return await show(caller, form.wrong(problems_of(error, "name")))
        return caller.page("key.html", here="own", new=new, back=PATH, about="")

    @get(PATH + "{pk:int}/revoke/")
    async def ask(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.KEEP_OWN)
        token = await own(caller, pk)
        return caller.confirm(f"Revoke the token {token.name or 'of a login'}?", button="Revoke it", back=PATH, text=CONSEQUENCE)

    @post(PATH + "{pk:int}/revoke/")
    async def revoke(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.KEEP_OWN)
        await accounts(caller).revoke_own_token(caller.by.actor, TokenId(pk_in(pk)))
        return go(f"{PATH}?done=revoked")

    return [tokens, export, add, ask, revoke]


CONSEQUENCE = "Whoever uses it is refused from that moment on. It cannot be given back."
