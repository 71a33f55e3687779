"""Cursors: places between the rows of a list, as opaque texts in links to the pages before and after."""

import struct
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

from adapters.http.answers import Header
from adapters.http.bodies import ApiRequest
from adapters.http.errors import detail
from adapters.http.queries import BIGGEST_PK, Query
from argus_core.domain.ids import IncidentId
from argus_core.ports.incidents import Position

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CURSOR = struct.Struct(">qQ?")  # microseconds since 1970, id, backwards


def cursor(position: Position) -> str:
    """The position as clients keep it."""
    packed = _CURSOR.pack((position.start_time - _EPOCH) // _MICROSECOND, position.id, position.backwards)
    return urlsafe_b64encode(packed).rstrip(b"=").decode()


def position(text: str) -> Position | None:
    """
    The position a cursor stands for; an empty one is the beginning.

    Cursors that clients got from another Argus server, before they were moved to this one, are understood too.

    Raises:
        Refused: 404, it is none.
    """
    if not text:
        return None
    try:
        bare = text.rstrip("=").replace("+", "-").replace("/", "_")
        raw = b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
        return _ours(raw) if len(raw) == _CURSOR.size else _theirs(raw.decode("ascii"))
    except (ValueError, OverflowError):
        raise detail(404, "Invalid cursor") from None


def _ours(raw: bytes) -> Position:
    microseconds, incident_id, backwards = _CURSOR.unpack(raw)
    if incident_id > BIGGEST_PK:
        raise ValueError(incident_id)
    return Position(_EPOCH + microseconds * _MICROSECOND, IncidentId(incident_id), backwards)


def _theirs(query: str) -> Position:
    parameters = parse_qs(query, strict_parsing=True)
    moment = datetime.fromisoformat(parameters["p"][0] if parameters.keys() <= {"p", "r"} and "p" in parameters else "")
    if moment.tzinfo is None:
        raise ValueError(query)
    backwards = parameters.get("r") == ["1"]
    return Position(moment.astimezone(UTC), IncidentId(BIGGEST_PK if backwards else 0), backwards)


def base_url(request: ApiRequest) -> str:
    """The address of this server as the client called it, without a slash at the end."""
    host: bytes = next((value for name, value in request.scope["headers"] if name == b"host"), b"")
    return f"{request.scope['scheme']}://{host.decode('latin-1')}"


def link(request: ApiRequest, query: Query, position: Position | None) -> str | None:
    """The absolute address of another page of the same list; None when there is none."""
    if position is None:
        return None
    pairs = [(name, value) for name, value in query.pairs if name != "cursor"]
    path = request.scope["raw_path"]
    return f"{base_url(request)}{path.decode('latin-1')}?{urlencode([*pairs, ('cursor', cursor(position))])}"


def rest_link(url: str) -> Header:
    """The header that leads from a list that was cut to the pages that have all of it."""
    return b"link", f'<{url}>; rel="next"'.encode()
