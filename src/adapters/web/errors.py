"""What people see when something is refused or goes wrong."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException
from litestar.types import ExceptionHandlersMap

from adapters.web.answers import go, page
from adapters.web.guests import Forbidden, InsecurePlace, NotLoggedIn, login_path
from argus_core.domain.errors import (
    BadLogin,
    DomainError,
    IdentityRefused,
    NoRoom,
    NotAllowed,
    NotFound,
    ProviderTrouble,
    ReadOnly,
    ResetRefused,
    TooOften,
    TooSlow,
    Unavailable,
)

INSECURE = (
    "This server was reached over plain http, where others could read your password. Open it over https; behind a proxy that does https, "
    "the operator sets ARGUS_PUBLIC_URL."
)

INSECURE_TITLE = "This is no place to log in"

LOGGED_OUT_TITLE = "You are logged out"

LOGGED_OUT = "This was not done. Log in in another tab, then load this page again."

_TITLES = {
    400: "That was not understood",
    403: "This is not for you",
    404: "There is no such page",
    405: "There is no such page",
    413: "That was too much",
    429: "Too often",
    500: "Something went wrong",
    502: "The identity provider is in trouble",
    503: "Try again in a moment",
}
_NOT_HERE = "The address is wrong, or what was here is gone."
_log = logging.getLogger("argus.web")


def error_page(status: int, text: str = _NOT_HERE, *, title: str = "", after: int | None = None) -> Response[bytes]:
    """A page about what went wrong; after so many seconds it may go well."""
    headers = {} if after is None else {"retry-after": str(after)}
    return page("error.html", status=status, headers=headers, title=title or _TITLES.get(status, "That did not work"), text=text)


def page_for(error: Exception, request: Request[Any, Any, Any]) -> Response[bytes]:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of page
    """The page about any exception. An unexpected one is logged, and the page tells no more than where to look for it."""
    match error:
        case NotLoggedIn():
            within = "hx-request" in request.headers  # a login page has no place in the midst of another
            return error_page(403, LOGGED_OUT, title=LOGGED_OUT_TITLE) if within else go(login_path(request))
        case InsecurePlace():
            return error_page(403, INSECURE, title=INSECURE_TITLE)
        case Forbidden():
            _log.warning("%s was refused: %s", _path(request), error)
            return error_page(403, str(error))
        case TooOften():
            seconds = max(1, -int(-error.after.total_seconds() // 1))
            return error_page(429, f"{error.message} You may in {minutes(seconds)}.", after=seconds)
        case ProviderTrouble():
            return error_page(502, f"{error.message} Try again, or log in in another way.")
        case IdentityRefused() | BadLogin():
            _log.warning("%s was refused: %s", _path(request), error.message)
            return error_page(403, error.message, title="You are not logged in")
        case ResetRefused():
            return error_page(403, error.message, title="This link is not good any more")
        case NotAllowed():
            _log.warning("%s was refused: %s", _path(request), error.message)
            return error_page(403, error.message)
        case NotFound() | NotFoundException():
            return error_page(404)
        case NoRoom():
            return error_page(503, error.message, after=30)
        case TooSlow() | ReadOnly():
            return error_page(503, error.message, after=1)
        case Unavailable():
            return error_page(503, "The database cannot be reached at the moment.", after=1)
        case DomainError():
            return error_page(400, error.message)
        case HTTPException() if error.status_code < 500:  # noqa: PLR2004 - what the framework itself finds wrong
            return error_page(error.status_code, error.detail)
        case _:
            request_id = request.scope.get("request_id", "-")
            _log.error("request %s failed", request_id, exc_info=error)
            return error_page(500, f"This is a mistake in Argus. The log tells the operator more about request {request_id}.")


def _path(request: Request[Any, Any, Any]) -> str:
    """What was asked for, to the slash, without the query: there are secrets in some."""
    path: bytes = request.scope["raw_path"]
    return path.decode("latin-1")


def minutes(seconds: int) -> str:
    """A span as people say it."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def exception_handlers() -> ExceptionHandlersMap:
    """The handlers of the framework: all exceptions go one way."""

    def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        return page_for(error, request)

    return {HTTPException: respond, Exception: respond}
