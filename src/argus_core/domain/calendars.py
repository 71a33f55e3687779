"""Planned maintenance, arranged like the audience: an event is compared with what may concern it and no other."""

from collections.abc import Iterable, Sequence

from argus_core.domain.audience import ALWAYS, Mark, marks_of, marks_on
from argus_core.domain.filters import Condition, holds, reads_texts
from argus_core.domain.incidents import Happening
from argus_core.domain.maintenance import Maintenance, Phase


class Calendar:
    """Planned maintenance, made ready for many events."""

    def __init__(self, maintenances: Iterable[Maintenance] = ()) -> None:
        self._found: dict[Mark, list[tuple[Maintenance, Condition]]] = {}
        self.reads_texts = False
        """Whether the texts of events matter to any of it."""
        for maintenance in maintenances:
            condition = maintenance.condition
            self.reads_texts = self.reads_texts or reads_texts(condition)
            for mark in marks_of(condition) or frozenset({ALWAYS}):
                self._found.setdefault(mark, []).append((maintenance, condition))

    def keeping_back(self, happening: Happening, texts: Sequence[str] = ()) -> Maintenance | None:
        """The first, by its number, that lets nobody be told of an event. `texts` are as in `decisions.fires`."""
        if not self._found:
            return None
        incident, event = happening.incident, happening.event
        kept = [
            maintenance
            for mark in marks_on(happening)
            for maintenance, condition in self._found.get(mark, ())
            # Clocks of zones are asked last: they are the dearest.
            if maintenance.phase(event.received) is Phase.CURRENT
            and holds(condition, incident, event.received, event, texts)
            and maintenance.runs(event.received)
        ]
        return min(kept, key=lambda maintenance: maintenance.id, default=None)
