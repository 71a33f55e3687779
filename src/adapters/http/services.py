"""What the HTTP API needs of the rest of the program, put together by the composition root."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from adapters.http.auth import CredentialCache, Uses
from argus_core.ports.clock import Clock
from argus_core.ports.media import Media
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.profiles import ProfileService
from argus_core.usecases.reading import ReadingService
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.watching import WatchService


async def _no_problems() -> Sequence[str]:
    return ()


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
    `credential_cache_ok` is false while revocations made by other processes are not heard of. `alive` and `problems` answer the probes: a
    process that has problems is not ready. `cors_origins` may hold `*` for all.
    `public_url` is the address under which browsers reach this server; when it is empty, it is the one they ask for.
    """

    incidents: IncidentService
    reading: ReadingService
    accounts: AccountService
    profiles: ProfileService
    tickets: TicketService
    notifications: NotificationService
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
    problems: Callable[[], Awaitable[Sequence[str]]] = _no_problems
