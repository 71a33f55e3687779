"""Which addresses are those of the public network. Nothing but the standard library, for whoever has to be small."""

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

WEB_PORTS = (80, 443)
FIRST_HIGH_PORT = 1024
LAST_PORT = 65_535

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Not taken from `ipaddress.is_global`: what that knows depends on the version of Python.
_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # what machines in one cloud ask for their secrets, although it looks public
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",  # leads to an IPv4 address
            "3fff::/20",
        ),
    ),
)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, also through an address that stands for another."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    return not any(address in network for network in _CLOSED)


def is_web_port(port: int) -> bool:
    """Whether a port is one that may be asked: the two of the web, and those that need no privilege."""
    return port in WEB_PORTS or FIRST_HIGH_PORT <= port <= LAST_PORT


def address_in(text: str) -> Address | None:
    """The address that a text is, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
