"""What pages need of the rest of the program, put together by the composition root."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

from adapters.web.live import Live
from argus_core.domain.filters import Condition
from argus_core.domain.ids import UserId
from argus_core.ports.clock import Clock
from argus_core.ports.incidents import Position
from argus_core.ports.media import Media
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.administration import AdministrationService
from argus_core.usecases.identities import IdentityService
from argus_core.usecases.incidents import IncidentService
from argus_core.usecases.logins import LoginService
from argus_core.usecases.maintenance import MaintenanceService
from argus_core.usecases.notifications import NotificationService
from argus_core.usecases.overview import OverviewService
from argus_core.usecases.profiles import ProfileService
from argus_core.usecases.reading import ReadingService
from argus_core.usecases.tickets import TicketService
from argus_core.usecases.trying_out import TrialService

Shown: TypeAlias = tuple[str, str, str]
"""A setting: its name, its value, and where that comes from."""


class Addresses(Protocol):
    """What addresses of lists mean: the same, whoever shows the list."""

    async def condition(self, query: bytes, owner: UserId) -> Condition:
        """
        The condition that the parameters make for whoever owns filters and profiles.

        Raises:
            Invalid: with a sentence for each bad parameter.
        """
        ...

    def cursor(self, position: Position) -> str:
        """The place as addresses name it."""
        ...

    def position(self, text: str) -> Position | None:
        """
        The place that an address names; empty is the beginning.

        Raises:
            NotFound: there is no such place.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """
    Everything handlers close over.

    `public_url` is the address under which browsers reach this server; when it is empty, it is the one they ask for. `zone` is that of the
    times shown. `settings` are names, values and origins, secrets masked; `worries` tells
    what is wrong with the process and its surroundings, a sentence for each.
    """

    logins: LoginService
    identities: IdentityService
    accounts: AccountService
    incidents: IncidentService
    reading: ReadingService
    tickets: TicketService
    profiles: ProfileService
    notifications: NotificationService
    maintenance: MaintenanceService
    overview: OverviewService
    media: Media
    clock: Clock
    addresses: Addresses
    live: Live
    administration: AdministrationService
    trying_out: TrialService
    settings: Sequence[Shown]
    worries: Callable[[], Awaitable[Sequence[str]]]
    public_url: str
    zone: ZoneInfo

    @property
    def resets(self) -> bool:
        """Whether passwords can be reset by mail. What a link begins with is not for whoever asks to choose."""
        return bool(self.public_url) and not self.logins.letters.lacks
