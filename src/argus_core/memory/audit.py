"""The audit log in a list."""

from collections.abc import Sequence
from datetime import datetime

from argus_core.domain.audit import AuditQuery, Record
from argus_core.memory import MemoryAccounts
from argus_core.ports.audit import AuditLog, Tally


class MemoryAudit(AuditLog):
    """What was noted in the units of work of accounts in dicts."""

    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts

    async def page(self, query: AuditQuery, most: int, before: Record | None = None) -> Sequence[Record]:
        """See the port."""
        newest_first = reversed(self._accounts.tables.audit)
        return [record for record in newest_first if (before is None or record.id < before.id) and query.fits(record)][:most]

    async def record(self, number: int) -> Record | None:
        """See the port."""
        return next((record for record in self._accounts.tables.audit if record.id == number), None)

    async def prune(self, before: datetime, note: Tally) -> int:
        """See the port."""
        async with self._accounts.begin_tables() as tables:
            count = len(tables.audit)
            tables.audit = [record for record in tables.audit if record.created >= before]
            count -= len(tables.audit)
            tables.note(note(count), await self._accounts.now())
        return count
