"""From the bytes of a request body to a mapping of fields, whatever they were sent as."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import HTTPReceiveMessage

from adapters.http.answers import Message
from adapters.http.errors import ACROSS_FIELDS, Disconnected, Refused, detail
from argus_core.domain.accounts import Credential
from argus_core.domain.actors import Actor
from argus_core.domain.errors import TooOften, Unavailable
from argus_core.domain.ids import UserId

BODY_BYTES = 1_048_576
LARGE = 65_536
"""What has more bytes is a large body: hardly anybody sends some, and they take memory while they arrive, and time when they are there."""

MOST_LARGE, MOST_LARGE_EACH = 32, 4
"""So many large bodies may arrive at the same time, and so many of one user."""

LATER = timedelta(seconds=1)
_MOST_FORM_FIELDS = 1_000

ApiRequest = Request[Actor, Credential, State]


class Form(dict[str, object]):
    """Fields of a form: all values are texts; of a repeated field the last one counts, unless a list is wanted."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def all(self, name: str) -> list[object]:
        """Every value of a field."""
        return [value for key, value in self._pairs if key == name]


async def read(request: ApiRequest) -> bytes:
    """
    The body, unless it is too large: then most of it is not even read.

    Raises:
        Refused: with 413.
        TooOften: this user sends many large ones already.
        Unavailable: so do others together.
        Disconnected: the client has gone.
    """
    length = _header(request, b"content-length")
    if length.isdigit() and int(length[:20]) > BODY_BYTES:
        raise _too_large()
    body = bytearray()
    if await _more(request, body, LARGE):
        actor: Actor | None = request.scope["user"]
        with _arriving.one(actor.id if actor else None):
            await _more(request, body, BODY_BYTES)
    if len(body) > BODY_BYTES:
        raise _too_large()
    return bytes(body)


async def _more(request: ApiRequest, body: bytearray, most: int) -> bool:
    """Read on, to the end or beyond so many bytes; gives whether there is more."""
    more = True
    while more and len(body) <= most:
        message: Message = await request.receive()  # type: ignore[assignment]  # the framework narrows what ASGI has
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return more


class _Arriving:
    """The large bodies that arrive in this process."""

    def __init__(self) -> None:
        self._by: Counter[UserId | None] = Counter()

    @contextmanager
    def one(self, who: UserId | None) -> Iterator[None]:
        """
        One more, until the end of the block.

        Raises:
            TooOften, Unavailable: it would be one too many.
        """
        if self._by[who] >= MOST_LARGE_EACH:
            raise TooOften(f"Only {MOST_LARGE_EACH} bodies of more than {LARGE} bytes may arrive at a time.", LATER)
        if self._by.total() >= MOST_LARGE:
            raise Unavailable
        self._by[who] += 1
        try:
            yield
        finally:
            self._by[who] -= 1
            self._by += Counter()  # forgets those who send nothing any more


_arriving = _Arriving()


async def fields(request: ApiRequest) -> Mapping[str, object]:
    """
    The fields of a body in JSON or of a form; an empty body has none.

    Raises:
        Refused: with 400, 413 or 415.
    """
    body = await read(request)
    return await fields_of(request, body) if body else {}


async def fields_of(request: ApiRequest, body: bytes) -> Mapping[str, object]:
    """The fields of a body that has been read; see `fields`."""
    match media_type(request):
        case "application/json":
            return mapping(parsed_json(body))
        case "application/x-www-form-urlencoded":
            return _url_encoded(body)
        case "multipart/form-data":
            return await _multipart(request, body)
        case other:
            raise detail(415, f'Unsupported media type "{other}" in request.')


def media_type(request: ApiRequest) -> str:
    """The content type without its parameters."""
    return _header(request, b"content-type").partition(b";")[0].strip().lower().decode("latin-1")


def parsed_json(body: bytes) -> object:
    """
    The value that a body in JSON holds.

    Raises:
        Refused: it is malformed.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # The second parser says what is wrong in the words clients know, and lets through what can be blamed on a single field.
    try:
        return json.loads(body.decode(), parse_constant=_not_json)
    except RecursionError:
        raise detail(400, "JSON parse error - nested too deeply") from None
    except ValueError as error:
        raise detail(400, f"JSON parse error - {error}") from None


def mapping(value: object) -> Mapping[str, object]:
    """
    The value, if it is an object.

    Raises:
        Refused: it is not.
    """
    if isinstance(value, dict):
        return value
    text = "No data provided" if value is None else f"Invalid data. Expected a dictionary, but got {type(value).__name__}."
    raise Refused(400, {ACROSS_FIELDS: [text]})


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: '{name}'")


def _url_encoded(body: bytes) -> Form:
    try:
        return Form([*parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FORM_FIELDS)])
    except ValueError:
        raise detail(400, f"A form has at most {_MOST_FORM_FIELDS} fields.") from None


async def _multipart(request: ApiRequest, body: bytes) -> Form:
    async def receive() -> HTTPReceiveMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    again: Request[Any, Any, Any] = Request(request.scope, receive)
    try:
        return Form([*(await again.form()).multi_items()])
    except (HTTPException, LookupError, ValueError):
        raise detail(400, "The multipart form is malformed.") from None


def _header(request: ApiRequest, wanted: bytes) -> bytes:
    return next((value for name, value in request.scope["headers"] if name == wanted), b"")


def _too_large() -> Refused:
    return detail(413, f"A request body has at most {BODY_BYTES} bytes.")
