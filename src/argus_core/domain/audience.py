"""
Everybody's profiles, arranged so that an event is compared with those that it may concern and no others.

A condition that can only hold for incidents with one of some tags, from one of some sources and so on is looked for under these; profiles
that ask for the same are asked once. Whom it finds is whom the plain loop in `decisions.who_hears` finds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias
from weakref import WeakValueDictionary

from argus_core.domain.decisions import NOTHING_HEARD, Told, gathered, matches
from argus_core.domain.escalation import Heard
from argus_core.domain.filters import (
    All,
    Condition,
    Either,
    EventTypeIn,
    HasTag,
    LevelAtMost,
    SourceIn,
    SourceTyped,
    holds,
    reads_texts,
)
from argus_core.domain.ids import UserId
from argus_core.domain.incidents import Happening, Level
from argus_core.domain.news import kinds
from argus_core.domain.profiles import Belongings, WholeProfile
from argus_core.domain.timeslots import Recurrence, Timeslot

Mark: TypeAlias = tuple[str, object]
"""Something about an incident or an event by which conditions are found: what kind of thing, and which."""

# The rarer the better: the first kind that a condition insists on is where it is kept.
_TAG, _SOURCE, _TYPE, _EVENT, _LEVEL = "tag", "source", "type", "event", "level"
_RANK = {kind: rank for rank, kind in enumerate((_TAG, _SOURCE, _TYPE, _EVENT, _LEVEL))}
ALWAYS: Mark = ("always", None)
"""What everything has."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class _Hours:
    """When some profiles want to hear: equal times are one object, so that nothing is compared or hashed while an event waits."""

    timeslot: Timeslot


@dataclass(slots=True, eq=False)
class _Wish:
    """What some profiles ask for, and which do in which hours."""

    condition: Condition
    marks: frozenset[Mark]
    profiles: dict[_Hours, list[WholeProfile]] = field(default_factory=dict)


class Audience:
    """The profiles that may fire. It changes by `know` only, one owner at a time."""

    def __init__(self) -> None:
        self._of: dict[UserId, tuple[WholeProfile, ...]] = {}
        self._wishes: dict[Condition, _Wish] = {}
        self._found: dict[Mark, set[_Wish]] = {}
        self._hours: WeakValueDictionary[tuple[str, tuple[Recurrence, ...]], _Hours] = WeakValueDictionary()
        self._reading_texts = 0
        self._delays: Counter[timedelta] = Counter()

    @property
    def reads_texts(self) -> bool:
        """Whether the texts of events matter to anybody."""
        return self._reading_texts > 0

    @property
    def delays(self) -> AbstractSet[timedelta]:
        """For how long anybody waits before they are told."""
        return self._delays.keys()

    def know(self, owner: UserId, belongings: Belongings) -> None:
        """Take what this user owns for all that they own."""
        for whole in self._of.pop(owner, ()):
            self._remove(whole)
            self._wait(whole, -1)
        wholes = tuple(belongings.whole(profile) for profile in belongings.profiles if profile.active)
        kept = tuple(whole for whole in wholes if whole.destinations and whole.condition is not None)
        if kept:
            self._of[owner] = kept
        for whole in kept:
            self._add(whole)
            self._wait(whole, 1)

    def who_hears(self, happening: Happening, texts: Sequence[str] = (), heard: Heard = NOTHING_HEARD) -> tuple[Told, ...]:
        """The destinations that hear of it, each once, in id order."""
        return gathered(self.matching(happening, texts), happening, heard)

    def matching(self, happening: Happening, texts: Sequence[str] = ()) -> Sequence[WholeProfile]:
        """The profiles that fire for it, if they are asked."""
        incident, event = happening.incident, happening.event
        covered: dict[_Hours, bool] = {}
        fired: list[WholeProfile] = []
        for wish in set().union(*(self._found.get(mark, ()) for mark in marks_on(happening))):
            if holds(wish.condition, incident, event.received, event, texts):
                for hours, wholes in wish.profiles.items():
                    if hours not in covered:
                        covered[hours] = hours.timeslot.covers(event.received)
                    if covered[hours]:
                        fired.extend(wholes)
        return fired

    def judged_singly(self, happening: Happening, texts: Sequence[str] = ()) -> Sequence[tuple[WholeProfile, bool | Exception]]:
        """
        Whether each profile fires for it, if it is asked, or what kept that from being found out.

        Finds what `matching` finds, and takes longer: for when that fails, since what is wrong with one says nothing of the others.
        """
        return [(whole, _judged(whole, happening, texts)) for wholes in self._of.values() for whole in wholes]

    def _wait(self, whole: WholeProfile, more: int) -> None:
        after = whole.profile.escalate_after
        if after is not None:
            self._delays[after] += more
            if not self._delays[after]:
                del self._delays[after]

    def _add(self, whole: WholeProfile) -> None:
        condition, hours = _condition_of(whole), self._hours_of(whole.timeslot)
        wish = self._wishes.get(condition)
        if wish is None:
            wish = self._wishes[condition] = _Wish(condition, marks_of(condition) or frozenset({ALWAYS}))
            self._reading_texts += reads_texts(condition)
            for mark in wish.marks:
                self._found.setdefault(mark, set()).add(wish)
        wish.profiles.setdefault(hours, []).append(whole)

    def _remove(self, whole: WholeProfile) -> None:
        wish, hours = self._wishes[_condition_of(whole)], self._hours_of(whole.timeslot)
        wish.profiles[hours].remove(whole)
        if not wish.profiles[hours]:
            del wish.profiles[hours]
        if not wish.profiles:
            del self._wishes[wish.condition]
            self._reading_texts -= reads_texts(wish.condition)
            for mark in wish.marks:
                self._found[mark].remove(wish)
                if not self._found[mark]:
                    del self._found[mark]

    def _hours_of(self, timeslot: Timeslot) -> _Hours:
        return self._hours.setdefault((timeslot.zone, timeslot.recurrences), _Hours(timeslot))


def _judged(whole: WholeProfile, happening: Happening, texts: Sequence[str]) -> bool | Exception:
    try:
        return matches(whole, happening, texts)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return error


def _condition_of(whole: WholeProfile) -> Condition:
    condition = whole.condition
    if condition is None:
        raise ValueError(f"Profile {whole.profile.id} can never fire.")
    return condition


def marks_of(condition: Condition) -> frozenset[Mark] | None:  # noqa: PLR0911 - one case for each clause
    """Marks of which an incident or its event must have at least one for the condition to hold; None when no such marks are known."""
    match condition:
        case All(of):
            known = [marks for marks in map(marks_of, of) if marks is not None]
            return min(known, key=_cost, default=None)
        case Either(of):
            parts = [marks_of(part) for part in of]
            present = [marks for marks in parts if marks is not None]
            return frozenset().union(*present) if len(present) == len(parts) else None
        case HasTag(tags):
            return frozenset((_TAG, tag) for tag in tags)
        case SourceIn(ids):
            return frozenset((_SOURCE, id_) for id_ in ids)
        case SourceTyped(types):
            return frozenset((_TYPE, type_) for type_ in types)
        case EventTypeIn(types):
            return frozenset((_EVENT, type_) for type_ in types)
        case LevelAtMost(most):
            return frozenset((_LEVEL, level) for level in Level if level <= most)
        case _:
            return None


def _cost(marks: frozenset[Mark]) -> tuple[int, int]:
    return max((_RANK[kind] for kind, _ in marks), default=0), len(marks)


def marks_on(happening: Happening) -> Iterable[Mark]:
    """The marks of an event and its incident."""
    incident, event = happening.incident, happening.event
    yield ALWAYS
    for tag in incident.tags:
        yield _TAG, tag.tag
    yield _SOURCE, incident.source.id
    yield _TYPE, incident.source.type
    for type_ in kinds(incident, event):
        yield _EVENT, type_
    yield _LEVEL, incident.level
