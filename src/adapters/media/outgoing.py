"""
Requests to URLs that users have given.

Such a URL may lead anywhere, also to where only this machine can go. So its host is looked up once for each request, every address found
is checked, and the connection goes to exactly the address that was checked; redirects are answers like any other. Media that are installed
beside Argus may use this module: `Outgoing`, `Answer`, `Refused` and `Unreachable` stay as they are described here.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TypeAlias

import httpx

from adapters.media.public import FIRST_HIGH_PORT, Address, Network, address_in, is_public, is_web_port
from argus_core.domain.limits import url_problem

ALLOW = "ARGUS_OUTGOING_ALLOW"
SECONDS = 10.0
MOST_BYTES = 65_536
MOST_TRIES = 3

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class Refused(Exception):
    """The URL, or the address it leads to, is not allowed; the message says why."""


class Unreachable(Exception):
    """Nothing has been asked: there is no way to the server."""


class Unanswered(Unreachable):
    """There was no whole answer, or not in time; the request may have arrived nevertheless."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body is cut at `MOST_BYTES`, the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Asks servers that users have named; `allowed` are networks that may be asked although they are not public."""

    allowed: tuple[Network, ...] = ()
    seconds: float = SECONDS
    """How long everything together may take."""
    tls: ssl.SSLContext | None = None
    """What certificates are checked against; None is what the platform trusts."""
    resolve: Resolve | None = None
    """How a host is looked up; None is as the platform does it."""

    @classmethod
    def of(cls, config: Mapping[str, str]) -> "Outgoing":
        """
        As the settings of the installation have it: `ARGUS_OUTGOING_ALLOW` lists networks, separated by commas.

        Raises:
            ValueError: that is no list of networks.
        """
        return cls(allowed=tuple(_network(part.strip()) for part in config.get(ALLOW, "").split(",") if part.strip()))

    def check(self, url: str) -> str:
        """
        The URL in one spelling, if it may be asked as far as can be told without a look-up.

        Raises:
            Refused: it is no http(s) URL, has a password in it or an odd port, or leads straight to a closed address.
        """
        return str(self._checked(url))

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """
        Post the content and give back the answer, whatever its status is.

        Raises:
            Refused: the URL is not allowed, or its host has an address that is not.
            Unreachable: there is no way to the server.
            Unanswered: there was no whole answer in time, or the caller did not wait for it.
        """
        target, begun = self._checked(url), _Begun()
        try:
            async with asyncio.timeout(self.seconds):
                addresses = await self._addresses(target)
                return await self._post(target, addresses, content, headers, begun)
        except asyncio.CancelledError as error:
            if begun:
                raise Unanswered(f"{_host(target)} did not answer in time.") from error
            raise
        except (TimeoutError, httpx.TimeoutException) as error:
            raise begun.failure(f"{_host(target)} did not answer within {self.seconds:g} seconds.") from error
        except httpx.HTTPError as error:
            raise begun.failure(f"{_host(target)} cannot be asked: {str(error) or type(error).__name__}") from error

    def _checked(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL("" if url_problem(url) else url)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Refused("Enter a valid URL.") from error
        if target.scheme not in ("http", "https") or not target.raw_host:
            raise Refused("Enter a URL that begins with https:// or http://.")
        if target.userinfo:
            raise Refused("The URL must not have a user name or a password in it.")
        port = _port(target)
        if not is_web_port(port):
            raise Refused(f"Port {port} is not one for the web: use 80, 443 or one from {FIRST_HIGH_PORT} on.")
        literal = address_in(_host(target))
        if literal and not self._is_allowed(literal):
            raise Refused(f"{literal} is not a public address.")
        return target.copy_with(fragment=None)

    async def _addresses(self, target: httpx.URL) -> list[Address]:
        host = _host(target)
        try:
            found = await (self.resolve or _resolve)(host, _port(target))
        except OSError as error:
            raise Unreachable(f"{host} has no address.") from error
        addresses = [address for text in found if (address := address_in(text))]
        if not addresses or len(addresses) < len(found):
            raise Unreachable(f"{host} has no address.")
        for address in addresses:
            if not self._is_allowed(address):
                # Which one is not said: users shall not explore the names of this network.
                raise Refused(f"{host} leads to an address that is not public.")
        return addresses

    async def _post(
        self, target: httpx.URL, addresses: Sequence[Address], content: bytes, headers: Mapping[str, str], begun: "_Begun"
    ) -> Answer:
        limits = httpx.Timeout(self.seconds, connect=self.seconds / MOST_TRIES)
        # A client of its own for each request: connections are kept by address, and one address may serve many hosts.
        async with httpx.AsyncClient(verify=self.tls or _usual_tls(), trust_env=False, timeout=limits) as client:
            *first, last = addresses[:MOST_TRIES]
            for address in first:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing has been sent yet
                    return await _ask(client, target, address, content, headers, begun=begun)
            return await _ask(client, target, last, content, headers, begun=begun)

    def _is_allowed(self, address: Address) -> bool:
        return is_public(address) or any(address in network for network in self.allowed)


class _Begun:
    """Whether a request has begun to be sent: httpx tells this about every step."""

    def __init__(self) -> None:
        self._sending = False

    def __bool__(self) -> bool:
        return self._sending

    async def __call__(self, step: str, _: object) -> None:
        self._sending = self._sending or step.endswith("send_request_headers.started")

    def failure(self, reason: str) -> Unreachable:
        """What it means that there was no answer."""
        return Unanswered(reason) if self._sending else Unreachable(reason)


async def _ask(
    client: httpx.AsyncClient, target: httpx.URL, address: Address, content: bytes, headers: Mapping[str, str], *, begun: _Begun
) -> Answer:
    sent = {
        "User-Agent": _agent(),
        "Accept-Encoding": "identity",
        **headers,
        "Host": target.netloc.decode(),
    }
    request = client.build_request("POST", target.copy_with(host=str(address)), content=content, headers=sent)
    request.extensions = {**request.extensions, "sni_hostname": _host(target).rstrip("."), "trace": begun}
    answer = await client.send(request, stream=True, follow_redirects=False)
    try:
        body = b""
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) >= MOST_BYTES:
                break
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, body[:MOST_BYTES])
    finally:
        await answer.aclose()


@cache
def _agent() -> str:
    return f"Argus/{version('argus-core')}"


@cache
def _usual_tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[4][0]) for place in found]


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{ALLOW} has {text!r}; expected networks like 10.1.2.0/24, separated by commas.") from error


def _host(target: httpx.URL) -> str:
    """The host as it is looked up, in ASCII."""
    return target.raw_host.decode()


def _port(target: httpx.URL) -> int:
    if target.port is None:
        return 443 if target.scheme == "https" else 80
    return target.port
