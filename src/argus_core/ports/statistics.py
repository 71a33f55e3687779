"""What the journal says of all incidents at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from argus_core.domain.flapping import Thresholds
from argus_core.domain.overview import OpenCount, Past


class Statistics(Protocol):
    """Figures for people who look at the whole. Every method may raise `Unavailable`."""

    async def open_at(self, now: datetime) -> Sequence[OpenCount]:
        """How many incidents are open, by source, level and whether they are acknowledged; in this order, those that are not first."""
        ...

    async def past(self, now: datetime, thresholds: Thresholds) -> Past:
        """
        The last week, up to and including now; what flaps by these thresholds, as it was heard of.

        The noisiest come first, of equals those with the smaller id, else the smaller text by code points.
        """
        ...
