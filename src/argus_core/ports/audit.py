"""The audit log. It is written by the units of work that do what it tells of: see `AccountsWork.note`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from argus_core.domain.audit import AuditQuery, Entry, Record

Tally: TypeAlias = Callable[[int], Entry]
"""Makes the entry about something that was done to so many things."""


class AuditLog(Protocol):
    """
    What was noted, in the order of its own clock. Nothing in it is ever changed, and nothing leaves it but by `prune`.

    Every method may raise `Unavailable`.
    """

    async def page(self, query: AuditQuery, most: int, before: Record | None = None) -> Sequence[Record]:
        """At most so many records, newest first, older than that one."""
        ...

    async def record(self, number: int) -> Record | None:
        """The record with this number."""
        ...

    async def prune(self, before: datetime, note: Tally) -> int:
        """Forget what is older than that, and note in the same unit of work how much that was."""
        ...
