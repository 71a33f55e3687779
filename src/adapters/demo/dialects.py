"""How each monitoring system words what it sees: texts, keys, links, tags and metadata as their glue services send them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from urllib.parse import quote, urlencode

from adapters.demo.acts import Trouble
from adapters.demo.network import Device, Kind, Link, Service
from argus_core.domain.incidents import Level
from argus_core.domain.limits import Json
from argus_core.domain.tags import Tag


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of trouble: its name in tags, what is said of it (`{}` is the host), and how bad it is."""

    type: str
    text: str
    level: Level


# Seconds from what happens to what Argus hears: some sources are told, others poll or wait for more of the same.
LAGS = {"nav": (1, 6), "zino": (1, 20), "zabbix": (2, 15), "nagios": (5, 60), "prometheus": (10, 45)}


def lag(source: str, rng: Random) -> timedelta:
    """How long what this source says is under way."""
    return timedelta(seconds=rng.uniform(*LAGS[source.partition("-")[0]]))


def nav(device: Device, problem: Problem, keys: Iterator[int], subject: str = "") -> Trouble:
    """NAV: network devices and what is inside them."""
    number = next(keys)
    return Trouble(
        source="nav-north" if device.site.north else "nav-south",
        key=str(number),
        level=problem.level,
        description=problem.text.format(_short(device), subject),
        details_url=f"/event-details/{number}/",  # relative, as NAV sends it
        tags=_tags(device, subject or _short(device), problem.type, room=device.room, event_type=_event_type(problem.type)),
        metadata={"alert_id": number, "sysname": device.name, "category": device.kind.value.upper()},
    )


def zino_port(link: Link, end: int, problem: Problem, keys: Iterator[int]) -> Trouble:
    """Zino: ports of the backbone's routers."""
    device, port = link.ends[end]
    far = link.ends[1 - end][0]
    number = next(keys)
    return Trouble(
        source="zino-backbone",
        key=str(number),
        level=problem.level,
        description=problem.text.format(_short(device), f"{port} ({link.circuit} to {_short(far)})"),
        details_url="",
        tags=_tags(device, port, problem.type, circuit=link.circuit),
        metadata={"case": number, "type": "portstate", "port": port, "circuit": link.circuit, "priority": 100},
    )


def zino_router(device: Device, subject: str, problem: Problem, keys: Iterator[int]) -> Trouble:
    """Zino: routers themselves and their sessions."""
    number = next(keys)
    return Trouble(
        source="zino-backbone",
        key=str(number),
        level=problem.level,
        description=problem.text.format(_short(device), subject),
        details_url="",
        tags=_tags(device, subject, problem.type),
        metadata={"case": number, "type": problem.type, "remote": subject, "priority": 100},
    )


def zabbix(device: Device, problem: Problem, keys: Iterator[int], subject: str = "") -> Trouble:
    """Zabbix: servers, and what is in the machine rooms."""
    number = next(keys)
    facility = device.kind is Kind.UPS
    trigger = 15000 + number % 7919
    return Trouble(
        source="zabbix-facilities" if facility else "zabbix-servers",
        key=str(number),
        level=problem.level,
        description=problem.text.format(_short(device), subject),
        details_url=f"/tr_events.php?{urlencode({'triggerid': trigger, 'eventid': number})}",
        tags=_tags(device, subject or _short(device), problem.type, room=device.room),
        metadata={"eventid": number, "triggerid": trigger, "severity": _SEVERITIES[problem.level]},
    )


def nagios(service: Service, problem: Problem, keys: Iterator[int], subject: str = "") -> Trouble:
    """Nagios: services, from outside."""
    host = service.host.name
    text = problem.text.format(_short(service.host), subject)
    return Trouble(
        source="nagios-services",
        key=f"{host}!{service.name}!{next(keys)}",
        level=problem.level,
        description=f"{service.check} {service.name} on {_short(service.host)}: {text}",
        details_url=f"/nagios/cgi-bin/extinfo.cgi?{urlencode({'type': 2, 'host': host, 'service': service.name})}",
        tags=_tags(service.host, service.name, problem.type, service=service.name),
        metadata={"check": service.check, "port": service.port, "output": text, "attempt": "4/4"},
    )


def prometheus(device: Device, problem: Problem, keys: Iterator[int], subject: str = "") -> Trouble:
    """Prometheus: alerts on series, with their labels."""
    number = next(keys)
    campus = device.kind is Kind.ACCESS_POINT
    severity = "critical" if problem.level <= Level.HIGH else "warning" if problem.level <= Level.LOW else "info"
    labels: Mapping[str, Json] = {"alertname": problem.type, "instance": f"{device.name}:9100", "severity": severity}
    return Trouble(
        source="prometheus-campus" if campus else "prometheus-platform",
        key=hashlib.blake2b(f"{problem.type} {device.name} {number}".encode(), digest_size=8).hexdigest(),
        level=problem.level,
        description=problem.text.format(_short(device), subject),
        details_url=f'/graph?g0.expr={quote(f"""ALERTS{{alertname="{problem.type}"}}""")}',
        tags=_tags(device, subject or _short(device), problem.type, severity=severity),
        metadata={"labels": labels, "annotations": {"runbook": f"https://wiki.fjordnett.example/runbooks/{problem.type}"}},
    )


_SEVERITIES = {
    Level.CRITICAL: "Disaster",
    Level.HIGH: "High",
    Level.MODERATE: "Average",
    Level.LOW: "Warning",
    Level.INFORMATION: "Information",
}


def _tags(device: Device, subject: str, problem: str, **more: str) -> tuple[Tag, ...]:
    site = device.site
    common = {"host": device.name, "location": site.location, "object": subject, "problem_type": problem, "customer": site.customer}
    return tuple(Tag(key, value) for key, value in {**common, **more}.items())


def _short(device: Device) -> str:
    return device.name.partition(".")[0]


def _event_type(problem: str) -> str:
    for ending in ("Down", "Failed", "Up"):
        problem = problem.removesuffix(ending)
    return f"{problem}State"
