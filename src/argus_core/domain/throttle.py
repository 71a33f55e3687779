"""How often something may be tried: so many times at one subject within a window that moves along."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 20
FAILURES_PER_ADDRESS = 200
RESETS_PER_MAILBOX = 3
RESETS_PER_ADDRESS = 20

_NETWORK = 64
"""So many bits of an IPv6 address tell networks apart; the rest anybody chooses for themselves."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts at a subject within the window."""

    subject: str
    most: int


def wait(moments: Iterable[datetime], most: int, now: datetime) -> timedelta:
    """How long until there may be another attempt, when there were some at these moments. Nothing is at once."""
    recent = sorted(moment for moment in moments if moment + WINDOW > now)
    return timedelta() if len(recent) < most else recent[-most] + WINDOW - now


def login_limits(username: str, address: str) -> Sequence[Limit]:
    """What limits attempts to log in: first that of the account, then that of the address they come from, if it is known."""
    return [Limit(f"log in as {username}", FAILURES_PER_ACCOUNT), *_from(address, "log in", FAILURES_PER_ADDRESS)]


def reset_limits(email: str, address: str) -> Sequence[Limit]:
    """What limits mails with which a password can be reset."""
    return [Limit(f"reset for {email.casefold()}", RESETS_PER_MAILBOX), *_from(address, "reset", RESETS_PER_ADDRESS)]


def _from(address: str, what: str, most: int) -> Sequence[Limit]:
    return [Limit(f"{what} from {_network(address)}", most)] if address else []


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _NETWORK), strict=False))
