"""
What every request passes before and after the framework: request id, access log, CORS, exact paths and methods, HEAD, and who is asking.

It lies outside the framework because that strips slashes, knows no HEAD, and answers some errors before anything of ours could see them.
"""

import logging
import re
import time
from collections.abc import Callable
from secrets import token_hex
from typing import TypeAlias

from adapters.http.answers import Answer, App, Header, Message, Receive, Scope, Send
from adapters.http.auth import Gate
from adapters.http.errors import answer_to, detail
from adapters.http.services import Services
from adapters.http.sites import Site, Sites
from argus_core.ports.about import work_on

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"86400"),
)
_VARY: Header = (b"vary", b"origin")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_NO_PAGE = (404, 405)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOWHERE = "none"
"""The route of requests for what is not there: whoever tries paths must not make labels."""
_log = logging.getLogger("argus.access")


ErrorPage: TypeAlias = Callable[[Answer], Answer]
"""Shows people what the API would answer."""


class Cors:
    """Which pages of other origins may read answers. There are no credentials: the token comes in a header that the page sets itself."""

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)
        self._any = b"*" in self._origins

    def headers(self, origin: bytes) -> list[Header]:
        """What an answer to a page of this origin carries; empty is no page, or one of our own."""
        if not self._origins:
            return []
        if origin and (self._any or origin in self._origins):
            return [(b"access-control-allow-origin", origin), _VARY]
        return [_VARY]


class Edge:
    """An ASGI application around the framework's."""

    def __init__(self, app: App, sites: Sites, gate: Gate, services: Services, error_page: ErrorPage | None = None) -> None:
        self._app = app
        self._sites = sites
        self._gate = gate
        self._cors = Cors(services.cors_origins)
        self._measure = services.measure
        self._error_page = error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        method, status, started = scope["method"], 500, False
        if method == "HEAD":
            scope = {**scope, "method": "GET"}  # a copy: the server looks at its own to know what it was asked
        given = _header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else token_hex(8).encode()
        scope["request_id"] = request_id.decode()
        work_on(request=scope["request_id"])
        extra = [(b"x-request-id", request_id), _NO_SNIFFING, *self._cors.headers(_header(scope, b"origin"))]

        async def send_on(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message["headers"], *extra]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            answer = await self._answer(scope)
            await (answer or self._app)(scope, receive, send_on)
        except Exception as error:
            if started:
                raise
            await self._shown(answer_to(error, scope["request_id"]), scope)(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - began
            self._measure(scope.get("route", NOWHERE), method if method in _METHODS else "OTHER", status, seconds)
            if _log.isEnabledFor(logging.INFO):
                _access_log(scope, method, status, seconds)

    async def _answer(self, scope: Scope) -> Answer | None:
        """What can be answered without the framework; None is for it to answer."""
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS" and _header(scope, b"origin") and _header(scope, b"access-control-request-method"):
            return Answer(204, b"", *_PREFLIGHT)
        site = self._sites.find(path)
        if site is None:
            return self._elsewhere(scope)
        scope["route"] = site.path
        access = site.access.get(method)
        await self._gate.admit(scope, site.strictest if access is None else access)
        if access is None:
            return _other_methods(site, method)
        return None

    def _shown(self, answer: Answer, scope: Scope) -> Answer:
        """The answer as whoever asked can read it: browsers that look for a page that is not there get one, the API answers as ever."""
        for_people = answer.status in _NO_PAGE and b"text/html" in _header(scope, b"accept") and not scope["path"].startswith("/api/")
        return self._error_page(answer) if self._error_page and for_people else answer

    def _elsewhere(self, scope: Scope) -> Answer:
        if not scope["path"].endswith("/") and self._sites.find(f"{scope['path']}/"):
            raw: bytes = scope["raw_path"]
            query: bytes = scope["query_string"]
            return Answer(301, b"", (b"location", raw + b"/" + (b"?" + query if query else b"")))
        raise detail(404, "Not found.")


def _other_methods(site: Site, method: str) -> Answer:
    allow: Header = (b"allow", site.allow.encode())
    if method == "OPTIONS":
        return Answer(204, b"", allow)
    raise detail(405, f'Method "{method}" not allowed.', allow)


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _access_log(scope: Scope, method: str, status: int, seconds: float) -> None:
    """One line for each request, without the query: some clients put secrets there."""
    path: bytes = scope["raw_path"]
    actor = scope.get("user")
    told = {"ms": round(seconds * 1000, 1), "user": actor.username if actor else "-", "request": scope["request_id"]}
    _log.info("%s %s %d", method, path.decode("latin-1"), status, extra=told)
