"""Addresses: of lists that show what a figure is about, and of what others have put into incidents."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from argus_core.domain.limits import url_problem

_WEB = re.compile(r"https?://", re.IGNORECASE)


def list_link(**parameters: object) -> str:
    """The list of incidents with these parameters, which have the names of the API. What is None is left out."""
    return f"/incidents/?{urlencode({name: _said(value) for name, value in parameters.items() if value is not None}, safe=':')}"


def web_link(url: str) -> str:
    """The address if browsers may be led there, else nothing: neither scripts nor files."""
    try:
        safe = bool(_WEB.match(url)) and url_problem(url) is None and bool(urlsplit(url).hostname)
    except ValueError:
        return ""
    return url if safe else ""


def _said(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else value
