"""The network that everything happens to: a research network with sites in Norwegian university towns. It is the same every time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

DOMAIN = "fjordnett.example"


class Kind(Enum):
    """What a device is."""

    ROUTER = "gw"
    SWITCH = "sw"
    UPS = "ups"
    ACCESS_POINT = "ap"
    SERVER = "srv"


class Size(Enum):
    """How much there is at a site: routers, switches, UPSes, access points."""

    HUB = (2, 9, 2, 16)
    TOWN = (1, 5, 1, 8)
    BRANCH = (1, 2, 1, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with equipment."""

    slug: str
    location: str
    customer: str
    size: Size
    north: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Something with a name that can fail."""

    name: str
    kind: Kind
    site: Site
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A line between two routers, with the port at each end."""

    circuit: str
    ends: tuple[tuple[Device, str], tuple[Device, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that users notice when it fails."""

    name: str
    check: str
    host: Device
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All of it; by site where that is how trouble spreads."""

    sites: tuple[Site, ...]
    devices: tuple[Device, ...]
    links: tuple[Link, ...]
    services: tuple[Service, ...]
    _at: dict[str, tuple[Device, ...]] = field(hash=False)

    def at(self, site: Site, *kinds: Kind) -> tuple[Device, ...]:
        """What stands at a site: everything, or these kinds."""
        devices = self._at[site.slug]
        return tuple(device for device in devices if device.kind in kinds) if kinds else devices

    def of(self, *kinds: Kind) -> tuple[Device, ...]:
        """Every device of these kinds."""
        return tuple(device for device in self.devices if device.kind in kinds)


SITES = (
    Site(slug="oslo", location="Oslo", customer="University of Oslo", size=Size.HUB, north=False),
    Site(slug="trondheim", location="Trondheim", customer="Trondheim Institute of Technology", size=Size.HUB, north=True),
    Site(slug="bergen", location="Bergen", customer="University of Bergen", size=Size.HUB, north=False),
    Site(slug="tromso", location="Tromsø", customer="Arctic University", size=Size.HUB, north=True),
    Site(slug="stavanger", location="Stavanger", customer="University of Rogaland", size=Size.TOWN, north=False),
    Site(slug="kristiansand", location="Kristiansand", customer="University of Agder", size=Size.TOWN, north=False),
    Site(slug="bodo", location="Bodø", customer="Nordland University", size=Size.TOWN, north=True),
    Site(slug="as", location="Ås", customer="University of Life Sciences", size=Size.TOWN, north=False),
    Site(slug="gjovik", location="Gjøvik", customer="Trondheim Institute of Technology", size=Size.TOWN, north=False),
    Site(slug="alesund", location="Ålesund", customer="Trondheim Institute of Technology", size=Size.TOWN, north=True),
    Site(slug="lillehammer", location="Lillehammer", customer="Innlandet University College", size=Size.TOWN, north=False),
    Site(slug="narvik", location="Narvik", customer="Arctic University", size=Size.TOWN, north=True),
    Site(slug="grimstad", location="Grimstad", customer="University of Agder", size=Size.BRANCH, north=False),
    Site(slug="haugesund", location="Haugesund", customer="Western University College", size=Size.BRANCH, north=False),
    Site(slug="sogndal", location="Sogndal", customer="Western University College", size=Size.BRANCH, north=False),
    Site(slug="forde", location="Førde", customer="Western University College", size=Size.BRANCH, north=False),
    Site(slug="volda", location="Volda", customer="Volda University College", size=Size.BRANCH, north=True),
    Site(slug="molde", location="Molde", customer="Molde University College", size=Size.BRANCH, north=True),
    Site(slug="halden", location="Halden", customer="Østfold University College", size=Size.BRANCH, north=False),
    Site(slug="kongsberg", location="Kongsberg", customer="University of the South-East", size=Size.BRANCH, north=False),
    Site(slug="hamar", location="Hamar", customer="Innlandet University College", size=Size.BRANCH, north=False),
    Site(slug="levanger", location="Levanger", customer="Nordland University", size=Size.BRANCH, north=True),
    Site(slug="mo", location="Mo i Rana", customer="Nordland University", size=Size.BRANCH, north=True),
    Site(slug="harstad", location="Harstad", customer="Arctic University", size=Size.BRANCH, north=True),
    Site(slug="alta", location="Alta", customer="Arctic University", size=Size.BRANCH, north=True),
    Site(slug="kautokeino", location="Kautokeino", customer="Sámi University College", size=Size.BRANCH, north=True),
    Site(slug="longyearbyen", location="Longyearbyen", customer="University Centre in Svalbard", size=Size.BRANCH, north=True),
)

# Who is joined to whom. The hubs and the coast make a ring; most branches hang on one line, so that a cut takes them off the net.
_LINES = (
    ("oslo", "trondheim"), ("oslo", "bergen"), ("bergen", "trondheim"), ("trondheim", "tromso"), ("bergen", "stavanger"),
    ("stavanger", "kristiansand"), ("kristiansand", "oslo"), ("trondheim", "bodo"), ("bodo", "narvik"), ("narvik", "tromso"),
    ("oslo", "as"), ("oslo", "gjovik"), ("gjovik", "lillehammer"), ("lillehammer", "hamar"), ("hamar", "oslo"), ("bergen", "alesund"),
    ("alesund", "trondheim"), ("kristiansand", "grimstad"), ("stavanger", "haugesund"), ("bergen", "sogndal"), ("sogndal", "forde"),
    ("alesund", "volda"), ("alesund", "molde"), ("as", "halden"), ("oslo", "kongsberg"), ("trondheim", "levanger"), ("bodo", "mo"),
    ("tromso", "harstad"), ("tromso", "alta"), ("alta", "kautokeino"), ("tromso", "longyearbyen"),
)  # fmt: skip

_SERVICES = (
    ("www", "HTTP", 443), ("mail", "SMTP", 25), ("imap", "IMAP", 993), ("ldap", "LDAP", 636), ("dns", "DNS", 53), ("vpn", "HTTPS", 443),
    ("radius", "RADIUS", 1812), ("lms", "HTTP", 443), ("git", "SSH", 22), ("storage", "NFS", 2049), ("print", "IPP", 631),
    ("backup", "SSH", 22),
)  # fmt: skip

_ROOMS = ("B-012", "1-101", "2-233", "K-004", "U1-17", "3-310", "T-401", "A-119", "0-050")


def build() -> Network:
    """The network."""
    at = {site.slug: tuple(_devices(site)) for site in SITES}
    routers = {slug: tuple(device for device in devices if device.kind is Kind.ROUTER) for slug, devices in at.items()}
    servers = [device for devices in at.values() for device in devices if device.kind is Kind.SERVER]
    return Network(
        sites=SITES,
        devices=tuple(device for devices in at.values() for device in devices),
        links=tuple(_links(routers)),
        services=tuple(_services(servers)),
        _at=at,
    )


def _devices(site: Site) -> Iterator[Device]:
    for kind, count in zip((Kind.ROUTER, Kind.SWITCH, Kind.UPS, Kind.ACCESS_POINT), site.size.value, strict=True):
        for number in range(1, count + 1):
            yield _device(site, f"{kind.value}{number}", kind, number)
    if site.size is Size.HUB:
        for name, _, _ in _SERVICES:
            for number in (1, 2):
                yield _device(site, f"{name}{number}", Kind.SERVER, number)


def _device(site: Site, name: str, kind: Kind, number: int) -> Device:
    return Device(name=f"{site.slug}-{name}.{DOMAIN}", kind=kind, site=site, room=f"{site.slug}/{_ROOMS[number % len(_ROOMS)]}")


def _links(routers: dict[str, tuple[Device, ...]]) -> Iterator[Link]:
    used: dict[str, int] = {}
    for number, (one, other) in enumerate(_LINES, 1):
        # Two lines between routers of hubs, one to everybody else.
        for near, far in zip(routers[one], routers[other], strict=False):
            ends = ((near, _port(near, used)), (far, _port(far, used)))
            yield Link(circuit=f"FN-{4100 + number}{near.name.partition('.')[0][-1]}", ends=ends)


def _port(device: Device, used: dict[str, int]) -> str:
    number = used[device.name] = used.get(device.name, -1) + 1
    return f"{'et' if device.site.size is Size.HUB else 'xe'}-{number // 4}/0/{number % 4}"


def _services(servers: list[Device]) -> Iterator[Service]:
    ports = {name: (check, port) for name, check, port in _SERVICES}
    for server in servers:
        name = server.name.partition(".")[0].partition("-")[2]
        check, port = ports[name[:-1]]
        yield Service(name=name[:-1], check=check, host=server, port=port)
