"""
What keeps deliveries back, and when one message tells what was kept back.

Whoever keeps something back says what kind of thing does so, which one of its kind, and why; all that the same thing keeps back from a
destination is told in one roundup. Nothing that was kept back is lost: it stays in the ledger with the reason, and later with what told it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Keeper(Enum):
    """A kind of thing that keeps deliveries back."""

    MAINTENANCE = "maintenance"
    BUDGET = "budget"
    DIGEST = "digest"
    FLAPPING = "flapping"

    @property
    def spares_critical(self) -> bool:
        """Whether it never keeps back what is of level 1: what nobody has asked to be kept back is told when it is that bad."""
        return self in (Keeper.BUDGET, Keeper.FLAPPING)

    @property
    def waits_for_quiet(self) -> bool:
        """Whether what comes later puts the roundup off; else the first that was kept back says when it comes."""
        return self is Keeper.FLAPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """
    Why something is kept back, by which thing of its kind; a `subject` is 0 where there is but one.

    The roundup has the `title` and comes when it is `due`. Without that, whatever keeps it back says when it is over.
    """

    keeper: Keeper
    subject: int = 0
    reason: str
    title: str = ""
    due: datetime | None = None

    def put_off(self, due: datetime) -> datetime:
        """When the roundup comes to which this is added, that would have come then."""
        if self.due is None:
            return due
        return max(due, self.due) if self.keeper.waits_for_quiet else min(due, self.due)
