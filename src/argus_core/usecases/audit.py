"""Look at the audit log, and forget what is old."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus_core.domain.actors import Actor
from argus_core.domain.audit import ITSELF, AuditPage, AuditQuery, Deed, Entry, Origin, Record, check_pruning
from argus_core.domain.errors import NotFound
from argus_core.domain.permissions import Act, require
from argus_core.ports.accounts import Accounts
from argus_core.ports.audit import AuditLog

PORTION = 1_000


@dataclass(frozen=True, slots=True)
class AuditService:
    """Staff may look; only who runs the installation may let it forget. Every method may raise `Unavailable`."""

    log: AuditLog
    accounts: Accounts
    origin: Origin = ITSELF

    async def page(self, query: AuditQuery, most: int, before: int | None = None, *, actor: Actor) -> AuditPage:
        """
        Some records, newest first, older than the one with the number `before`.

        Raises:
            NotAllowed: the actor is not of the staff.
            NotFound: there is no record with that number.
        """
        require(actor, Act.READ_AUDIT)
        found = await self.newest(query, most + 1, before)
        return AuditPage(tuple(found[:most]), more=len(found) > most)

    async def newest(self, query: AuditQuery, most: int, before: int | None = None) -> Sequence[Record]:
        """
        The same for who runs the installation.

        Raises:
            NotFound: there is no record with the number `before`.
        """
        last = None if before is None else await self.log.record(before)
        if before is not None and last is None:
            raise NotFound("There is no such record.")
        return await self.log.page(query, most, last)

    async def all(self, query: AuditQuery) -> AsyncIterator[Record]:
        """Every record, newest first, without holding them all at once; for who runs the installation."""
        before = None
        while portion := await self.log.page(query, PORTION, before):
            for record in portion:
                yield record
            before = portion[-1]

    async def prune(self, before: datetime) -> int:
        """
        Forget what is older than that; how many records those were. This is noted too.

        Raises:
            Invalid: under `before`, some would be too young.
        """
        check_pruning(before, await self.accounts.now())

        def entry(count: int) -> Entry:
            return Entry(
                deed=Deed.AUDIT_PRUNE, about="the audit log", origin=self.origin, details=f"{count} records before {before.isoformat()}"
            )

        return await self.log.prune(before, entry)
