"""What goes wrong in the network: a catalogue of stories, how often each is told, and at which hours."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias, TypeVar

from adapters.demo import dialects
from adapters.demo.acts import Act, Escalate, Happening, Post, Story, Talk, Trouble
from adapters.demo.dialects import Problem
from adapters.demo.network import Device, Kind, Network, Service, Site, Size
from argus_core.domain.incidents import EventType, Level

_Thing = TypeVar("_Thing")

NEVER_HEARD = 0.015
"""So often does a source forget to report an end: it was restarted, or the end was lost on the way."""

LOST_FOR = timedelta(days=7)
"""So long after the end somebody has closed it by hand, and the same may happen again."""


@dataclass(frozen=True, slots=True)
class Genre:
    """A kind of story: who tells it, how often in a month of 20,000 incidents, with how many incidents, and when."""

    tell: "Callable[[Teller], Iterator[Happening]]"
    per_month: float
    size: float
    rhythm: "Rhythm"
    talk: Talk


Rhythm: TypeAlias = Callable[[datetime], float]
"""How much more often than on average something happens at a local time."""


def always(local: datetime) -> float:  # noqa: ARG001 - a rhythm like the others
    """Day and night alike."""
    return 1.0


def office(local: datetime) -> float:
    """When people work on it: few at night and on weekends, most before and after lunch."""
    hours = (1, 1, 1, 1, 1, 2, 4, 12, 26, 32, 32, 26, 30, 32, 26, 14, 8, 5, 4, 3, 3, 2, 2, 1)
    return hours[local.hour] / 11 * (1.25 if local.isoweekday() <= 5 else 0.2)  # noqa: PLR2004 - Friday


def campus(local: datetime) -> float:
    """When people use it: long days, calmer weekends."""
    hours = (5, 4, 3, 3, 3, 4, 6, 12, 18, 20, 20, 19, 20, 20, 19, 17, 15, 13, 13, 12, 12, 11, 9, 7)
    return hours[local.hour] / 12 * (1.15 if local.isoweekday() <= 5 else 0.6)  # noqa: PLR2004 - Friday


def night_jobs(local: datetime) -> float:
    """When backups and reports run."""
    hours = (14, 26, 30, 26, 16, 8, 5, 6, 8, 9, 9, 8, 8, 9, 8, 7, 6, 5, 5, 5, 5, 6, 7, 9)
    return hours[local.hour] / 10


def windows(local: datetime) -> float:
    """The maintenance windows: early on Tuesdays, Wednesdays and Thursdays."""
    return 7.0 if local.isoweekday() in (2, 3, 4) and 2 <= local.hour < 5 else 0.15  # noqa: PLR2004 - two to five in the morning


class Teller:
    """
    Tells stories about one network: the same ones for the same seed.

    Nothing is in the same trouble twice at once, and keys are never given twice.
    """

    def __init__(self, network: Network, rng: Random, keys: Iterator[int]) -> None:
        self.network, self.rng, self.keys = network, rng, keys
        self._busy_until: dict[str, datetime] = {}

    def tell(self, genre: Genre, moment: datetime) -> Story:
        """A story that begins at this moment; it may be empty, when everything it would be about is in trouble already."""
        return Story(tuple(happening for happening in genre.tell(self) if self._begins(happening, moment)), genre.talk)

    def one(self, things: Sequence[_Thing]) -> _Thing:
        """Any of these."""
        return self.rng.choice(things)

    def some(self, things: Sequence[_Thing], least: int, most: int) -> list[_Thing]:
        """A few of these, in any order."""
        return self.rng.sample(things, min(self.rng.randint(least, most), len(things)))

    def chance(self, probability: float) -> bool:
        """Whether it is so this time."""
        return self.rng.random() < probability

    def lasting(self, minutes: float, spread: float = 0.9) -> timedelta:
        """Mostly about so many minutes, at times much longer."""
        return timedelta(minutes=max(0.3, self.rng.lognormvariate(math.log(minutes), spread)))

    def within(self, minutes: float) -> timedelta:
        """At some moment of so many minutes."""
        return timedelta(minutes=self.rng.uniform(0, minutes))

    def happening(
        self,
        trouble: Trouble,
        lasts: timedelta | None,
        *,
        begins: timedelta = timedelta(),
        announced: bool = False,
        later: tuple[tuple[timedelta, Act], ...] = (),
    ) -> Happening:
        """The trouble as it happens; rarely its end is never heard of."""
        ends = lasts is not None and not announced and not self.chance(NEVER_HEARD)
        lag = dialects.lag(trouble.source, self.rng)
        return Happening(trouble=trouble, begins=begins, lasts=lasts, lag=lag, announced=announced, ends=ends, later=later)

    def _begins(self, happening: Happening, moment: datetime) -> bool:
        begins = moment + happening.begins
        subject = happening.trouble.subject
        if self._busy_until.get(subject, begins) > begins:
            return False
        if happening.lasts is not None:
            lost = timedelta() if happening.ends or happening.announced else LOST_FOR
            self._busy_until[subject] = begins + happening.lasts + lost
        return True


# NAV and Zino: the network.

_BOX_DOWN = Problem("boxDown", "{} is down: no answer to ping", Level.HIGH)
_ROUTER_DOWN = Problem("boxDown", "{} is down: no answer to ping", Level.CRITICAL)
_SNMP_DOWN = Problem("snmpAgentDown", "{} does not answer SNMP", Level.LOW)
_LINK_DOWN = Problem("linkDown", "{}: {} is down", Level.LOW)
_PORT_DOWN = Problem("portDown", "{}: port {} is down", Level.MODERATE)
_PORT_FLAPS = Problem("portFlapping", "{}: port {} is flapping", Level.MODERATE)
_BGP_DOWN = Problem("bgpDown", "{}: BGP session with {} is down", Level.HIGH)
_BFD_DOWN = Problem("bfdDown", "{}: BFD session with {} is down", Level.MODERATE)
_AP_DOWN = Problem("apDown", "Access point {} has left its controller", Level.LOW)

_HARDWARE = (
    Problem("psuFailed", "{}: power supply {} has failed", Level.MODERATE),
    Problem("fanFailed", "{}: fan {} has failed", Level.MODERATE),
    Problem("moduleDown", "{}: module {} is down", Level.HIGH),
    Problem("memberDown", "{}: stack member {} is gone", Level.MODERATE),
)
_THRESHOLDS = (
    Problem("trafficThreshold", "{}: {} is filled by more than 90 %", Level.LOW),
    Problem("opticalPower", "{}: received light on {} is below -18 dBm", Level.LOW),
    Problem("errorRate", "{}: {} has more than 100 CRC errors a minute", Level.MODERATE),
    Problem("cpuThreshold", "{}: CPU above 85 % for 10 minutes ({})", Level.LOW),
)
_CONFIG = (
    Problem("configChanged", "{}: configuration changed by {}", Level.INFORMATION),
    Problem("deviceSwUpgrade", "{}: new software version on {}", Level.INFORMATION),
    Problem("deviceNewModule", "{}: new module seen in {}", Level.INFORMATION),
)
_SYSLOG = (
    Problem("authFailure", "{}: five failed logins from {}", Level.LOW),
    Problem("coldStart", "{}: cold start ({})", Level.LOW),
    Problem("ntpUnsynchronized", "{}: clock has lost its peer {}", Level.INFORMATION),
    Problem("macMove", "{}: a MAC address moves between {} and its uplink", Level.INFORMATION),
    Problem("spanningTreeChange", "{}: spanning tree topology changed on {}", Level.INFORMATION),
    Problem("dhcpRogue", "{}: DHCP offer from an unknown server on {}", Level.LOW),
)

# Zabbix, Nagios and Prometheus: what runs on it.

_ON_BATTERY = Problem("upsOnBattery", "{} is on battery, runtime left: {}", Level.MODERATE)
_TEMPERATURE = Problem("temperatureHigh", "{}: room temperature above 28 °C ({})", Level.MODERATE)
_RESOURCES = (
    Problem("diskSpace", "{}: {} is filled by more than 90 %", Level.LOW),
    Problem("cpuLoad", "{}: load above 20 for 5 minutes ({})", Level.LOW),
    Problem("memory", "{}: less than 5 % of memory free ({})", Level.MODERATE),
    Problem("agentDown", "{}: no data from the agent for 5 minutes ({})", Level.LOW),
    Problem("swap", "{}: more than half of swap in use ({})", Level.INFORMATION),
    Problem("replicationLag", "{}: replica {} is more than 10 minutes behind", Level.MODERATE),
    Problem("processCount", "{}: too many processes ({})", Level.INFORMATION),
)
_RAID = Problem("raidDegraded", "{}: array {} is degraded", Level.HIGH)
_NIGHTLY = (
    Problem("backupFailed", "{}: nightly backup of {} has failed", Level.MODERATE),
    Problem("ioWait", "{}: more than 40 % of time spent waiting for {}", Level.INFORMATION),
    Problem("cpuLoad", "{}: load above 20 for 5 minutes ({})", Level.INFORMATION),
)
_SERVICE = (
    Problem("serviceDown", "CRITICAL - connection refused", Level.HIGH),
    Problem("serviceTimeout", "CRITICAL - socket timeout after 10 seconds", Level.MODERATE),
    Problem("serviceSlow", "WARNING - response time {1}", Level.LOW),
    Problem("serviceError", "CRITICAL - unexpected answer: {1}", Level.MODERATE),
)
_PLATFORM = (
    Problem("PodCrashLooping", "Pod {1} on {0} keeps crashing", Level.LOW),
    Problem("HighErrorRate", "{0}: more than 5 % of requests to {1} fail", Level.MODERATE),
    Problem("HighLatency", "{0}: 99th percentile of {1} above 2 s", Level.LOW),
    Problem("QueueGrowing", "{0}: queue {1} has grown for 30 minutes", Level.LOW),
)
_CERTIFICATE = Problem("CertificateExpiresSoon", "Certificate of {1} on {0} expires in less than 14 days", Level.LOW)
_TARGET_DOWN = Problem("TargetDown", "Prometheus cannot reach {0}", Level.LOW)
_AP_CLIENTS = Problem("ApClientsHigh", "Access point {} has more than 60 clients", Level.INFORMATION)

_DISKS = ("/", "/var", "/home", "/srv", "/var/log", "/data1", "/data2")
_SUBJECTS = {
    "diskSpace": _DISKS,
    "backupFailed": _DISKS,
    "ioWait": ("sda", "nvme0n1"),
    "replicationLag": ("pg2", "pg3"),
}
_VITAL = ("dns", "ldap", "radius")
_USERS = ("ingrid", "lars", "mari", "netbot")
_PODS = ("lms-web", "lms-cron", "sso-proxy", "survey-api", "timetable", "mail-filter", "wiki", "registry")


def link_flap(teller: Teller) -> Iterator[Happening]:
    """A line goes down and up again, many times within an hour or two."""
    link, end = teller.one(teller.network.links), teller.rng.randrange(2)
    begins = timedelta()
    flaps = teller.rng.randint(3, 9)
    for number in range(flaps):
        problem = _PORT_FLAPS if number == flaps - 1 and teller.chance(0.5) else _PORT_DOWN
        lasts = teller.lasting(1.5, 0.8)
        yield teller.happening(dialects.zino_port(link, end, problem, teller.keys), lasts, begins=begins)
        begins += lasts + teller.lasting(6, 0.8)


def port_down(teller: Teller) -> Iterator[Happening]:
    """An access port or an uplink of a switch is down for a while."""
    switch = teller.one(teller.network.of(Kind.SWITCH))
    port = f"ge-0/0/{teller.rng.randrange(48)}"
    level = Level.INFORMATION if teller.chance(0.35) else Level.LOW
    trouble = dialects.nav(switch, replace(_LINK_DOWN, level=level), teller.keys, port)
    yield teller.happening(trouble, teller.lasting(35, 1.6))


def fibre_cut(teller: Teller) -> Iterator[Happening]:
    """A line is cut: both ends see it, sessions fall, and a branch that hangs on it is gone."""
    link = teller.one(teller.network.links)
    lasts = teller.lasting(300, 0.7)
    bad = replace(_PORT_DOWN, level=Level.HIGH)
    for end in (0, 1):
        found = f"Light is gone on both ends; the cut is about {teller.rng.randint(2, 80)} km from {link.ends[0][0].site.location}."
        later = ((lasts / 4, Post(EventType.OTHER, found)),) if end == 0 else ()
        yield teller.happening(dialects.zino_port(link, end, bad, teller.keys), lasts, begins=teller.within(0.2), later=later)
    for end in (0, 1):
        device, far = link.ends[end][0], link.ends[1 - end][0]
        for problem in (_BGP_DOWN, _BFD_DOWN):
            trouble = dialects.zino_router(device, _address(far), problem, teller.keys)
            yield teller.happening(trouble, lasts + teller.within(3), begins=teller.within(1.5))
    if link.ends[1][0].site.size is Size.BRANCH:
        yield from _gone(teller, link.ends[1][0].site, lasts, after=1.5)


def power_failure(teller: Teller) -> Iterator[Happening]:
    """A site loses power: the UPS carries it for a while, then everything is off; it comes back piece by piece."""
    site = teller.one(teller.network.sites)
    lasts = teller.lasting(110, 0.7)
    left = teller.rng.randint(9, 45)
    for ups in teller.network.at(site, Kind.UPS):
        trouble = dialects.zabbix(ups, _ON_BATTERY, teller.keys, f"{left} min")
        low = timedelta(minutes=left * 0.7)
        later = ((low, Escalate(Level.CRITICAL)), (low, Post(EventType.OTHER, "Battery is low.")))
        yield teller.happening(trouble, lasts, later=later if lasts > timedelta(minutes=left) else ())
    if lasts > timedelta(minutes=left):
        yield from _gone(teller, site, lasts - timedelta(minutes=left), after=left)
    if teller.chance(0.5):
        device = teller.one(teller.network.at(site, Kind.SWITCH, Kind.ROUTER))
        trouble = dialects.nav(device, _HARDWARE[0], teller.keys, "PSU 1")
        yield teller.happening(trouble, teller.lasting(3 * 1440, 0.5), begins=lasts + teller.within(10))


def switch_down(teller: Teller) -> Iterator[Happening]:
    """A switch stops, and with it the access points behind it."""
    switch = teller.one(teller.network.of(Kind.SWITCH))
    lasts = teller.lasting(50, 1.0)
    yield teller.happening(dialects.nav(switch, _BOX_DOWN, teller.keys), lasts)
    for ap in teller.some(teller.network.at(switch.site, Kind.ACCESS_POINT), 1, 6):
        yield teller.happening(dialects.prometheus(ap, _AP_DOWN, teller.keys), lasts + teller.within(4), begins=teller.within(2))


def reboot(teller: Teller) -> Iterator[Happening]:
    """Planned work in a maintenance window: a device is restarted, its neighbours complain for some minutes."""
    router = teller.one(teller.network.of(Kind.ROUTER))
    window = timedelta(minutes=teller.one((60, 90, 120, 180)))
    problem = Problem("maintenance", "{0}: planned work, change {1}", Level.INFORMATION)
    trouble = dialects.nav(router, problem, teller.keys, f"CHG-{teller.rng.randint(2000, 9999)}")
    yield teller.happening(trouble, window, announced=True)
    down = teller.within(20)
    lasts = teller.lasting(9, 0.4)
    yield teller.happening(dialects.nav(router, replace(_BOX_DOWN, level=Level.MODERATE), teller.keys), lasts, begins=down)
    for link in teller.network.links:
        for end in (0, 1):
            if link.ends[end][0] is router:
                far = dialects.zino_port(link, 1 - end, _PORT_DOWN, teller.keys)
                yield teller.happening(far, lasts + teller.within(1), begins=down + teller.within(0.5))


def bgp_peer(teller: Teller) -> Iterator[Happening]:
    """A session with a neighbour falls, for both address families at times."""
    router = teller.one(teller.network.of(Kind.ROUTER))
    peer = teller.rng.randint(2, 250)
    lasts = teller.lasting(12, 1.2)
    problem = replace(_BGP_DOWN, level=Level.MODERATE)
    yield teller.happening(dialects.zino_router(router, f"192.0.2.{peer}", problem, teller.keys), lasts)
    if teller.chance(0.35):
        trouble = dialects.zino_router(router, f"2001:db8::{peer:x}", problem, teller.keys)
        yield teller.happening(trouble, lasts, begins=teller.within(0.3))


def threshold(teller: Teller) -> Iterator[Happening]:
    """Something is busier, darker or hotter than it should be."""
    if teller.chance(0.1):
        trouble = dialects.zabbix(teller.one(teller.network.of(Kind.UPS)), _TEMPERATURE, teller.keys, "sensor 2")
    else:
        port = f"xe-0/1/{teller.rng.randrange(4)}"
        trouble = dialects.nav(teller.one(teller.network.of(Kind.SWITCH, Kind.ROUTER)), teller.one(_THRESHOLDS), teller.keys, port)
    yield teller.happening(trouble, teller.lasting(35, 1.0))


def hardware(teller: Teller) -> Iterator[Happening]:
    """A part breaks; it is days until somebody is there with a new one."""
    if teller.chance(0.2):
        trouble = dialects.zabbix(teller.one(teller.network.of(Kind.SERVER)), _RAID, teller.keys, teller.one(("md0", "md1")))
    else:
        device = teller.one(teller.network.of(Kind.SWITCH, Kind.ROUTER))
        trouble = dialects.nav(device, teller.one(_HARDWARE), teller.keys, str(teller.rng.randint(0, 3)))
    yield teller.happening(trouble, teller.lasting(4.5 * 1440, 0.7))


def service(teller: Teller) -> Iterator[Happening]:
    """A service fails or is slow; at times its twin too."""
    troubled = teller.one(teller.network.services)
    problem = teller.one(_SERVICE)
    if problem.type == "serviceDown" and troubled.name in _VITAL:
        problem = replace(problem, level=Level.CRITICAL)
    lasts = teller.lasting(11, 1.4)
    yield teller.happening(dialects.nagios(troubled, problem, teller.keys, _symptom(teller, problem)), lasts)
    if teller.chance(0.2):
        yield teller.happening(_twin(teller, troubled, problem), lasts, begins=teller.within(3))


def resource(teller: Teller) -> Iterator[Happening]:
    """A server runs short of something."""
    yield _on_server(teller, teller.one(_RESOURCES), teller.lasting(30, 1.5))


def nightly(teller: Teller) -> Iterator[Happening]:
    """Night work takes its toll."""
    yield _on_server(teller, teller.one(_NIGHTLY), teller.lasting(45, 0.9))


def platform(teller: Teller) -> Iterator[Happening]:
    """Something that runs on the platform misbehaves."""
    server = teller.one(teller.network.of(Kind.SERVER))
    trouble = dialects.prometheus(server, teller.one(_PLATFORM), teller.keys, teller.one(_PODS))
    yield teller.happening(trouble, teller.lasting(20, 1.3))


def certificate(teller: Teller) -> Iterator[Happening]:
    """Nobody has renewed a certificate yet."""
    troubled = teller.one(teller.network.services)
    trouble = dialects.prometheus(troubled.host, _CERTIFICATE, teller.keys, f"{troubled.name}.fjordnett.example")
    yield teller.happening(trouble, teller.lasting(5 * 1440, 0.5))


def access_point(teller: Teller) -> Iterator[Happening]:
    """An access point leaves, or is overrun."""
    first = teller.one(teller.network.of(Kind.ACCESS_POINT))
    problem = _AP_DOWN if teller.chance(0.5) else _AP_CLIENTS
    lasts = teller.lasting(28, 1.4)
    for ap in [first, *(teller.some(teller.network.at(first.site, Kind.ACCESS_POINT), 1, 2) if teller.chance(0.25) else [])]:
        yield teller.happening(dialects.prometheus(ap, problem, teller.keys), lasts + teller.within(2), begins=teller.within(1))


def config_change(teller: Teller) -> Iterator[Happening]:
    """Somebody changes something, on purpose."""
    devices = teller.some(teller.network.of(Kind.SWITCH, Kind.ROUTER), 1, 2 if teller.chance(0.3) else 1)
    who = teller.one(_USERS)
    for device in devices:
        problem = _CONFIG[0] if teller.chance(0.85) else teller.one(_CONFIG[1:])
        subject = who if problem is _CONFIG[0] else f"slot {teller.rng.randint(0, 3)}"
        yield teller.happening(dialects.nav(device, problem, teller.keys, subject), None, begins=teller.within(4))


def notice(teller: Teller) -> Iterator[Happening]:
    """A device has something to say that never ends because it never began."""
    device = teller.one(teller.network.of(Kind.SWITCH, Kind.ROUTER))
    subject = f"198.51.100.{teller.rng.randint(2, 250)}" if teller.chance(0.3) else f"ge-0/0/{teller.rng.randrange(48)}"
    yield teller.happening(dialects.nav(device, teller.one(_SYSLOG), teller.keys, subject), None)


def storm(teller: Teller) -> Iterator[Happening]:
    """A loop on a campus, or the name service gone: within minutes everything there complains, from every side."""
    site = teller.one([site for site in teller.network.sites if site.size is Size.HUB])
    lasts = teller.lasting(40, 0.5)
    for device in teller.network.at(site, Kind.SWITCH, Kind.ROUTER):
        problem = replace(_BOX_DOWN, level=Level.MODERATE) if teller.chance(0.4) else _SNMP_DOWN
        yield teller.happening(dialects.nav(device, problem, teller.keys), lasts + teller.within(8), begins=teller.within(6))
    for ap in teller.network.at(site, Kind.ACCESS_POINT):
        yield teller.happening(dialects.prometheus(ap, _AP_DOWN, teller.keys), lasts + teller.within(12), begins=teller.within(5))
    for troubled in teller.network.services:
        if troubled.host.site is site:
            problem = teller.one(_SERVICE)
            trouble = dialects.nagios(troubled, problem, teller.keys, _symptom(teller, problem))
            yield teller.happening(trouble, lasts + teller.within(5), begins=teller.within(8))
    for server in teller.network.at(site, Kind.SERVER):
        yield teller.happening(dialects.prometheus(server, _TARGET_DOWN, teller.keys), lasts + teller.within(3), begins=teller.within(4))


def monitoring_gap(teller: Teller) -> Iterator[Happening]:
    """The monitoring itself is cut off for some minutes and believes the worst."""
    site = teller.one([site for site in teller.network.sites if site.size is Size.HUB])
    lasts = teller.lasting(5, 0.4)
    for server in teller.some(teller.network.at(site, Kind.SERVER), 8, 20):
        yield teller.happening(dialects.prometheus(server, _TARGET_DOWN, teller.keys), lasts + teller.within(1), begins=teller.within(1))


def _gone(teller: Teller, site: Site, lasts: timedelta, *, after: float) -> Iterator[Happening]:
    """Everything at a site falls silent, minutes `after` the story began."""
    begins = timedelta(minutes=after)
    for device in teller.network.at(site):
        back = lasts + teller.within(9)
        match device.kind:
            case Kind.ROUTER:
                yield teller.happening(dialects.nav(device, _ROUTER_DOWN, teller.keys), back, begins=begins + teller.within(1))
            case Kind.SWITCH:
                yield teller.happening(dialects.nav(device, _BOX_DOWN, teller.keys), back, begins=begins + teller.within(2))
            case Kind.ACCESS_POINT:
                yield teller.happening(dialects.prometheus(device, _AP_DOWN, teller.keys), back, begins=begins + teller.within(4))
            case Kind.SERVER:
                yield teller.happening(dialects.prometheus(device, _TARGET_DOWN, teller.keys), back, begins=begins + teller.within(3))
            case Kind.UPS:
                pass


def _on_server(teller: Teller, problem: Problem, lasts: timedelta) -> Happening:
    subject = teller.one(_SUBJECTS[problem.type]) if problem.type in _SUBJECTS else str(teller.rng.randint(21, 97))
    return teller.happening(dialects.zabbix(teller.one(teller.network.of(Kind.SERVER)), problem, teller.keys, subject), lasts)


def _twin(teller: Teller, troubled: Service, problem: Problem) -> Trouble:
    twins = [other for other in teller.network.services if other.name == troubled.name and other.host.site is troubled.host.site]
    return dialects.nagios(teller.one([twin for twin in twins if twin is not troubled]), problem, teller.keys, _symptom(teller, problem))


def _symptom(teller: Teller, problem: Problem) -> str:
    return f"{teller.rng.uniform(3, 9):.2f} s" if problem.type == "serviceSlow" else teller.one(("502 Bad Gateway", "timeout", "no banner"))


def _address(device: Device) -> str:
    return device.name.partition(".")[0]


_NETWORK = Talk(
    ("On it", "Looking into it", "Seen, checking the line", "Known, see the channel", "Taking this one"),
    (
        "Supplier called, no estimate yet",
        "Back to normal load on the other line",
        "Counters look fine again",
        "Will look at the optics on Monday",
    ),
    ("Gone, source missed the end", "Port is not in use any more", "Fixed by hand"),
)
_OUTAGE = Talk(
    ("Calling the power company", "On it, whole site is out", "Supplier informed", "Taking the lead here"),
    (
        "Power company says two hours",
        "Field crew is on the way",
        "Campus IT informed",
        "Power is back, waiting for the switches",
        "Splicing has begun",
    ),
    ("All back, closing", "Confirmed by the customer"),
)
_PARTS = Talk(
    ("Spare part ordered", "RMA opened", "On the list for the next visit", "Redundant, can wait until Monday"),
    ("Part has arrived", "Visit planned for Thursday", "Supplier asks for logs", "Swapped the module, watching it"),
    ("Replaced", "Part replaced, source missed the end"),
)
_SYSTEMS = Talk(
    ("On it", "Restarting it", "Cleaning up", "Looking at the logs", "Known, waiting for the vendor"),
    ("Cleaned up 40 GB of logs", "Restarted, watching it", "Same as last week, needs more memory", "Developers informed"),
    ("False alarm", "Done", "Threshold changed"),
)
_WIFI = Talk(
    ("Campus IT informed", "Exam week, expected", "Cable is on order"),
    ("Renovation in the building until Friday", "Moved clients to the neighbour"),
    ("Access point was moved", "Renovation"),
)
_PLANNED = Talk(("Planned work", "This is me, see the change"), ("Taking longer than planned", "Done, watching it"), ("Work is done",))

CATALOGUE = (
    Genre(link_flap, 330, 6, always, _NETWORK),
    Genre(port_down, 1900, 1, campus, _NETWORK),
    Genre(fibre_cut, 28, 7.5, office, _OUTAGE),
    Genre(power_failure, 22, 14, always, _OUTAGE),
    Genre(switch_down, 70, 4.5, campus, _NETWORK),
    Genre(reboot, 60, 5, windows, _PLANNED),
    Genre(bgp_peer, 480, 1.35, always, _NETWORK),
    Genre(threshold, 1400, 1, campus, _NETWORK),
    Genre(hardware, 400, 1, always, _PARTS),
    Genre(service, 2000, 1.2, campus, _SYSTEMS),
    Genre(resource, 2250, 1, campus, _SYSTEMS),
    Genre(nightly, 900, 1, night_jobs, _SYSTEMS),
    Genre(platform, 900, 1, office, _SYSTEMS),
    Genre(certificate, 170, 1, always, _SYSTEMS),
    Genre(access_point, 1500, 1.4, campus, _WIFI),
    Genre(config_change, 1600, 1.15, office, _PLANNED),
    Genre(notice, 2100, 1, campus, _NETWORK),
    Genre(storm, 11, 75, campus, _OUTAGE),
    Genre(monitoring_gap, 16, 14, always, _SYSTEMS),
)
