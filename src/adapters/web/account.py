"""One's own account: who one is, the password, and where one is logged in."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web.answers import go, page
from adapters.web.forms import pk_in
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.accounts import PASSWORD_CHARACTERS
from argus_core.domain.errors import Invalid, NotAsBefore
from argus_core.domain.ids import SessionId

_NEWS = {
    "password": "Your password has been changed, and you are logged out everywhere else.",
    "session": "That session has ended.",
    "others": "You are logged out everywhere else.",
}


def account_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/account/`."""

    async def shown(guest: Guest, *, news: str = "", problem: tuple[str, str] = ("", "")) -> Response[bytes]:
        sessions = await web.logins.sessions_of(guest.user.id)
        return page(
            "account.html",
            guest,
            status=400 if problem[0] else 200,
            sessions=sessions,
            zone=web.zone,
            news=news,
            problem=problem,
            characters=PASSWORD_CHARACTERS,
        )

    @get("/account/")
    async def account(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        return await shown(guest, news=_NEWS.get(request.query_params.get("done", ""), ""))

    @post("/account/password/")
    async def change_password(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        form = await guests.form(request, guest)
        new = form.get("new", "")
        if new != form.get("again", ""):
            return await shown(guest, problem=("again", "This is not the same as the new password."))
        try:
            begun = await web.logins.change_password(guest.user, form.get("present", ""), new, guest.device)
        except NotAsBefore as error:
            return await shown(guest, problem=("present", error.message))
        except Invalid as error:
            return await shown(guest, problem=("new", error.errors["password"]))
        return go("/account/?done=password", guest.logged_in(begun))

    @post("/account/sessions/{pk:int}/end/")
    async def end(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        guest = await guests.known(request)
        await guests.form(request, guest)
        await web.logins.end(guest.user.id, SessionId(pk_in(pk)))
        return go("/account/?done=session") if pk != guest.session.id else go("/login/?done=out", guest.logged_out())

    @post("/account/sessions/end-others/")
    async def end_others(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        await guests.form(request, guest)
        for session in await web.logins.sessions_of(guest.user.id):
            if session.id != guest.session.id:
                await web.logins.end(guest.user.id, session.id)
        return go("/account/?done=others")

    return [account, change_password, end, end_others]
