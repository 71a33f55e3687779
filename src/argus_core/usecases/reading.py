"""Read incidents, as far as they are there for whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from argus_core.domain.actors import Actor
from argus_core.domain.filters import All, Condition, SourceOf
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.permissions import confined_to, require_within
from argus_core.domain.sources import Source
from argus_core.ports.incidents import NEWEST, AckRow, EventRow, IncidentRow, Incidents, Order, Page, Position


class Reading(Protocol):
    """What of the journal is for readers; see `Incidents`."""

    async def row(self, incident_id: IncidentId) -> IncidentRow:
        """See the port."""
        ...

    async def page(
        self, condition: Condition, now: datetime, size: int, position: Position | None = None, order: Order = NEWEST
    ) -> Page[IncidentRow]:
        """See the port."""
        ...

    async def count(self, condition: Condition, now: datetime, most: int | None = None) -> int:
        """See the port."""
        ...

    async def events(self, incident_id: IncidentId) -> Sequence[EventRow]:
        """See the port."""
        ...

    async def event(self, incident_id: IncidentId, event_id: EventId) -> EventRow:
        """See the port."""
        ...

    async def acks(self, incident_id: IncidentId) -> Sequence[AckRow]:
        """See the port."""
        ...

    async def ack(self, incident_id: IncidentId, ack_id: EventId) -> AckRow:
        """See the port."""
        ...


@dataclass(frozen=True, slots=True)
class ReadingService:
    """Gives everybody the journal; with `own_only`, a source only what is its own."""

    incidents: Incidents
    own_only: bool = False

    def seen_by(self, actor: Actor) -> Reading:
        """What there is for the actor. Whoever may see everything pays nothing for the question."""
        confines = confined_to(actor, own_only=self.own_only)
        return self.incidents if confines is None else _Confined(self.incidents, confines)


@dataclass(frozen=True, slots=True)
class _Confined(Reading):
    """The incidents of one source, as if there were no others."""

    incidents: Incidents
    source: Source

    async def row(self, incident_id: IncidentId) -> IncidentRow:
        row = await self.incidents.row(incident_id)
        require_within(self.source, row.source_id)
        return row

    async def page(
        self, condition: Condition, now: datetime, size: int, position: Position | None = None, order: Order = NEWEST
    ) -> Page[IncidentRow]:
        return await self.incidents.page(self._own(condition), now, size, position, order)

    async def count(self, condition: Condition, now: datetime, most: int | None = None) -> int:
        return await self.incidents.count(self._own(condition), now, most)

    async def events(self, incident_id: IncidentId) -> Sequence[EventRow]:
        await self.row(incident_id)
        return await self.incidents.events(incident_id)

    async def event(self, incident_id: IncidentId, event_id: EventId) -> EventRow:
        await self.row(incident_id)
        return await self.incidents.event(incident_id, event_id)

    async def acks(self, incident_id: IncidentId) -> Sequence[AckRow]:
        await self.row(incident_id)
        return await self.incidents.acks(incident_id)

    async def ack(self, incident_id: IncidentId, ack_id: EventId) -> AckRow:
        await self.row(incident_id)
        return await self.incidents.ack(incident_id, ack_id)

    def _own(self, condition: Condition) -> Condition:
        return All((SourceOf(self.source.user_id), condition))
