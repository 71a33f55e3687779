"""Tell what was kept back, when its time has come. Maintenance does so by itself when it is over."""

from dataclasses import dataclass

from argus_core.ports.media import Media
from argus_core.ports.outbox import Outbox
from argus_core.ports.profiles import Profiles
from argus_core.usecases.dispatch import routes_of

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RoundupService:
    """Orders the roundups that are due. Every method may raise `Unavailable`."""

    outbox: Outbox
    profiles: Profiles
    media: Media

    async def round_up(self) -> int:
        """Order all that is due; how many roundups that were."""
        if not await self.outbox.has_due():
            return 0
        routes, count = await routes_of(self.profiles, self.media), 0
        while some := await self.outbox.round_up_due(AT_ONCE, routes):
            count += some
        return count
