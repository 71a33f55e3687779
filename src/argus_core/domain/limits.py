"""
What may be stored at all, so that one row can never break a list.

Sizes are bytes of UTF-8. The limits belong to the product, not to the API document; each is checked where a value enters the domain.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from argus_core.domain.errors import Invalid

KEY_BYTES = 1_024
TAG_BYTES = 1_024
URL_BYTES = 8_192
DESCRIPTION_BYTES = 65_536
METADATA_BYTES = 65_536
METADATA_DEPTH = 32
TAGS = 256
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

_BIGGEST_FLOAT = 1.7976931348623157e308
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_URL = re.compile(
    r"""(?a:https?|ftps?)://
        (?:[^\s:@/?#\[\]]+(?::[^\s:@/?#\[\]]*)?@)?          # user and password
        (?:\[[0-9a-f:.]+\]|[^\s:@/?#\[\]<>"\\^`{|}]+)       # host
        (?::[0-9]{1,5})?
        (?:[/?#][^\s<>"]*)?""",
    re.VERBOSE | re.IGNORECASE,
)


def text_problem(text: str, most_bytes: int) -> str | None:
    """Why the text cannot be stored, or None."""
    if ("\0" in text or not text.isascii()) and _UNSTORABLE.search(text):
        return "Null characters and lone surrogates are not allowed."
    # A character takes at most four bytes: most texts need not be encoded to be measured.
    if len(text) * 4 > most_bytes and len(text.encode()) > most_bytes:
        return f"Ensure this field has no more than {most_bytes} bytes."
    return None


def storable(text: str, most: int) -> str:
    """The text, which comes from anywhere, without what cannot be stored, and at most so many characters of it."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:most]


def url_problem(url: str) -> str | None:
    """Why this is not an absolute http(s) or ftp(s) URL, or None."""
    if text_problem(url, URL_BYTES) or not _URL.fullmatch(url):
        return "Enter a valid URL."
    return None


def moment_problem(moment: datetime) -> str | None:
    """
    Why the moment cannot be stored, or None.

    Raises:
        ValueError: the moment is naive or not in UTC; only edges know about time zones.
    """
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"The core takes aware UTC datetimes only, not {moment!r}.")
    if not EARLIEST <= moment <= LATEST:
        return "Ensure this time lies between the years 1900 and 9998."
    return None


def metadata_problem(metadata: Json) -> str | None:
    """Why the metadata cannot be stored, or None: too large, too deep, or holding what JSON in PostgreSQL cannot."""
    problem = _json_problem(metadata, METADATA_DEPTH)
    if problem:
        return problem
    if metadata and len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) > METADATA_BYTES:
        return f"Ensure this field has no more than {METADATA_BYTES} bytes."
    return None


def _json_problem(value: Json, depth: int) -> str | None:
    match value:
        case None | bool():
            return None
        case int() | float():
            if not math.isfinite(value) if isinstance(value, float) else abs(value) > _BIGGEST_FLOAT:
                return "Numbers must fit a 64-bit float."
            return None
        case str():
            return text_problem(value, METADATA_BYTES)
        case _:
            return _container_problem(value, depth)


def _container_problem(value: Sequence[Json] | Mapping[str, Json], depth: int) -> str | None:
    if depth == 0:
        return f"Ensure this field is nested no deeper than {METADATA_DEPTH} levels."
    if len(value) > METADATA_BYTES // 2:  # each takes two bytes at least: so many need not be looked at
        return f"Ensure this field has no more than {METADATA_BYTES} bytes."
    members: list[Json] = [*value.keys(), *value.values()] if isinstance(value, (dict, Mapping)) else list(value)
    return next((problem for member in members if (problem := _json_problem(member, depth - 1))), None)


def same_json(one: Json, other: Json) -> bool:
    """Whether both are the same JSON. Unlike in Python, `true` is not `1`."""
    match one, other:
        case (Mapping(), Mapping()):
            return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(other) and all(map(same_json, one, other))
        case _:
            return one == other and isinstance(one, bool) == isinstance(other, bool)


def require(problems: Mapping[str, str | None]) -> None:
    """
    Go on only when no field has a problem.

    Raises:
        Invalid: with one sentence for each field that has.
    """
    found = {field: problem for field, problem in problems.items() if problem}
    if found:
        raise Invalid(found)
