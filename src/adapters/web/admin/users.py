"""Everybody: find somebody, and make users."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import MOST, Caller, Desk, asked, problems_of
from adapters.web.answers import go
from adapters.web.forms import Form, number_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from argus_core.domain.accounts import PASSWORD_CHARACTERS, User
from argus_core.domain.errors import Invalid, NameTaken
from argus_core.domain.ids import UserId
from argus_core.domain.permissions import Act
from argus_core.usecases.accounts import NewUser
from argus_core.usecases.administration import OLDEST, Part


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

    @get("/admin/users/export/")
    async def export(request: PageRequest) -> Stream:
        caller = await desk.open(request)
        text, form = request.query_params.get("q", ""), request.query_params.get("form", "")

        async def after(last: User | None) -> Part[User]:
            return await web.administration.users(caller.by, text, files.AT_ONCE, last.id if last else OLDEST)

        return file_of(files.each(after, lambda one: [files.user(one)]), files.USER, "users", form)

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

    return [users, export, ask_new, add]
