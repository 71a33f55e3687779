"""
Who hears of an event, and why or why not: pure, and the same in the worker, in explanations and in dry runs.

A profile fires when it is active, all its filters match the incident after the event and the event, and the moment of receipt lies in its
timeslot. What the incident was like, and whether it was open, is judged at that moment too; clients' clocks are never asked. One that
waits for an escalation fires for that, and then for what follows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from argus_core.domain.destinations import Destination
from argus_core.domain.digests import Gathers
from argus_core.domain.escalation import Heard, asks, in_words, waits_until
from argus_core.domain.filters import Explanation, explain, holds
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.profiles import Profile, WholeProfile
from argus_core.domain.saved_filters import SavedFilter

NOTHING_HEARD: Heard = {}
"""No profile has told anything before."""


@dataclass(frozen=True, slots=True)
class Told:
    """
    A destination that hears of an event, and the profiles that ask for it, in id order.

    When all of them want to be told by a digest, they are `gathering`.
    """

    destination: Destination
    profiles: tuple[Profile, ...]
    gathering: tuple[Gathers, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterVerdict:
    """What a filter says, clause by clause; without an explanation it is empty and matches nothing."""

    filter: SavedFilter
    explanation: Explanation | None

    @property
    def held(self) -> bool:
        """Whether it matches."""
        return self.explanation is not None and self.explanation.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    Whether a profile fires for an event, and what decides.

    It must be `asked`: one that escalates is asked only about what is due, and then about what follows. What escalation has to do with
    that is said in words in `escalation`; until `waits_until` it waits whether somebody takes notice.
    """

    profile: WholeProfile
    in_timeslot: bool
    filters: tuple[FilterVerdict, ...]
    asked: bool = True
    escalation: str = ""
    waits_until: datetime | None = None

    @property
    def fired(self) -> bool:
        """Whether it fires; it tells its destinations, if it has any."""
        heard = all(verdict.held for verdict in self.filters)
        return self.asked and self.profile.profile.active and self.in_timeslot and bool(self.filters) and heard


def fires(profile: WholeProfile, happening: Happening, texts: Sequence[str] = (), last: EventType | None = None) -> bool:
    """
    Whether the profile fires.

    `texts` are the descriptions of all events up to this one; they matter only if a filter reads texts. `last` is what it told last of the
    incident at the destination in question.
    """
    return asks(profile.profile, happening, last) and matches(profile, happening, texts)


def matches(profile: WholeProfile, happening: Happening, texts: Sequence[str] = ()) -> bool:
    """Whether the profile fires, if it is asked."""
    condition = profile.condition
    incident, event = happening.incident, happening.event
    return (
        profile.profile.active
        and condition is not None
        and holds(condition, incident, event.received, event, texts)
        and profile.timeslot.covers(event.received)
    )


def who_hears(
    profiles: Iterable[WholeProfile], happening: Happening, texts: Sequence[str] = (), heard: Heard = NOTHING_HEARD
) -> tuple[Told, ...]:
    """The destinations that hear of it, each once, in id order."""
    return gathered((profile for profile in profiles if matches(profile, happening, texts)), happening, heard)


def gathered(matching: Iterable[WholeProfile], happening: Happening, heard: Heard = NOTHING_HEARD) -> tuple[Told, ...]:
    """The destinations of profiles that match and are asked, each once with all of its profiles."""
    told: dict[int, tuple[Destination, list[WholeProfile]]] = {}
    for whole in sorted(matching, key=lambda whole: whole.profile.id):
        profile = whole.profile
        for destination in whole.destinations:
            if asks(profile, happening, heard.get((happening.incident.id, destination.id, profile.id))):
                told.setdefault(destination.id, (destination, []))[1].append(whole)
    return tuple(
        Told(destination, tuple([whole.profile for whole in wholes]), _gathering(wholes))
        for _, (destination, wholes) in sorted(told.items())
    )


def _gathering(wholes: Sequence[WholeProfile]) -> tuple[Gathers, ...]:
    gathering = []
    for whole in wholes:
        if whole.profile.digest is None:
            return ()
        gathering.append(Gathers(whole.profile.id, whole.profile.name, whole.profile.digest, whole.timeslot.zone))
    return tuple(gathering)


def judge(profile: WholeProfile, happening: Happening, texts: Sequence[str] = (), last: EventType | None = None) -> Verdict:
    """Whether the profile fires and why; it says so exactly when `fires` does."""
    incident, event = happening.incident, happening.event
    verdicts = []
    for filter_ in profile.filters:
        condition = filter_.definition.condition
        explanation = None if condition is None else explain(condition, incident, event.received, event, texts)
        verdicts.append(FilterVerdict(filter_, explanation))
    asked = asks(profile.profile, happening, last)
    return Verdict(
        profile=profile,
        in_timeslot=profile.timeslot.covers(event.received),
        filters=tuple(verdicts),
        asked=asked,
        escalation=in_words(profile.profile, happening, asked=asked),
        waits_until=waits_until(profile.profile, happening),
    )
