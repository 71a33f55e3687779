"""How refusals of every kind become answers. Handlers raise; only this module knows statuses."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any, TypeAlias

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from adapters.http.answers import Answer, Header, json_answer
from adapters.http.auth import CredentialCache
from argus_core.domain.errors import (
    AckHasExpired,
    AlreadyClosed,
    AlreadyOpen,
    BadLogin,
    DomainError,
    DuplicateIncident,
    EventNotAllowed,
    FilterInUse,
    ForeignTags,
    Invalid,
    MayNotNameSource,
    NameTaken,
    NeverEnds,
    NoRoom,
    NotAllowed,
    NotAllowedNow,
    NotFound,
    NoTicketSystem,
    OnlySourcesReport,
    ReadOnly,
    TooOften,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from argus_core.ports.tickets import TicketFailed

Errors: TypeAlias = "Mapping[str, Errors] | list[str] | str"

ACROSS_FIELDS = "non_field_errors"
_log = logging.getLogger("argus.http")


class Refused(Exception):
    """The request itself is wrong: this is the whole answer."""

    def __init__(self, status: int, body: Errors, *headers: Header) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers


class Disconnected(Exception):
    """Whoever asked has gone; nobody hears the answer."""


def detail(status: int, text: str, *headers: Header) -> Refused:
    """A refusal in one sentence."""
    return Refused(status, {"detail": text}, *headers)


def refusal(error: DomainError) -> Refused:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of answer
    """What the domain refused, as clients know it."""
    match error:
        case NotFound():
            return detail(404, error.message)
        case Unauthenticated():
            return detail(401, error.message, (b"www-authenticate", b"Token"))
        case NoRoom():
            return detail(503, error.message, (b"retry-after", b"30"))
        case TooSlow() | ReadOnly():
            return detail(503, error.message, (b"retry-after", b"1"))
        case Unavailable():
            return detail(503, "The database cannot be reached at the moment. Try again.", (b"retry-after", b"1"))
        case TooOften():
            return detail(429, error.message, (b"retry-after", str(seconds_of(error.after)).encode()))
        case Invalid():
            return Refused(400, _field_errors(error))
        case ForeignTags():
            return Refused(400, dict.fromkeys(error.tags, "Cannot remove this tag when you're not the one who added it."))
        case EventNotAllowed() | NeverEnds() | AlreadyClosed() | AlreadyOpen():
            return Refused(400, {"type": error.message})
        case BadLogin():
            return Refused(400, {ACROSS_FIELDS: [error.message]})
        case FilterInUse() | NoTicketSystem():
            return Refused(400, error.message)
        case OnlySourcesReport() | MayNotNameSource() | DuplicateIncident() | AckHasExpired() | NameTaken() | NotAllowedNow():
            return Refused(400, [error.message])
        case NotAllowed():
            return detail(403, error.message)
        case _:
            return detail(400, error.message)


def seconds_of(span: timedelta) -> int:
    """So many whole seconds are long enough, and at least one."""
    return max(1, ceil(span.total_seconds()))


def _field_errors(error: Invalid) -> Errors:
    if error.errors.keys() == {"source"}:
        # Whose incident it is is no matter of fields (API v1 and v2 alike), so the sentence has to say what it is about.
        return [f"source: {problem}" for problem in error.errors.values()]
    return nested(error.errors)


def nested(problems: Mapping[str, str]) -> Errors:
    """Problems by path, as `Invalid` has them, as answers have them: `tags/0` is `{"tags": {"0": [...]}}`; no name is across fields."""
    tree: dict[str, Any] = {}
    for path, text in sorted(problems.items()):
        *parents, field = path.split("/")
        here = tree
        for parent in parents:
            inner = here.setdefault(parent, {})
            if isinstance(inner, list):  # what is wrong with the parent itself
                inner = here[parent] = {ACROSS_FIELDS: inner}
            here = inner
        here[field or ACROSS_FIELDS] = [text]
    return tree


def answer_to(error: Exception, request_id: str) -> Answer:
    """What to answer to any exception. An unexpected one is logged, and the client learns no more than where to look for it."""
    if isinstance(error, DomainError):
        error = refusal(error)
    if isinstance(error, TicketFailed):
        # No 5xx: clients repeat those by themselves, and it may be that a ticket was made.
        error = Refused(400, str(error))
    if isinstance(error, Refused):
        return json_answer(error.body, error.status, *error.headers)
    if isinstance(error, HTTPException) and error.status_code < 500:  # noqa: PLR2004 - what the framework itself finds wrong
        return json_answer({"detail": error.detail}, error.status_code)
    if isinstance(error, Disconnected):
        return Answer(499)  # for the access log; there is nobody to send it to
    _log.error("request %s failed", request_id, exc_info=error)
    return json_answer({"detail": f"Internal server error. The log tells more about request {request_id}."}, 500)


def exception_handlers(cache: CredentialCache) -> ExceptionHandlersMap:
    """The handlers of the framework: all exceptions go one way."""

    def respond(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        if isinstance(error, Unauthenticated) and (credential := request.scope.get("auth")):
            cache.drop(credential.token_id)
        answer = answer_to(error, str(request.scope.get("request_id", "")))
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Response(answer.body, status_code=answer.status, headers=headers)

    return {HTTPException: respond, Exception: respond}
