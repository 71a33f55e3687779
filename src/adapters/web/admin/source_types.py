"""Source types: what there is, and new ones."""

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import Caller, Desk
from adapters.web.answers import go
from adapters.web.forms import Form
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of
from argus_core.domain.errors import Invalid
from argus_core.domain.permissions import Act


def source_type_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/source-types/`."""
    desk = Desk(web, guests)

    async def show(caller: Caller, form: Form, *, news: str = "") -> Response[bytes]:
        types = await web.administration.source_types(caller.by)
        return caller.page("source_types.html", here="source-types", form=form, types=types, news=news)

    @get("/admin/source-types/")
    async def types(request: PageRequest) -> Response[bytes]:
        news = "The source type is there." if request.query_params.get("done") == "made" else ""
        return await show(await desk.open(request), Form(), news=news)

    @get("/admin/source-types/export/")
    async def export(request: PageRequest) -> Stream:
        types_now = await web.administration.source_types((await desk.open(request)).by)
        objects = [{"name": name, "sources": count} for name, count in types_now]
        return file_of(files.at_once(objects), files.SOURCE_TYPE, "source-types", request.query_params.get("form", ""))

    @post("/admin/source-types/")
    async def add(request: PageRequest) -> Response[bytes]:
        caller = await desk.sent(request, Act.MANAGE_SOURCES)
        try:
            await web.administration.add_source_type(caller.by, caller.form.text("name"))
        except Invalid as error:
            return await show(caller, caller.form.wrong(error.errors))
        return go("/admin/source-types/?done=made")

    return [types, export, add]
