"""E-mail addresses, as `name@host`: which ones there can be, and how a mail server has to be told."""

import re

import idna

MOST_CHARACTERS = 254

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+$)[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether mail can be sent there: the part before the @ is ASCII, the host has at least two labels or is `localhost`."""
    local, _, host = text.rpartition("@")
    if len(text) > MOST_CHARACTERS or len(local) > 64 or not _LOCAL.fullmatch(local):  # noqa: PLR2004 - RFC 5321, 4.5.3.1
        return False
    try:
        host = _ascii(host)
    except UnicodeError:
        return False
    return host.lower() == "localhost" or (len(host) <= 253 and _HOST.fullmatch(host) is not None)  # noqa: PLR2004 - RFC 5321


def for_envelope(address: str) -> str:
    """The address with its host as ASCII, for servers that know no other."""
    local, _, host = address.rpartition("@")
    return f"{local}@{_ascii(host)}"


def _ascii(host: str) -> str:
    return host if host.isascii() else idna.encode(host, uts46=True).decode()
