"""Heartbeats of sources, and signs of how notifications get through: where Argus looks when it watches itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from argus_core.domain.audit import Entry
from argus_core.domain.ids import SourceId
from argus_core.domain.watching import Heart, Signs


class Watch(Protocol):
    """What there is to see. Moments are by the store's own clock. Every method may raise `Unavailable`."""

    async def beat(self, source_id: SourceId) -> None:
        """Note that a source is alive."""
        ...

    async def expect(self, source_id: SourceId, every: timedelta | None, note: Entry | None = None) -> None:
        """Expect a source to be heard of so often, from now on, and note that; None expects nothing any more."""
        ...

    async def hearts(self) -> Sequence[Heart]:
        """All active sources that are expected to be heard of, by id."""
        ...

    async def signs(self) -> Signs:
        """What there is to see now."""
        ...
