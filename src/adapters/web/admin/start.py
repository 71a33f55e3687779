"""Where administrators begin: what there is, and what needs attention. And the settings, as they are."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.web.admin.desk import Desk
from adapters.web.answers import go
from adapters.web.guests import Guests, PageRequest
from adapters.web.services import Web

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

    return [log_in, start, settings]
