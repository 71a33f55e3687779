"""
Flapping: what opens and ends again and again is told once, when it has become quiet.

What flaps is a source with a set of tags, whichever of its incidents opens and ends; where there are no tags, it is one incident.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NewType

from argus_core.domain.budgets import parse_budget
from argus_core.domain.errors import Invalid
from argus_core.domain.holds import Hold, Keeper
from argus_core.domain.ids import IncidentId, SourceId
from argus_core.domain.incidents import ENDS, EventType, Happening, Incident
from argus_core.domain.spans import spoken

FlapKey = NewType("FlapKey", int)
"""Stands for a source with a set of tags: a number of 63 bits that hardly ever stands for two."""

FORGOTTEN = timedelta(days=8)
"""What has not changed for so long does not flap by any threshold."""

_OPENS = frozenset({EventType.START, EventType.REOPEN})


@dataclass(frozen=True, slots=True)
class Flaps:
    """When something ended lately, oldest first, when it last changed, and until when it is held to flap unless it changes again."""

    ended: tuple[datetime, ...] = ()
    changed: datetime | None = None
    until: datetime | None = None

    def flaps(self, moment: datetime) -> bool:
        """Whether it is held to flap."""
        return self.until is not None and moment < self.until


@dataclass(frozen=True, slots=True)
class Threshold:
    """What opens and ends more than so many times within this span flaps, until it has not changed for that long."""

    most: int
    within: timedelta

    def __str__(self) -> str:
        return f"{self.most} time{'s' if self.most != 1 else ''} in {spoken(self.within)}"

    def after(self, flaps: Flaps, moment: datetime, *, ended: bool) -> Flaps:
        """After it opened, or `ended`, at this moment."""
        before = [end for end in flaps.ended if end + self.within > moment]
        ends = (*before, moment)[-self.most - 1 :] if ended else tuple(before)
        flapping = flaps.flaps(moment) or len(ends) > self.most
        return Flaps(ends, moment, moment + self.within if flapping else None)

    def was_exceeded(self, ended: Sequence[datetime]) -> bool:
        """Whether what ended at these moments was ever held to flap by this; the oldest comes first."""
        return any(last < first + self.within for first, last in zip(ended, ended[self.most :], strict=False))

    def hold(self, key: FlapKey, until: datetime) -> Hold:
        """Why something is kept back that flaps."""
        reason = f"It opens and ends more than {self}; it is told when it is quiet."
        return Hold(keeper=Keeper.FLAPPING, subject=key, reason=reason, title="What was flapping is quiet", due=until)


LOOKED_FOR = Threshold(3, timedelta(hours=1))
"""By this it is shown what flaps where nothing is kept back for it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on the incidents of each source flap: by its `own` threshold, which may be none at all, or else by the `usual` one."""

    usual: Threshold | None = None
    own: Mapping[SourceId, Threshold | None] = field(default_factory=dict)

    @classmethod
    def spelled(cls, usual: Threshold | None, own: Mapping[SourceId, str]) -> "Thresholds":
        """With the sources' own as they are kept: see `parse_threshold`."""
        return cls(usual, {source_id: parse_threshold(text) for source_id, text in own.items()})

    def of(self, source_id: SourceId) -> Threshold | None:
        """That of a source; None: nothing of it flaps."""
        return self.own.get(source_id, self.usual)

    @property
    def fewest(self) -> int:
        """How often something may end, at the least, that is not shown to flap."""
        return min(one.most for one in (LOOKED_FOR, self.usual, *self.own.values()) if one is not None)

    def to_show(self, source_id: SourceId) -> Threshold:
        """The same; where there is none, one that helps to find one."""
        return self.of(source_id) or LOOKED_FOR


def parse_threshold(text: str) -> Threshold | None:
    """
    The threshold that is spelled like `5/30m`; None for `off`.

    Raises:
        ValueError: it is neither.
    """
    budget = parse_budget(text)
    return None if budget is None else Threshold(budget.most, budget.within)


def check_threshold(text: str) -> None:
    """
    Check what somebody wants to be the threshold of a source; nothing is that of all.

    Raises:
        Invalid: under `flapping`.
    """
    if text:
        try:
            parse_threshold(text)
        except ValueError:
            raise Invalid({"flapping": "Give times in a span of time, like 5/30m, or off, or nothing."}) from None


def flap_key(incident: Incident) -> FlapKey:
    """What flaps when this incident opens and ends."""
    return key_of(incident.id, incident.source.id, [tag.tag for tag in incident.tags])


def key_of(incident_id: IncidentId, source_id: SourceId, tags: Sequence[str]) -> FlapKey:
    """The same of an incident by its number, the number of its source, and its tags."""
    parts = ["tags", str(source_id), *sorted(tags)] if tags else ["incident", str(incident_id)]
    return FlapKey(int.from_bytes(blake2b("\n".join(parts).encode(), digest_size=8).digest()) >> 1)


def changes(happening: Happening) -> bool | None:
    """Whether something ended with this event; None when it neither opened nor ended."""
    incident, event = happening.incident, happening.event
    if not incident.stateful or not event.effect:
        return None
    is_open = incident.is_open(event.received)
    if event.type in _OPENS and is_open:
        return False
    return True if event.type in ENDS and not is_open else None
