"""
Escalation: profiles that fire only when an incident has been open for a while and nobody has acknowledged it; and what is news again.

What such a profile says is judged when that is due: the state of the incident, the timeslot, planned maintenance. Whoever it told hears
when somebody takes notice at last, and of the end; whoever it did not tell hears nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from argus_core.domain.ids import DestinationId, IncidentId, ProfileId
from argus_core.domain.incidents import ENDS, Changes, Escalation, Event, EventType, Happening
from argus_core.domain.news import is_news, lasting
from argus_core.domain.profiles import Profile
from argus_core.domain.transitions import Timer, TimerKind, is_unattended

Hearing: TypeAlias = tuple[IncidentId, DestinationId, ProfileId]
"""Where a profile told of an incident."""

Heard: TypeAlias = Mapping[Hearing, EventType]
"""What was told there last: the type of the event. What is kept back was not told."""

_AFTER_THAT = ENDS | {EventType.ACKNOWLEDGE}


def asks(profile: Profile, happening: Happening, last: EventType | None) -> bool:
    """
    Whether a profile has to do with an event at all; then its filters and its timeslot decide.

    `last` is what it told last of the incident, at the destination in question; None is nothing.
    """
    escalation = happening.event.changes.escalation
    if escalation is not None:
        return profile.escalate_after == escalation.after
    if profile.escalate_after is not None:
        return last is not None and _follows(happening, last)
    return is_news(happening)


def may_follow(profile: Profile, happening: Happening) -> bool:
    """Whether what the profile told before may matter to that."""
    return profile.escalate_after is not None and happening.event.type in _AFTER_THAT


def begins(happening: Happening) -> bool:
    """Whether the incident may be open and unacknowledged from now on, and was not before; that it was shows when something is due."""
    event = happening.event
    if not is_unattended(happening.incident, event.received):
        return False
    return event.type in (EventType.START, EventType.REOPEN, EventType.ACK_EXPIRED) or bool(event.changes.acks_ended)


def timers(happening: Happening, delays: Iterable[timedelta]) -> Iterator[Timer]:
    """When to look again after an event: once for each distinct delay that any profile has."""
    if begins(happening):
        event = happening.event
        for after in sorted(delays):
            yield Timer(event.incident_id, TimerKind.ESCALATION_DUE, int(after.total_seconds()), event.received + after)


def waits_until(profile: Profile, happening: Happening) -> datetime | None:
    """Until when a profile waits whether somebody takes notice of what has just begun; None if it does not wait for that."""
    return happening.event.received + profile.escalate_after if profile.escalate_after and begins(happening) else None


def in_words(profile: Profile, happening: Happening, *, asked: bool) -> str:
    """What escalation has to do with it that this profile is asked about an event, or not; empty is nothing."""
    escalation, after = happening.event.changes.escalation, profile.escalate_after
    if escalation is not None:
        if asked:
            return f"It tells of what nobody has acknowledged for {lasting(escalation.after)}."
        return f"It waits for {lasting(after)}." if after else "It has told at once, and escalates nothing."
    if after is not None:
        if asked:
            return "It has told of this incident before."
        if begins(happening):
            return f"It waits for {lasting(after)}, unless somebody acknowledges the incident or it ends."
        return f"It tells only of what nobody has acknowledged for {lasting(after)}, and then of acknowledgement and end."
    return "" if asked else "An acknowledgement still holds, or the incident is not open: this is no news."


def rehearsed(
    profile: Profile, happened: Sequence[Happening], now: datetime, fires: Callable[[Happening, EventType | None], bool]
) -> Iterator[Happening]:
    """
    What an escalating profile would have told of one incident, oldest first; `fires` judges an event, given what was told last.

    An escalation has the id of the event with which the wait began. Of what began before the first event nothing is known.
    """
    last: EventType | None = None
    begun: Happening | None = None
    unattended = False
    for number, happening in enumerate(happened):
        until = happened[number + 1].event.received if number + 1 < len(happened) else now
        around = happened[max(number - 1, 0) : number + 1]
        if not all(is_unattended(one.incident, happening.event.received) for one in around):
            begun, unattended = None, False
        if not unattended and begins(happening):
            begun, unattended = happening, True
        if happening.event.changes.escalation is None and fires(happening, last):
            last = happening.event.type
            yield happening
        due = _due(profile, begun, happening, until) if begun else None
        if due is not None:
            begun = None
            if fires(due, last):
                last = due.event.type
                yield due


def _due(profile: Profile, begun: Happening, present: Happening, until: datetime) -> Happening | None:
    """The escalation of what has begun then, if it falls due while the incident is as it is at present."""
    after = profile.escalate_after
    if after is None:
        return None
    moment = max(begun.event.received + after, present.event.received)
    if moment > until or not is_unattended(present.incident, moment):
        return None
    changes = Changes(escalation=Escalation(after, begun.event.version, begun.event.received))
    event: Event = replace(
        begun.event, type=EventType.ESCALATION_DUE, actor=None, timestamp=moment, received=moment, description="", changes=changes
    )
    return Happening(present.incident, event)


def _follows(happening: Happening, last: EventType) -> bool:
    """Whether who was told something last hears of this: that somebody took notice, or the end, each once."""
    incident, event = happening.incident, happening.event
    if event.type is EventType.ACKNOWLEDGE:
        return last not in _AFTER_THAT
    return event.type in ENDS and last not in ENDS and not incident.is_open(event.received)
