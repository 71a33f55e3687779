"""E-mail addresses, as `name@host`: which ones there can be, and how a mail server has to be told."""

import re
from email.headerregistry import Address
from email.utils import parseaddr

import idna

MOST_CHARACTERS = 254

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
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


def sender(text: str) -> Address:
    """
    Who mail comes from: an address, with a name before it or not.

    Raises:
        ValueError: it is none.
    """
    name, address = parseaddr(text)
    if not is_address(address) or _CONTROL.search(text):
        raise ValueError("expected an address like argus@example.org or Argus <argus@example.org>")
    return Address(name, addr_spec=address)


def for_envelope(address: str) -> str:
    """The address with its host as ASCII, for servers that know no other."""
    local, _, host = address.rpartition("@")
    return f"{local}@{_ascii(host)}"


def _ascii(host: str) -> str:
    return host if host.isascii() else idna.encode(host, uts46=True).decode()
