"""What Prometheus collects."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar import get
from litestar.handlers import HTTPRouteHandler

from adapters.http.answers import NEVER_KEPT, Answer, Header
from adapters.http.auth import NOT_GIVEN, Access
from adapters.http.bodies import ApiRequest
from adapters.http.services import Services
from argus_core.domain.errors import Unauthenticated
from argus_core.domain.permissions import Act, require

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TYPE: Header = (b"content-type", TYPE.encode())


def metrics_routes(services: Services) -> list[HTTPRouteHandler]:
    """`/metrics`: for people's tokens, and without one for those who ask from where it is allowed."""

    @get("/metrics", opt={"access": Access.OPTIONAL, "bare": True})
    async def metrics(request: ApiRequest) -> Answer:
        if not asks_from(services.metrics_allow, (request.scope.get("client") or ("",))[0]):
            if request.scope["user"] is None:
                raise Unauthenticated(NOT_GIVEN)
            require(request.user, Act.READ_METRICS)
        return Answer(200, await services.metrics(), _TYPE, NEVER_KEPT)

    return [metrics]


def asks_from(networks: Iterable[IPv4Network | IPv6Network], client: str) -> bool:
    """Whether the address of whoever asks lies in one of these."""
    try:
        address = ip_address(client)
    except ValueError:  # a socket that is a file
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
