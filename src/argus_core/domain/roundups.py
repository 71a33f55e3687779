"""Roundups: one message about many incidents, of which nobody was told one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus_core.domain.ids import IncidentId, SourceId, UserId
from argus_core.domain.incidents import Incident, Level
from argus_core.domain.notifications import (
    SUBJECT_LENGTH,
    AskedBy,
    Notification,
    footer,
    headline,
    level_of,
    moment,
    shortened,
)
from argus_core.domain.sources import Source

MOST_LISTED = 100
"""So many incidents are named in each part of a message; the rest is counted."""

FEW = 10
"""Of more incidents than this it is also said how many there are of each source and with each tag."""

MOST_COUNTED = 5
"""So many sources and tags are named, those with the most incidents."""

_MOST_HEADLINE = 120
_MOST_NAME = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """An incident of which nobody was told: as it is now, and whether it `started` meanwhile."""

    incident: Incident
    started: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Roundup:
    """What was kept back from one destination, under a title that says why, and how that was at a moment."""

    title: str
    now: datetime
    kept: tuple[Kept, ...]

    @property
    def open(self) -> tuple[Kept, ...]:
        """What is open, worst first."""
        return self._those(stateful=True, is_open=True)

    @property
    def resolved(self) -> tuple[Kept, ...]:
        """What is over, worst first."""
        return self._those(stateful=True, is_open=False)

    @property
    def stateless(self) -> tuple[Kept, ...]:
        """What has no end, worst first."""
        return self._those(stateful=False, is_open=False)

    @property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """The sources by name, and of how many incidents each has told, the most first."""
        return _counted(one.incident.source.name for one in self.kept)

    @property
    def tags(self) -> tuple[tuple[str, int], ...]:
        """The tags, and how many incidents have each, the most first."""
        return _counted(tag.tag for one in self.kept for tag in one.incident.tags)

    def _those(self, *, stateful: bool, is_open: bool) -> tuple[Kept, ...]:
        found = [one for one in self.kept if (one.incident.stateful, one.incident.is_open(self.now)) == (stateful, is_open)]
        return tuple(sorted(found, key=lambda one: (one.incident.level, one.incident.id)))


def compose_roundup(
    *,
    id: str,  # noqa: A002 - as the field is called
    roundup: Roundup,
    zone: str,
    frontend: str = "",
    profiles: Sequence[AskedBy] = (),
) -> Notification:
    """Put a roundup into words: how things are now, what is still open first."""
    parts = (
        ("still open", roundup.open),
        ("resolved", roundup.resolved),
        ("without an end", roundup.stateless),
    )
    counted = ", ".join(f"{len(kept)} {name}" for name, kept in parts if kept)
    frontend = frontend.rstrip("/")
    text = "\n\n".join(
        [
            "\n".join([f"{roundup.title}\nOf these incidents you were not told one by one: {counted}.", *_counts(roundup)]),
            *("\n".join(_part(name, kept, zone, frontend)) for name, kept in parts if kept),
        ]
    )
    return Notification(
        id=id,
        incident=_standing_for(roundup, text),
        events=(),
        subject=shortened(f"{roundup.title}: {counted}", SUBJECT_LENGTH),
        text=f"{text}\n{footer(profiles)}",
        link=f"{frontend}/incidents/" if frontend else "",
        profiles=tuple(profiles),
        roundup=True,
        zone=zone,
    )


def _counted(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _counts(roundup: Roundup) -> Iterator[str]:
    """How many there are of what, when there are too many to look at each."""
    if len(roundup.kept) <= FEW:
        return
    for name, counts in (("source", roundup.sources), ("tag", roundup.tags)):
        said = [f"{shortened(' '.join(what.split()), _MOST_NAME)} {count}" for what, count in counts[:MOST_COUNTED]]
        more = [f"{len(counts) - MOST_COUNTED} others"] if len(counts) > MOST_COUNTED else []
        if said:
            yield f"By {name}: {', '.join(said + more)}."


def _part(name: str, kept: Sequence[Kept], zone: str, frontend: str) -> Iterator[str]:
    yield f"{name.capitalize()} ({len(kept)}):"
    for one in kept[:MOST_LISTED]:
        incident = one.incident
        began = f"started {moment(incident.start_time, zone)}" if one.started else f"known since {moment(incident.start_time, zone)}"
        link = f"\n  {frontend}/incidents/{incident.id}/" if frontend else ""
        what = shortened(headline(incident), _MOST_HEADLINE)
        yield f"- [{level_of(incident.level)}] {' '.join(incident.source.name.split())}: {what} ({began}){link}"
    if len(kept) > MOST_LISTED:
        yield f"- and {len(kept) - MOST_LISTED} more"


def _standing_for(roundup: Roundup, text: str) -> Incident:
    """An incident that never was, for media that show one: it says what the roundup says, and is as bad as the worst that is open."""
    return Incident(
        id=IncidentId(0),
        version=0,
        source=Source(id=SourceId(0), name="argus", type="argus", user_id=UserId(0)),
        start_time=roundup.now,
        stateful=False,
        level=min((one.incident.level for one in roundup.open), default=Level.INFORMATION),
        description=text,
        received=roundup.now,
    )
