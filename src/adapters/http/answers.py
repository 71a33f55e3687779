"""What is sent back: bytes made once and sent as they are."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import msgspec

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Header: TypeAlias = tuple[bytes, bytes]

NO_CONTENT = 204
NEVER_KEPT: Header = (b"cache-control", b"no-store")
FORGET_TOKEN: Header = (b"set-cookie", b'token=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/')
"""For pages that keep their token in a cookie."""

_JSON: Header = (b"content-type", b"application/json")
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_encode = msgspec.json.Encoder().encode


def encode(value: object) -> bytes:
    """The value as JSON. Lone surrogates, which errors may quote from a request, become question marks."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), ensure_ascii=False).encode("utf-8", "replace")


class Answer:
    """A whole answer, as an ASGI application."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", *headers: Header) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        headers = list(self.headers)
        if self.status != NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(value: object, status: int = 200, *headers: Header) -> Answer:
    """An answer in JSON."""
    return Answer(status, encode(value), _JSON, *headers)


def html_answer(page: str, *headers: Header) -> Answer:
    """A page."""
    return Answer(200, page.encode(), _HTML, *headers)
