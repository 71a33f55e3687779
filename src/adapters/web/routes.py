"""All pages, as one router for the composition root."""

import gzip
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from adapters.web.account import account_routes
from adapters.web.admin import admin_routes
from adapters.web.entrance import entrance_routes
from adapters.web.errors import exception_handlers
from adapters.web.guests import Guests, PageRequest
from adapters.web.incident import incident_page_routes
from adapters.web.incidents import incident_list_routes, kept_filter_routes, where_routes
from adapters.web.notifications import notification_routes
from adapters.web.overview import overview_routes
from adapters.web.resets import reset_routes
from adapters.web.services import Web

_CSS, _SCRIPT, _PICTURE = "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"
_FILES = {
    **dict.fromkeys(("pico.min.css", "argus.css", "pages.css", "incidents.css", "admin.css", "wall.css"), _CSS),
    **dict.fromkeys(("htmx.min.js", "failing.js", "incidents.js", "keys.js", "times.js", "zone.js"), _SCRIPT),
    "argus.svg": _PICTURE,
}

_ROOMS = (
    entrance_routes,
    account_routes,
    reset_routes,
    admin_routes,
    incident_list_routes,
    kept_filter_routes,
    where_routes,
    incident_page_routes,
    overview_routes,
    notification_routes,
)


def web_routes(web: Web, opt: Mapping[str, Any]) -> Router:
    """Every page. `opt` is what the surroundings have to be told of each handler."""
    guests = Guests(web)

    @get("/static/{name:str}", opt={"bare": True})
    async def file(request: PageRequest, name: FromPath[str]) -> Response[bytes]:
        if name not in _FILES:
            raise NotFoundException
        headers = {"content-type": _FILES[name], "cache-control": "max-age=3600", "vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(_content(name), headers=headers)
        return Response(_zipped(name), headers={**headers, "content-encoding": "gzip"})

    pages = [handler for room in _ROOMS for handler in room(web, guests)]
    return Router("/", route_handlers=[file, *pages], exception_handlers=exception_handlers(), opt=dict(opt), include_in_schema=False)


@cache
def _zipped(name: str) -> bytes:
    return gzip.compress(_content(name), mtime=0)


@cache
def _content(name: str) -> bytes:
    return (Path(__file__).with_name("static") / name).read_bytes()
