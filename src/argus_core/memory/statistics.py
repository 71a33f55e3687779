"""Statistics of a journal in dicts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from argus_core.domain.filters import EVERYTHING
from argus_core.domain.flapping import FlapKey, Thresholds, changes, flap_key
from argus_core.domain.incidents import EventType, Happening, Incident, fold
from argus_core.domain.overview import (
    DAY,
    MOST,
    Flapping,
    NoisySource,
    NoisyTag,
    OpenCount,
    Past,
    begin_of_week,
    flapped,
    hour_of,
    spread_of,
)
from argus_core.memory import MemoryIncidents
from argus_core.ports.statistics import Statistics


class MemoryStatistics(Statistics):
    """What there is to see in dicts."""

    def __init__(self, incidents: MemoryIncidents) -> None:
        self._incidents = incidents

    async def open_at(self, now: datetime) -> Sequence[OpenCount]:
        """See the port."""
        counts = Counter(
            (incident.source.id, incident.level, incident.is_acked(now)) for incident in self._all(now) if incident.is_open(now)
        )
        sources = {incident.source.id: incident.source for incident in self._all(now)}
        return [OpenCount(sources[id_], level, acked, count) for (id_, level, acked), count in sorted(counts.items())]

    async def past(self, now: datetime, thresholds: Thresholds) -> Past:
        """See the port."""
        week = [incident for incident in self._all(now) if begin_of_week(now) <= incident.start_time <= now]
        day = [incident for incident in week if incident.start_time > now - DAY]
        return Past(
            until=now,
            arrivals=dict(Counter(hour_of(incident.start_time) for incident in week)),
            acknowledged=spread_of([taken - incident.start_time for incident in week if (taken := self._taken_care(incident))]),
            resolved=spread_of(
                [incident.end_time - incident.start_time for incident in week if incident.end_time and incident.end_time <= now]
            ),
            sources=_sources(day),
            tags=_tags(day),
            flapping=flapped(self._ends(now), thresholds),
        )

    def _all(self, now: datetime) -> list[Incident]:
        return list(self._incidents.matching(EVERYTHING, now))

    def _ends(self, now: datetime) -> Iterator[tuple[Flapping, Sequence[datetime]]]:
        """What ended within a day, and when."""
        ended: dict[FlapKey, list[datetime]] = {}
        known: dict[FlapKey, Incident] = {}
        for incident in self._all(now):
            journal = self._incidents.journal_of(incident.id)
            for event in journal:
                then = Happening(fold(journal[: event.version], incident.source), event)
                if now - DAY < event.received <= now and changes(then):
                    known[key := flap_key(incident)] = incident
                    ended.setdefault(key, []).append(event.received)
        for key, moments in ended.items():
            incident, tags = known[key], tuple(sorted(tag.tag for tag in known[key].tags))
            yield Flapping(incident.source, tags, len(moments), None if tags else incident.id), sorted(moments)

    def _taken_care(self, incident: Incident) -> datetime | None:
        made = [event.timestamp for event in self._incidents.journal_of(incident.id) if event.type is EventType.ACKNOWLEDGE]
        return min(made, default=None)


def _sources(day: Iterable[Incident]) -> tuple[NoisySource, ...]:
    counts = Counter(incident.source.id for incident in day)
    sources = {incident.source.id: incident.source for incident in day}
    loudest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    return tuple(NoisySource(sources[id_], count) for id_, count in loudest)


def _tags(day: Iterable[Incident]) -> tuple[NoisyTag, ...]:
    counts = Counter(tag.tag for incident in day for tag in incident.tags)
    return tuple(NoisyTag(tag, count) for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST])
