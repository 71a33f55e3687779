"""
Incidents that are history already: what another system tells of one becomes a journal of ours.

Nobody can be asked any more, so an event that does not fit is kept without effect rather than refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from argus_core.domain.actors import Person
from argus_core.domain.errors import Invalid
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import NOTHING, AckChange, Acknowledgement, Changes, Event, EventType, Initial, Replaced, born
from argus_core.domain.limits import DESCRIPTION_BYTES, EARLIEST, moment_problem, text_problem
from argus_core.domain.sources import Source
from argus_core.domain.transitions import Change, check_report

_FIRST = {True: EventType.START, False: EventType.STATELESS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as it is told. `expiration` is that of an acknowledgement; None is never."""

    id: EventId
    type: EventType
    actor: Person
    timestamp: datetime
    received: datetime
    description: str = ""
    expiration: datetime | None = None


@dataclass(slots=True)
class _State:
    """What decides about the effect of the next event."""

    stateful: bool
    end_time: datetime | None
    ended: bool
    acks: list[Acknowledgement]

    def is_open(self, now: datetime) -> bool:
        return self.stateful and (self.end_time is None or self.end_time > now)


def retell(incident_id: IncidentId, source: Source, initial: Initial, told: Sequence[Told]) -> Change:
    """
    The incident with its whole journal, from what it was like at first and its events in the order in which they were heard of.

    END and CLO end it if it is open then, REO opens it if it is closed, ACK acknowledges; OTH and CHI change nothing, nor does a later LES.

    Raises:
        Invalid: under the name of a field of `initial`, or under `events/2/timestamp` for a field of the third event.
    """
    check_report(initial)
    if not told:
        raise Invalid({"": "It has no event; the first one says how it began."})
    state = _State(initial.stateful, initial.end_time, ended=False, acks=[])
    events: list[Event] = []
    received = EARLIEST
    for index, one in enumerate(told):
        _check(one, index, initial)
        received = max(received, one.received)
        effect, changes = _effect(state, one, received) if index else (True, Changes(initial=initial))
        events.append(
            Event(
                id=one.id,
                incident_id=incident_id,
                version=index + 1,
                type=one.type,
                actor=one.actor,
                timestamp=one.timestamp,
                received=received,
                description=one.description,
                effect=effect,
                changes=changes,
            )
        )
    incident = replace(
        born(events[0], source),
        version=len(events),
        end_time=state.end_time,
        acks=tuple(state.acks),
        ended=state.ended,
        received=received,
    )
    return Change(incident=incident, events=tuple(events))


def _effect(state: _State, told: Told, now: datetime) -> tuple[bool, Changes]:
    """Whether a later event has an effect, and what it changes; the state is what it is after that."""
    match told.type:
        case EventType.END:
            effect = state.is_open(now) and not state.ended
            changes = Changes(end_time=_moved(state, told.timestamp) if effect else None, ended=not state.ended)
            state.ended = True
            return effect, changes
        case EventType.CLOSE if state.is_open(now):
            return True, Changes(end_time=_moved(state, told.timestamp))
        case EventType.REOPEN if state.stateful and not state.is_open(now):
            return True, Changes(end_time=_moved(state, None))
        case EventType.ACKNOWLEDGE:
            state.acks.append(Acknowledgement(told.id, told.expiration))
            return True, Changes(ack=AckChange(told.id, None, told.expiration, made=True))
        case _:
            return told.type is EventType.OTHER, NOTHING


def _moved(state: _State, end_time: datetime | None) -> Replaced[datetime | None]:
    moved = Replaced(state.end_time, end_time)
    state.end_time = end_time
    return moved


def _check(told: Told, index: int, initial: Initial) -> None:
    problem = text_problem(told.description, DESCRIPTION_BYTES)
    if problem:
        raise _wrong(index, "description", problem)
    for field, moment in (("timestamp", told.timestamp), ("received", told.received), ("expiration", told.expiration)):
        problem = None if moment is None else moment_problem(moment)
        if problem:
            raise _wrong(index, field, problem)
    if told.type.internal:
        raise _wrong(index, "type", "Argus finds out itself when a time has come.")
    if index == 0 and told.type is not _FIRST[initial.stateful]:
        raise _wrong(index, "type", f"The first event of this incident has to be {_FIRST[initial.stateful].value}.")
    if index and told.type is EventType.START:
        raise _wrong(index, "type", "An incident starts once, with its first event.")
    if told.expiration is not None and told.expiration <= told.timestamp:
        raise _wrong(index, "expiration", "It has to be later than the timestamp of the acknowledgement.")


def _wrong(index: int, field: str, problem: str) -> Invalid:
    return Invalid({f"events/{index}/{field}": problem})
