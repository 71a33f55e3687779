"""One user: names, roles, password, sessions and tokens."""

from dataclasses import replace

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.web import seen
from adapters.web.admin.desk import SCOPES, Caller, Desk, days_in, problems_of, scope_in
from adapters.web.answers import go
from adapters.web.forms import Form, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from argus_core.domain.accounts import PASSWORD_CHARACTERS, User
from argus_core.domain.errors import Invalid, NameTaken
from argus_core.domain.ids import UserId
from argus_core.domain.permissions import Act

_NEWS = {
    "made": "The user is there.",
    "kept": "That is kept.",
    "password": "The password is changed, and the user is logged out everywhere.",
    "invited": "A mail with a link is on its way. It can be used once, within an hour.",
    "sessions": "The user is logged out everywhere.",
    "revoked": "That token opens nothing any more.",
}


def user_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901 - one for each page
    """Under `/admin/users/<pk>/`."""
    desk = Desk(web, guests)

    async def show(caller: Caller, pk: int, form: Form | None = None, *, news: str = "") -> Response[bytes]:
        card = await web.administration.user(caller.by, _id(pk))
        form = form or Form()
        shown = replace(form, values={**seen.marked(_form_of(card.user)).values, "scope": ["all"], **form.values})
        return caller.page(
            "user.html",
            here="users",
            form=shown,
            card=card,
            news=news,
            scopes=SCOPES,
            characters=PASSWORD_CHARACTERS,
            mails=web.resets,
            own=card.user.id == caller.guest.user.id,
        )

    @get("/admin/users/{pk:int}/")
    async def user(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        return await show(await desk.open(request), pk, news=_NEWS.get(request.query_params.get("done", ""), ""))

    @post("/admin/users/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        form = _switched(caller.form)
        present = (await web.administration.user(caller.by, _id(pk))).user
        wanted = replace(
            present,
            username=form.text("username"),
            first_name=form.text("first_name"),
            last_name=form.text("last_name"),
            email=form.text("email"),
            active=caller.form.has("active"),
            staff=caller.form.has("staff"),
            superuser=caller.form.has("superuser"),
        )
        try:
            seen.check(form, _form_of(present), _form_of(wanted), f"/admin/users/{pk}/")
            await web.administration.change_user(caller.by, present.id, wanted)
        except (Invalid, NameTaken) as error:
            return await show(caller, pk, form.wrong(problems_of(error, "username")))
        except seen.ChangedMeanwhile as error:
            return await show(caller, pk, error.form)
        return go(f"/admin/users/{pk}/?done=kept")

    @post("/admin/users/{pk:int}/password/")
    async def password(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        try:
            await web.administration.set_password(caller.by, _id(pk), caller.form.get("password"))
        except Invalid as error:
            return await show(caller, pk, Form().wrong(error.errors))
        return go("/login/?done=password" if pk == caller.guest.user.id else f"/admin/users/{pk}/?done=password")

    @post("/admin/users/{pk:int}/invite/")
    async def invite(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        if not web.resets:
            return await show(caller, pk, Form().wrong({"": "Argus cannot mail links: it lacks a mail server, or its public address."}))
        try:
            await web.administration.invite(caller.by, _id(pk), f"{caller.guest.place.origin}/password-reset/new/?key=")
        except Invalid as error:
            return await show(caller, pk, Form().wrong({"": " ".join(error.errors.values())}))
        return go(f"/admin/users/{pk}/?done=invited")

    @get("/admin/users/{pk:int}/end-sessions/")
    async def ask_end(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.MANAGE_USERS)
        card = await web.administration.user(caller.by, _id(pk))
        question, text = f"Log {card.user.username} out everywhere?", _sessions_said(len(card.sessions))
        return caller.confirm(question, button="Log out", back=f"/admin/users/{pk}/", text=text)

    @post("/admin/users/{pk:int}/end-sessions/")
    async def end(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        await web.administration.end_sessions(caller.by, _id(pk), keep=caller.guest.session.id)
        return go(f"/admin/users/{pk}/?done=sessions")

    @post("/admin/users/{pk:int}/tokens/")
    async def add_token(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_USERS)
        form = caller.form
        try:
            new = await web.administration.add_token(caller.by, _id(pk), form.text("name"), days=days_in(form), scope=scope_in(form))
        except (Invalid, NameTaken) as error:
            return await show(caller, pk, form.wrong(problems_of(error, "name")))
        return caller.page("key.html", here="users", new=new, back=f"/admin/users/{pk}/", about="")

    return [user, change, password, invite, ask_end, end, add_token]


def _id(pk: int) -> UserId:
    return UserId(pk_in(pk))


def _form_of(user: User) -> Form:
    texts = {name: [getattr(user, name)] for name in ("username", "first_name", "last_name", "email")}
    return Form({**texts, **{name: ["on"] for name in ("active", "staff", "superuser") if getattr(user, name)}})


def _switched(form: Form) -> Form:
    """The form, which says of each box whether it is ticked."""
    return replace(form, values={"active": [], "staff": [], "superuser": [], **form.values})


def _sessions_said(count: int) -> str:
    return f"{count} {'session' if count == 1 else 'sessions'} will end. Tokens go on."
