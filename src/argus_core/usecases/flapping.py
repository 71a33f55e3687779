"""Say from when on the incidents of a source flap, and know it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argus_core.domain.audit import Deed, Origin, called
from argus_core.domain.flapping import Threshold, Thresholds, check_threshold
from argus_core.domain.ids import SourceId
from argus_core.ports.clock import Clock
from argus_core.ports.profiles import Profiles
from argus_core.usecases.accounts import AccountService

KNOWN_FOR = timedelta(seconds=10)
"""Pages believe for so long what the thresholds were; notifications ask each time."""


class KnownThresholds:
    """The thresholds of all sources for those who only show what flaps, as of some seconds ago at most."""

    def __init__(self, profiles: Profiles, clock: Clock, usual: Threshold | None = None) -> None:
        self._profiles, self._clock, self._usual = profiles, clock, usual
        self._known: tuple[datetime, Thresholds] | None = None

    async def get(self) -> Thresholds:
        """
        What they are.

        Raises:
            Unavailable: it is not known.
        """
        now = self._clock()
        if self._known is None or abs(now - self._known[0]) >= KNOWN_FOR:
            self._known = now, Thresholds.spelled(self._usual, await self._profiles.thresholds())
        return self._known[1]

    def forget(self) -> None:
        """Look anew next time."""
        self._known = None


@dataclass(frozen=True, slots=True)
class FlappingService:
    """Keeps the thresholds that sources have of their own, and looks them up. Every method may raise `NotFound` and `Unavailable`."""

    profiles: Profiles
    accounts: AccountService
    known: KnownThresholds

    def seen_from(self, origin: Origin) -> "FlappingService":
        """The same, on behalf of somebody: whom the audit log names."""
        return replace(self, accounts=self.accounts.seen_from(origin))

    async def threshold(self, source_id: SourceId) -> str:
        """The threshold of a source, as it is spelled; nothing when it has none of its own."""
        await self.accounts.source(source_id)
        return (await self.profiles.thresholds()).get(source_id, "")

    async def set_threshold(self, source_id: SourceId, spelled: str) -> None:
        """
        Let incidents of a source flap from `5/30m` on, or never with `off`; with nothing it is as for those that have none of their own.

        Raises:
            Invalid: under `flapping`, it is none of these.
        """
        check_threshold(spelled)
        source = await self.accounts.source(source_id)
        details = f"it flaps by {spelled}" if spelled else "it flaps as others do"
        entry = self.accounts.entry(Deed.SOURCE_CHANGE, called(source), details)
        async with self.profiles.begin(source.user_id) as work:
            await work.keep_threshold(source.id, spelled, entry)
        self.known.forget()
