"""Where administrators look; what can be done there is still done on the command line."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.web.answers import go, page
from adapters.web.guests import Forbidden, Guests, PageRequest
from adapters.web.services import Web


def admin_routes(web: Web, guests: Guests) -> list[HTTPRouteHandler]:  # noqa: ARG001 - as for all other pages
    """Under `/admin/`."""

    @get("/admin/login/")
    async def log_in() -> Response[bytes]:
        return go("/login/?next=/admin/", status=302)

    @get("/admin/")
    async def admin(request: PageRequest) -> Response[bytes]:
        guest = await guests.known(request)
        if not guest.user.staff and not guest.user.superuser:
            raise Forbidden("The administration is for staff.")
        return page("admin.html", guest)

    return [log_in, admin]
