"""A forgotten password: a link by mail, and the page behind it."""

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from adapters.web.answers import go, page
from adapters.web.guests import Guest, Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.accounts import PASSWORD_CHARACTERS
from argus_core.domain.errors import Invalid


def reset_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """Under `/password-reset/`; without mail, or a public address for the link, there is no such page."""

    def choosing(guest: Guest, key: str, problem: tuple[str, str] = ("", "")) -> Response[bytes]:
        status = 400 if problem[0] else 200
        return page("choose.html", guest, status=status, key=key, problem=problem, characters=PASSWORD_CHARACTERS)

    async def greet(request: PageRequest) -> Guest:
        if not web.resets:
            raise NotFoundException
        return await guests.greet(request)

    @get("/password-reset/")
    async def ask(request: PageRequest) -> Response[bytes]:
        return page("reset.html", await greet(request), sent=False)

    @post("/password-reset/")
    async def send(request: PageRequest) -> Response[bytes]:
        guest = await greet(request)
        email = (await guests.form(request, guest)).get("email", "").strip()
        await web.logins.admit_reset(email, guest.device.address)
        # Afterwards, so that it takes as long for those who are nobody.
        mailing = BackgroundTask(web.logins.send_reset, email, f"{guest.place.origin}/password-reset/new/?key=")
        return page("reset.html", guest, sent=True, background=mailing)

    @get("/password-reset/new/")
    async def choose(request: PageRequest) -> Response[bytes]:
        return choosing(await greet(request), request.query_params.get("key", ""))

    @post("/password-reset/new/")
    async def change(request: PageRequest) -> Response[bytes]:
        guest = await greet(request)
        form = await guests.form(request, guest)
        key, new = form.get("key", ""), form.get("new", "")
        if new != form.get("again", ""):
            return choosing(guest, key, ("again", "This is not the same as the new password."))
        try:
            await web.logins.reset_password(key, new, guest.device.address)
        except Invalid as error:
            return choosing(guest, key, ("new", error.errors["password"]))
        return go("/login/?done=password", guest.logged_out())

    return [ask, send, choose, change]
