"""What is asked for outside the versions of the API: about the server, its description, and a few plain pages."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from importlib.resources import files

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from adapters.http.answers import Answer, Header, html_answer, json_answer
from adapters.http.auth import Access
from adapters.http.bodies import ApiRequest
from adapters.http.errors import detail
from adapters.http.paging import base_url
from adapters.http.routes import Operation, told
from adapters.http.services import Services

_OPEN = {"access": Access.ANYBODY}
_VIEWER_FILES: Mapping[str, bytes] = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
    "viewer.js": b"text/javascript; charset=utf-8",
}
_CACHED: Header = (b"cache-control", b"max-age=3600")
# The viewer sets styles on its elements; everything else comes from files of ours.
_VIEWER_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'",
)
_PAGE_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_VIEWER = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>API of Argus</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/docs/files/swagger-ui.css">
<script src="/api/docs/files/swagger-ui-bundle.js" defer></script>
<script src="/api/docs/files/viewer.js" defer></script>
</head>
<body><div id="viewer"></div></body>
</html>
"""
_SCHEMA = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Settings of {name}</title></head>
<body>
<h1>Settings of {name}</h1>
<p>What the settings of a destination look like that is reached by {name}, as JSON Schema:</p>
<pre>{schema}</pre>
</body>
</html>
"""


class ApiVersions(Struct):
    """Versions of the API."""

    deprecated: str
    stable: str


class Schemas(Struct):
    """Where the API is described."""

    stable: str
    v1: str
    v2: str


class About(Struct, rename={"server_version": "server-version", "api_version": "api-version", "jsonapi_schema": "jsonapi-schema"}):
    """What this server is."""

    server_version: str
    api_version: ApiVersions
    jsonapi_schema: Schemas
    ticket_plugin: str | None
    destination_plugins: tuple[str, ...]


class LoginMethod(Struct):
    """A way to log in."""

    type: str
    url: str
    name: str


_ABOUT = Operation(summary="Tell what this server is", answers={200: About})
_LOGIN_METHODS = Operation(summary="List the ways to log in", answers={200: list[LoginMethod]})


def page_routes(services: Services, schema: Callable[[str | None], bytes]) -> list[HTTPRouteHandler]:
    """Everything anybody may look at."""

    @get("/", opt=_OPEN)
    async def root() -> Answer:
        return Answer(302, b"", (b"location", b"/api/docs/"))

    @get("/api/", opt=told(_ABOUT, Access.ANYBODY))
    async def about() -> Answer:
        versions, schemas = ApiVersions("v1", "v2"), Schemas("/api/schema/", "/api/v1/schema/", "/api/v2/schema/")
        tickets = services.tickets.system
        media = tuple(_dotted(enabled.medium) for enabled in services.media.enabled if enabled.medium)
        return json_answer(About(services.version, versions, schemas, _dotted(tickets) if tickets else None, media))

    @get("/api/docs/", opt=_OPEN)
    async def viewer() -> Answer:
        return html_answer(_VIEWER, _VIEWER_POLICY)

    @get("/api/docs/files/{name:str}", opt={**_OPEN, "bare": True})
    async def viewer_file(name: FromPath[str]) -> Answer:
        if name not in _VIEWER_FILES:
            raise detail(404, "Not found.")
        return Answer(200, _viewer_file(name), (b"content-type", _VIEWER_FILES[name]), _CACHED)

    @get("/login-methods/", opt=told(_LOGIN_METHODS, Access.ANYBODY))
    async def login_methods(request: ApiRequest) -> Answer:
        here = services.public_url or base_url(request)
        others = [LoginMethod("OAuth2", f"{here}{method.path}", method.name) for method in services.login_methods]
        return json_answer([LoginMethod("username_password", f"{base_url(request)}/api/v2/token-auth/", "user_pw"), *others])

    @get("/json-schema/{slug:str}", opt={**_OPEN, "bare": True})
    async def medium_schema(slug: FromPath[str]) -> Answer:
        enabled = services.media.get(slug)
        if enabled is None or enabled.medium is None:
            raise detail(404, "Not found.")
        shown = json.dumps(enabled.medium.schema, indent=2, ensure_ascii=False)
        return html_answer(_SCHEMA.format(name=escape(enabled.name), schema=escape(shown)), _PAGE_POLICY)

    return [root, about, *_descriptions(schema), medium_schema, viewer, viewer_file, login_methods]


def _descriptions(schema: Callable[[str | None], bytes]) -> list[HTTPRouteHandler]:
    @get("/api/schema/", opt=_OPEN)
    async def described() -> Answer:
        return Answer(200, schema(None), (b"content-type", b"application/json"))

    @get("/api/v1/schema/", opt=_OPEN)
    async def described_v1() -> Answer:
        return Answer(200, schema("v1"), (b"content-type", b"application/json"))

    @get("/api/v2/schema/", opt=_OPEN)
    async def described_v2() -> Answer:
        return Answer(200, schema("v2"), (b"content-type", b"application/json"))

    return [described, described_v1, described_v2]


def _dotted(plugin: object) -> str:
    return f"{type(plugin).__module__}.{type(plugin).__qualname__}"


@cache
def _viewer_file(name: str) -> bytes:
    return (files("adapters.http") / "swagger_ui" / name).read_bytes()
