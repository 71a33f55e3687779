"""Where administrators begin: what there is, and what needs attention. And the settings, as they are."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from adapters.web.admin import files
from adapters.web.admin.desk import Desk
from adapters.web.answers import go
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web
from adapters.web.taken_along import file_of

_MOST_STUCK = 20


def start_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:
    """`/admin/` and `/admin/settings/`."""
    desk = Desk(web, guests)

    @get("/admin/login/")
    async def log_in() -> Response[bytes]:
        return go("/login/?next=/admin/", status=302)

    @get("/admin/")
    async def start(request: PageRequest) -> Response[bytes]:
        caller = await desk.open(request)
        return caller.page(
            "start.html",
            here="start",
            worries=[*await web.worries(), *web.media.lacks],
            backlog=await web.administration.backlog(caller.by),
            stuck=await web.administration.stuck(caller.by, _MOST_STUCK),
        )

    @get("/admin/settings/")
    async def settings(request: PageRequest) -> Response[bytes]:
        return (await desk.open(request)).page("settings.html", here="settings", settings=web.settings)

    @get("/admin/settings/export/")
    async def export(request: PageRequest) -> Stream:
        await desk.open(request)
        objects = [dict(zip(files.SETTING, setting, strict=True)) for setting in web.settings]
        return file_of(files.at_once(objects), files.SETTING, "settings", request.query_params.get("form", ""))

    return [log_in, start, settings, export]
