"""All pages, as one router for the composition root."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from adapters.web.account import account_routes
from adapters.web.administration import admin_routes
from adapters.web.entrance import entrance_routes
from adapters.web.errors import exception_handlers
from adapters.web.guests import Guests
from adapters.web.resets import reset_routes
from adapters.web.services import Web

_FILES = {"pico.min.css": "text/css; charset=utf-8", "argus.css": "text/css; charset=utf-8", "argus.svg": "image/svg+xml"}


def web_routes(web: Web, opt: Mapping[str, Any]) -> Router:
    """Every page. `opt` is what the surroundings have to be told of each handler."""
    guests = Guests(web)

    @get("/static/{name:str}", opt={"bare": True})
    async def file(name: FromPath[str]) -> Response[bytes]:
        if name not in _FILES:
            raise NotFoundException
        return Response(_content(name), headers={"content-type": _FILES[name], "cache-control": "max-age=3600"})

    pages = [*entrance_routes(web, guests), *account_routes(web, guests), *reset_routes(web, guests), *admin_routes(web, guests)]
    return Router("/", route_handlers=[file, *pages], exception_handlers=exception_handlers(), opt=dict(opt), include_in_schema=False)


@cache
def _content(name: str) -> bytes:
    return (Path(__file__).with_name("static") / name).read_bytes()
