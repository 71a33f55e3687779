"""Source systems: the programs that report incidents, and their types."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from argus_core.domain.ids import SourceId, UserId
from argus_core.domain.limits import KEY_BYTES, URL_BYTES, require, text_problem, url_problem

# Most addresses are whole and plain, and need no joining.
_WHOLE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9/._~%@:=,-]*)?")
_TYPE_NAME = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A program that reports incidents: it has a type, one user of its own, and maybe an address."""

    id: SourceId
    name: str
    type: str
    user_id: UserId
    base_url: str = ""


def details_address(base_url: str, details_url: str) -> str:
    """Where details are, seen from the source's address; as it was posted when there is none, or when both make no address."""
    if not base_url or not details_url or _WHOLE.fullmatch(details_url):
        return details_url
    try:
        address = urljoin(base_url, details_url)
    except ValueError:
        return details_url
    return details_url if url_problem(address) else address


def check_source(name: str, base_url: str) -> None:
    """
    Check what somebody wants a source to be called and to live at; the address may be empty.

    Raises:
        Invalid: under `name`, `base_url`.
    """
    require(
        {
            "name": "This field may not be blank." if not name.strip() else text_problem(name, KEY_BYTES),
            "base_url": (text_problem(base_url, URL_BYTES) or url_problem(base_url)) if base_url else None,
        },
    )


def check_source_type(name: str, field: str = "name") -> None:
    """
    Check the name of a source type.

    Raises:
        Invalid: under that field.
    """
    bad = not _TYPE_NAME.fullmatch(name)
    require({field: "Use at most 64 lower case letters, digits, underscores and hyphens." if bad else None})
