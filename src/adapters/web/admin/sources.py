"""Sources: make and change them, give them other tokens, say how often they are to be heard of, and from when on they flap."""

import re
from dataclasses import replace
from datetime import timedelta

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from adapters.web import seen
from adapters.web.admin import files
from adapters.web.admin.desk import MOST, Caller, Desk, asked, problems_of
from adapters.web.answers import go
from adapters.web.forms import Form, number_in, pk_in
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from argus_core.domain.errors import Invalid, NameTaken
from argus_core.domain.ids import SourceId
from argus_core.domain.permissions import Act
from argus_core.domain.sources import Source
from argus_core.domain.watching import Heart
from argus_core.usecases.administration import Part, SourceCard

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_NEWS = {
    "kept": "That is kept.",
    "active": "The source may report.",
    "inactive": "The source is refused from now on.",
}


def source_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: C901, PLR0915 - one for each page
    """Under `/admin/sources/`."""
    desk = Desk(web, guests)

    async def ask(caller: Caller, form: Form) -> Response[bytes]:
        types = [name for name, _ in await web.administration.source_types(caller.by)]
        return caller.page("source_new.html", here="sources", form=form, types=types)

    async def show(caller: Caller, pk: int, form: Form | None = None, *, news: str = "") -> Response[bytes]:
        card = await web.administration.source(caller.by, _id(pk))
        form = form or Form()
        present = {**seen.marked(_form_of(card.source)).values, "every": [_span(card.heart)], "flapping": [card.flapping]}
        shown = replace(form, values={**present, **form.values})
        types = [(name, name) for name, _ in await web.administration.source_types(caller.by)]
        return caller.page("source.html", here="sources", form=shown, card=card, news=news, types=types)

    @get("/admin/sources/")
    async def sources(request: PageRequest) -> Response[bytes]:
        caller, form = await desk.open(request), asked(request, "q", "after")
        part = await web.administration.sources(caller.by, form.get("q"), MOST, SourceId(number_in(form.get("after"))))
        return caller.page("sources.html", here="sources", form=form, part=part)

    @get("/admin/sources/export/")
    async def export(request: PageRequest) -> Stream:
        caller = await desk.open(request)
        text, form = request.query_params.get("q", ""), request.query_params.get("form", "")

        async def after(last: SourceCard | None) -> Part[SourceCard]:
            return await web.administration.sources(caller.by, text, files.AT_ONCE, last.source.id if last else None)

        return file_of(files.each(after, lambda card: [files.source(card)]), files.SOURCE, "sources", form)

    @get("/admin/sources/new/")
    async def ask_new(request: PageRequest) -> Response[bytes]:
        return await ask(await desk.open(request, Act.MANAGE_SOURCES), Form())

    @post("/admin/sources/new/")
    async def add(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        form = caller.form
        try:
            source, new = await web.administration.add_source(
                caller.by, form.text("name"), form.text("type"), username=form.text("username"), base_url=form.text("base_url")
            )
        except (Invalid, NameTaken) as error:
            return await ask(caller, form.wrong(problems_of(error, "name")))
        return caller.page("key.html", here="sources", new=new, back=f"/admin/sources/{source.id}/", about=source.name)

    @get("/admin/sources/{pk:int}/")
    async def source(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        return await show(await desk.open(request), pk, news=_NEWS.get(request.query_params.get("done", ""), ""))

    @post("/admin/sources/{pk:int}/")
    async def change(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        form = caller.form
        present = (await web.administration.source(caller.by, _id(pk))).source
        wanted = replace(present, name=form.text("name"), type=form.text("type"), base_url=form.text("base_url"))
        try:
            seen.check(form, _form_of(present), _form_of(wanted), f"/admin/sources/{pk}/")
            await web.administration.change_source(caller.by, present.id, wanted.name, wanted.type, wanted.base_url)
        except Invalid as error:
            return await show(caller, pk, form.wrong(error.errors))
        except seen.ChangedMeanwhile as error:
            return await show(caller, pk, error.form)
        return go(f"/admin/sources/{pk}/?done=kept")

    @post("/admin/sources/{pk:int}/active/")
    async def activity(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        active = caller.form.get("active") == "yes"
        await web.administration.set_source_active(caller.by, _id(pk), active=active)
        return go(f"/admin/sources/{pk}/?done={'active' if active else 'inactive'}")

    @post("/admin/sources/{pk:int}/heartbeat/")
    async def expect(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        try:
            await web.administration.expect(caller.by, _id(pk), _every(caller.form.text("every")))
        except Invalid as error:
            return await show(caller, pk, caller.form.wrong(error.errors))
        return go(f"/admin/sources/{pk}/?done=kept")

    @post("/admin/sources/{pk:int}/flapping/")
    async def set_threshold(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        try:
            await web.administration.set_threshold(caller.by, _id(pk), caller.form.text("flapping"))
        except Invalid as error:
            return await show(caller, pk, caller.form.wrong(error.errors))
        return go(f"/admin/sources/{pk}/?done=kept")

    @post("/admin/sources/{pk:int}/token/")
    async def add_token(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        new = await web.administration.add_source_token(caller.by, _id(pk))
        return caller.page("key.html", here="sources", new=new, back=f"/admin/sources/{pk}/", about="")

    @get("/admin/sources/{pk:int}/rotate/")
    async def ask_rotate(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.open(request, Act.MANAGE_SOURCES)
        card = await web.administration.source(caller.by, _id(pk))
        return caller.confirm(
            f"A new token for {card.source.name}, instead of all others?",
            button="Replace all tokens",
            back=f"/admin/sources/{pk}/",
            text="The source is refused until it has the new one.",
        )

    @post("/admin/sources/{pk:int}/rotate/")
    async def rotate(request: PageRequest, pk: FromPath[int]) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        new = await web.administration.rotate_source_token(caller.by, _id(pk))
        return caller.page("key.html", here="sources", new=new, back=f"/admin/sources/{pk}/", about="")

    return [sources, export, ask_new, add, source, change, activity, expect, set_threshold, add_token, ask_rotate, rotate]


def _id(pk: int) -> SourceId:
    return SourceId(pk_in(pk))


def _form_of(source: Source) -> Form:
    return Form({"name": [source.name], "type": [source.type], "base_url": [source.base_url]})


def _every(text: str) -> timedelta | None:
    """
    How often a heartbeat is expected; nothing is never.

    Raises:
        Invalid: under `every`, it is no span of time.
    """
    if not text:
        return None
    found = re.fullmatch(r"([0-9]{1,6})\s*([smhd])", text)
    if found is None:
        raise Invalid({"every": "Give a span of time like 30s, 5m, 2h or 1d, or nothing."})
    return int(found[1]) * _UNITS[found[2]]


def _span(heart: Heart | None) -> str:
    if heart is None:
        return ""
    unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if not heart.every % size or unit == "s")
    return f"{heart.every // size}{unit}"
