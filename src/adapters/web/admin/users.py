"""Everybody: find somebody, and make users."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from adapters.web.admin.desk import MOST, Caller, Desk, asked, problems_of
from adapters.web.answers import go
from adapters.web.forms import Form, number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.accounts import PASSWORD_CHARACTERS
from argus_core.domain.errors import Invalid, NameTaken
from argus_core.domain.ids import UserId
from argus_core.domain.permissions import Act
from argus_core.usecases.accounts import NewUser


def users_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/users/` and `/admin/users/new/`."""
    desk = Desk(web, guests)

    def ask(caller: Caller, form: Form) -> Response[bytes]:
        return caller.page("user_new.html", here="users", form=form, characters=PASSWORD_CHARACTERS)

    @get("/admin/users/")
    async def users(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request), asked(request, "q", "after")
        part = await web.administration.users(caller.by, form.get("q"), MOST, UserId(number_in(form.get("after"))))
        return caller.page("users.html", here="users", form=form, part=part)

    @get("/admin/users/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        return ask(await desk.open(request, Act.MANAGE_USERS), Form())

    @post("/admin/users/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        form = caller.form
        new = NewUser(
            username=form.text("username"),
            password=form.get("password") or None,
            first_name=form.text("first_name"),
            last_name=form.text("last_name"),
            email=form.text("email"),
            staff=form.has("staff"),
            superuser=form.has("superuser"),
        )
        try:
            user = await web.administration.add_user(caller.by, new)
        except (Invalid, NameTaken) as error:
            return ask(caller, form.wrong(problems_of(error, "username")))
        return go(f"/admin/users/{user.id}/?done=made")

    return [users, ask_new, add]
