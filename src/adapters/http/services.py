"""What the HTTP API needs of the rest of the program, put together by the composition root."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from adapters.http.auth import CredentialCache, Uses
from argus_core.ports.clock import Clock
from argus_core.ports.media import Media
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.profiles import ProfileService
from argus_core.usecases.reading import ReadingService
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.watching import WatchService

Measure: TypeAlias = Callable[[str, str, int, float], None]
"""Hears of each request: its route, method, status, and how many seconds it took."""


class State(StrEnum):
    """How bad it is: only what has failed keeps a process from being given work."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(Struct, frozen=True):
    """One thing that was looked at: its name, how it is, and a sentence for the operator when it is not well."""

    name: str
    state: State = State.OK
    message: str = ""


async def _no_checks() -> Sequence[Check]:
    return ()


async def _no_metrics() -> bytes:
    return b""


def _not_measured(_: str, __: str, ___: int, ____: float) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginMethod:
    """A way to log in other than with a password: what it is called, and the path where it begins."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """
    Everything handlers close over.

    `zone` is that of naive times coming in and of the offsets going out. `unpaged_limit` is how many incidents one answer has at most.
    `credential_cache_ok` is false while revocations made by other processes are not heard of. `alive` and `checks` answer the probes: a
    process of which a check has failed is not ready. `cors_origins` may hold `*` for all.
    `measure` hears of each request, `metrics` is what Prometheus is told; those in `metrics_allow` need no token for that.
    `public_url` is the address under which browsers reach this server; when it is empty, it is the one they ask for.
    """

    incidents: IncidentService
    reading: ReadingService
    accounts: AccountService
    profiles: ProfileService
    tickets: TicketService
    notifications: NotificationService
    maintenance: MaintenanceService
    watching: WatchService
    media: Media
    clock: Clock
    zone: ZoneInfo
    version: str
    cors_origins: frozenset[str] = frozenset()
    public_url: str = ""
    unpaged_limit: int = 10_000
    uses: Uses = field(default_factory=Uses)
    credentials: CredentialCache = field(default_factory=CredentialCache)
    credential_cache_ok: Callable[[], bool] = lambda: True
    login_methods: Sequence[LoginMethod] = ()
    alive: Callable[[], bool] = lambda: True
    checks: Callable[[], Awaitable[Sequence[Check]]] = _no_checks
    measure: Measure = _not_measured
    metrics: Callable[[], Awaitable[bytes]] = _no_metrics
    metrics_allow: Sequence[IPv4Network | IPv6Network] = ()
