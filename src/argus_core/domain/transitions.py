"""
How incidents change: pure functions from an incident and a request to a `Change`, or to a refusal.

Throughout, `at` is when something is said to have happened and `now` when we hear of it; only `now` decides what is allowed.
Ids come from outside. The rules are those of the API document (events, acks, PATCH); every front end obeys them here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from argus_core.domain.actors import Actor, Person
from argus_core.domain.errors import (
    AckHasExpired,
    AlreadyClosed,
    AlreadyOpen,
    EventNotAllowed,
    ForeignTags,
    Invalid,
    NeverEnds,
    NotFound,
    OnlyEndUsersAcknowledge,
)
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import (
    NOTHING,
    AckChange,
    Acknowledgement,
    Changes,
    Escalation,
    Event,
    EventType,
    Incident,
    Initial,
    Level,
    Replaced,
    Until,
    born,
)
from argus_core.domain.limits import (
    DESCRIPTION_BYTES,
    KEY_BYTES,
    TAGS,
    URL_BYTES,
    Json,
    metadata_problem,
    moment_problem,
    require,
    same_json,
    text_problem,
    url_problem,
)
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag, TagOn

EventIds: TypeAlias = Iterator[EventId]
"""New event ids, as many as are asked for, none given twice."""

MOST_EVENTS_PER_CHANGE = 6
"""An edit makes one event for each field it changes."""

_POSTED_BY_SOURCES = frozenset({EventType.END, EventType.OTHER, EventType.CHANGE, EventType.STATELESS})
_SHOWN_CHARACTERS = 8_000
"""Two values of so many letters fit into a description, whatever letters they are."""


class TimerKind(Enum):
    """What the passing of time can do to an incident."""

    END_REACHED = "end-reached"
    ACK_EXPIRED = "ack-expired"
    ESCALATION_DUE = "escalation-due"


@dataclass(frozen=True, slots=True)
class Timer:
    """
    At `due`, look whether the end (subject 0) or an acknowledgement's expiration (subject: its id) has really been reached.

    Or whether the incident has been open and unacknowledged for long; then the subject is for how many seconds.
    """

    incident_id: IncidentId
    kind: TimerKind
    subject_id: int
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """What somebody reports of a new incident. A stateful one without `end_time` is open."""

    start_time: datetime
    end_time: datetime | None = None
    stateful: bool = True
    source_incident_id: str = ""
    level: Level = Level.INFORMATION
    description: str = ""
    details_url: str = ""
    ticket_url: str = ""
    tags: tuple[Tag, ...] = ()
    metadata: Json = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """New values for an incident's fields; None leaves a field alone. `tags` replaces the whole set."""

    details_url: str | None = None
    ticket_url: str | None = None
    level: Level | None = None
    description: str | None = None
    metadata: Json = field(default=None, hash=False)
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An incident as it shall be, and the events that make it so. Without events nothing changes."""

    incident: Incident
    events: tuple[Event, ...]

    @property
    def is_new(self) -> bool:
        """Whether the incident begins with this change."""
        return bool(self.events) and self.events[0].version == 1

    @property
    def expected_version(self) -> int:
        """The version the incident must still have for the change to be stored; 0 when it is new."""
        return self.incident.version - len(self.events)

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The moments at which the passing of time will change the incident again."""
        return tuple(timer for event in self.events for timer in _timers(event))


def start(
    report: IncidentReport, *, source: Source, reporter: Person, poster: Actor, incident_id: IncidentId, event_id: EventId, now: datetime
) -> Change:
    """
    Begin an incident with an event of the source's own user (`reporter`) at its start; its tags are added by whoever posts it.

    Raises:
        Invalid: a field is too long, out of bounds or malformed, or it ends before it starts.
    """
    check_report(report)
    tags = tuple(TagOn(text, poster.id, now) for text in dict.fromkeys(map(str, report.tags)))
    initial = Initial(
        source_id=source.id,
        source_incident_id=report.source_incident_id,
        start_time=report.start_time,
        end_time=report.end_time if report.stateful else None,
        stateful=report.stateful,
        level=report.level,
        description=report.description,
        details_url=report.details_url,
        ticket_url=report.ticket_url,
        metadata=report.metadata,
        tags=tags,
    )
    event = Event(
        id=event_id,
        incident_id=incident_id,
        version=1,
        type=EventType.START if report.stateful else EventType.STATELESS,
        actor=reporter,
        timestamp=report.start_time,
        received=now,
        description=report.description,
        changes=Changes(initial=initial),
    )
    return Change(incident=born(event, source), events=(event,))


def post(incident: Incident, type_: EventType, *, actor: Actor, event_id: EventId, at: datetime, now: datetime, why: str = "") -> Change:
    """
    Do what an event posted by this actor does (API document, `events/`).

    Raises:
        EventNotAllowed: this kind of actor may not post this type.
        NeverEnds, AlreadyClosed, AlreadyOpen: it does not fit the state; only end users are told.
        Invalid: under `timestamp`, `description`.
    """
    if type_ is EventType.START:
        raise EventNotAllowed("An incident starts once: events of type 'STA' cannot be posted.")
    if actor.is_source:
        if type_ not in _POSTED_BY_SOURCES:
            raise EventNotAllowed(f"A source system cannot post events of type '{type_.value}'.")
        if type_ is EventType.END:
            return end(incident, actor=actor, event_id=event_id, at=at, now=now, why=why)
        effect = type_ is EventType.OTHER
        return _change(incident, type_, actor=actor.person, event_id=event_id, at=at, now=now, why=why, effect=effect)
    match type_:
        case EventType.CLOSE:
            return close(incident, actor=actor, event_id=event_id, at=at, now=now, why=why)
        case EventType.REOPEN:
            return reopen(incident, actor=actor, event_id=event_id, at=at, now=now, why=why)
        case EventType.OTHER:
            return _change(incident, type_, actor=actor.person, event_id=event_id, at=at, now=now, why=why)
        case EventType.ACKNOWLEDGE:
            raise EventNotAllowed("Acknowledge an incident by posting to its acks/, not to its events/.")
        case _:
            raise EventNotAllowed(f"An end user cannot post events of type '{type_.value}'.")


def end(incident: Incident, *, actor: Actor, event_id: EventId, at: datetime, now: datetime, why: str = "") -> Change:
    """
    Record that the source reports the end.

    It takes effect once, on an open incident; otherwise it is kept without effect, because glue services rely on being heard.
    """
    effect = incident.is_open(now) and not incident.ended
    changes = Changes(end_time=Replaced(incident.end_time, at), ended=True) if effect else Changes(ended=not incident.ended)
    return _change(incident, EventType.END, actor=actor.person, event_id=event_id, at=at, now=now, why=why, changes=changes, effect=effect)


def close(incident: Incident, *, actor: Actor, event_id: EventId, at: datetime, now: datetime, why: str = "") -> Change:
    """
    Close an open incident on a person's behalf.

    Raises:
        NeverEnds: the incident is stateless.
        AlreadyClosed: somebody was faster.
    """
    if not incident.stateful:
        raise NeverEnds
    if not incident.is_open(now):
        raise AlreadyClosed
    changes = Changes(end_time=Replaced(incident.end_time, at))
    return _change(incident, EventType.CLOSE, actor=actor.person, event_id=event_id, at=at, now=now, why=why, changes=changes)


def reopen(incident: Incident, *, actor: Actor, event_id: EventId, at: datetime, now: datetime, why: str = "") -> Change:
    """
    Open a closed incident again on a person's behalf; its acknowledgements stay.

    Raises:
        NeverEnds: the incident is stateless.
        AlreadyOpen: it is not closed.
    """
    if not incident.stateful:
        raise NeverEnds
    if incident.is_open(now):
        raise AlreadyOpen
    changes = Changes(end_time=Replaced(incident.end_time, None))
    return _change(incident, EventType.REOPEN, actor=actor.person, event_id=event_id, at=at, now=now, why=why, changes=changes)


def acknowledge(
    incident: Incident,
    *,
    actor: Actor,
    event_id: EventId,
    at: datetime,
    now: datetime,
    why: str = "",
    expiration: datetime | None = None,
    until: Until | None = None,
) -> Change:
    """
    Take notice of an incident, for good, until `expiration`, or `until` something happens, whatever comes first.

    Closed and stateless ones may be acknowledged too; one that is closed is resolved when it is next closed, or reopened.

    Raises:
        OnlyEndUsersAcknowledge: a source asks.
        Invalid: it would expire before it is made.
    """
    if actor.is_source:
        raise OnlyEndUsersAcknowledge
    if expiration is not None:
        require({"timestamp": moment_problem(at), "expiration": moment_problem(expiration)})
        if expiration <= at:
            raise Invalid({"": "'expiration' is earlier than creation timestamp."})
    level = incident.level if until is Until.LEVEL_RISES else None
    changes = Changes(ack=AckChange(event_id, None, expiration, made=True, until=until, level=level))
    return _change(incident, EventType.ACKNOWLEDGE, actor=actor.person, event_id=event_id, at=at, now=now, why=why, changes=changes)


def move_expiration(
    incident: Incident, ack_id: EventId, expiration: datetime | None, *, actor: Actor, event_ids: EventIds, now: datetime
) -> Change:
    """
    Give an acknowledgement another expiration, or none.

    Raises:
        OnlyEndUsersAcknowledge: a source asks.
        NotFound: this incident has no such acknowledgement.
        AckHasExpired: it has run out.
        Invalid: the new expiration is not in the future.
    """
    if actor.is_source:
        raise OnlyEndUsersAcknowledge
    ack = incident.ack(ack_id)
    if ack is None:
        raise NotFound("No Acknowledgement matches the given query.")
    if not ack.holds(now):
        raise AckHasExpired
    if expiration is not None:
        require({"expiration": moment_problem(expiration)})
        if expiration <= now:
            raise Invalid({"expiration": f"'expiration' must be later than current moment ({now}) or null."})
    if expiration == ack.expiration:
        return Change(incident=incident, events=())
    changes = Changes(ack=AckChange(ack_id, ack.expiration, expiration, made=False, until=ack.until, level=ack.level))
    why = _told("ack expiration", ack.expiration, expiration)
    event_id = next(event_ids)
    return _change(incident, EventType.CHANGE, actor=actor.person, event_id=event_id, at=now, now=now, why=why, changes=changes)


def edit(incident: Incident, wanted: Edit, *, actor: Actor, event_ids: EventIds, now: datetime) -> Change:
    """
    Replace some fields of an incident, with one event for each that really changes.

    Anybody may add tags; one that somebody else added can only be removed by a superuser. An empty `ticket_url` removes the ticket.

    Raises:
        ForeignTags: it would remove tags of others.
        Invalid: a field is too long or malformed.
    """
    _check_edit(wanted)
    change = Change(incident=incident, events=())
    for name, changes in _edits(incident, wanted, actor, now):
        event = _event(
            change.incident,
            EventType.CHANGE,
            actor=actor.person,
            event_id=next(event_ids),
            at=now,
            now=now,
            why=_description_of(name, changes, change.incident),
            changes=changes,
        )
        change = Change(incident=change.incident.after(event), events=(*change.events, event))
    return change


def time_passes(incident: Incident, timer: Timer, *, journal: Sequence[Event], event_ids: EventIds, now: datetime) -> Change:
    """
    Note that a time has come; without events when the timer is early, its time has moved meanwhile, or the journal has noted it already.

    The journal must be that of the incident as it is here, so that no timer is noted twice however often it is taken care of.
    """
    if timer.kind is TimerKind.ESCALATION_DUE:
        return _escalate(incident, timer, journal, event_ids, now)
    if timer.due > now or timer.due != _time_of(incident, timer) or any(_notes(event, timer) for event in journal):
        return Change(incident=incident, events=())
    type_ = EventType(timer.kind.value)
    ack = None if timer.kind is TimerKind.END_REACHED else AckChange(EventId(timer.subject_id), timer.due, timer.due, made=False)
    return _change(incident, type_, actor=None, event_id=next(event_ids), at=timer.due, now=now, changes=Changes(ack=ack))


def _escalate(incident: Incident, timer: Timer, journal: Sequence[Event], event_ids: EventIds, now: datetime) -> Change:
    after, unattended = timedelta(seconds=timer.subject_id), unattended_since(journal, incident.source, now)
    if unattended is None or max(timer.due, unattended.received + after) > now:
        return Change(incident=incident, events=())
    escalation = Escalation(after, unattended.version, unattended.received)
    if any(event.changes.escalation == escalation for event in journal):
        return Change(incident=incident, events=())
    due = unattended.received + after
    changes = Changes(escalation=escalation)
    return _change(incident, EventType.ESCALATION_DUE, actor=None, event_id=next(event_ids), at=due, now=now, changes=changes)


def unattended_since(journal: Iterable[Event], source: Source, now: datetime) -> Event | None:
    """The event since which the incident has been open and unacknowledged without a break, by moments of receipt; None if it is not now."""
    incident: Incident | None = None
    since: Event | None = None
    for event in journal:
        if incident is None or not is_unattended(incident, event.received):
            since = None
        incident = born(event, source) if incident is None else incident.after(event)
        if not is_unattended(incident, event.received):
            since = None
        elif since is None:
            since = event
    return since if incident is not None and is_unattended(incident, now) else None


def is_unattended(incident: Incident, now: datetime) -> bool:
    """Whether it is open, and nobody has taken notice."""
    return incident.is_open(now) and not incident.is_acked(now)


def _time_of(incident: Incident, timer: Timer) -> datetime | None:
    if timer.kind is TimerKind.END_REACHED:
        return incident.end_time
    ack = incident.ack(EventId(timer.subject_id))
    return None if ack is None else ack.expiration


def _notes(event: Event, timer: Timer) -> bool:
    if timer.kind is TimerKind.ACK_EXPIRED and any((ack.id, ack.new) == (timer.subject_id, timer.due) for ack in event.changes.acks_ended):
        return True
    ack = event.changes.ack
    return event.type.value == timer.kind.value and event.timestamp == timer.due and (ack is None or ack.id == timer.subject_id)


def _change(
    incident: Incident,
    type_: EventType,
    *,
    actor: Person | None,
    event_id: EventId,
    at: datetime,
    now: datetime,
    why: str = "",
    changes: Changes = NOTHING,
    effect: bool = True,
) -> Change:
    require({"timestamp": moment_problem(at), "description": text_problem(why, DESCRIPTION_BYTES)})
    event = _event(incident, type_, actor=actor, event_id=event_id, at=at, now=now, why=why, changes=changes, effect=effect)
    return Change(incident=incident.after(event), events=(event,))


def _event(
    incident: Incident,
    type_: EventType,
    *,
    actor: Person | None,
    event_id: EventId,
    at: datetime,
    now: datetime,
    why: str,
    changes: Changes,
    effect: bool = True,
) -> Event:
    # Clocks of several processes differ: what is known later never looks as if it had been known earlier.
    received = max(now, incident.received)
    return Event(
        id=event_id,
        incident_id=incident.id,
        version=incident.version + 1,
        type=type_,
        actor=actor,
        timestamp=at,
        received=received,
        description=why,
        effect=effect,
        changes=_with_acks_ended(incident, type_, changes, received),
    )


def _with_acks_ended(incident: Incident, type_: EventType, changes: Changes, now: datetime) -> Changes:
    """The same, and what ends of the acknowledgements that were made until this happens."""
    ended = tuple(
        AckChange(ack.id, ack.expiration, now, made=False)
        for ack in incident.acks
        if ack.until is not None and ack.holds(now) and _ends(ack, incident, type_, changes, now)
    )
    return replace(changes, acks_ended=ended) if ended else changes


def _ends(ack: Acknowledgement, incident: Incident, type_: EventType, changes: Changes, now: datetime) -> bool:
    if ack.until is Until.LEVEL_RISES:
        return changes.level is not None and ack.level is not None and changes.level.new < ack.level
    if changes.end_time is None:
        return type_ is EventType.END_REACHED and not incident.is_open(now)
    # Whoever reopens it knows that it was resolved, even if nobody has noted yet that the end was reached.
    return changes.end_time.new is None or changes.end_time.new <= now


def _timers(event: Event) -> Iterable[Timer]:
    changes = event.changes
    ends = changes.initial.end_time if changes.initial else changes.end_time.new if changes.end_time else None
    if ends is not None and ends > event.received:
        yield Timer(event.incident_id, TimerKind.END_REACHED, 0, ends)
    if changes.ack is not None and changes.ack.new is not None and changes.ack.new > event.received:
        yield Timer(event.incident_id, TimerKind.ACK_EXPIRED, changes.ack.id, changes.ack.new)


def check_report(report: IncidentReport | Initial) -> None:
    """
    Check the fields of a report before asking whose it is.

    Raises:
        Invalid: a field is too long, out of bounds or malformed, or it ends before it starts.
    """
    require(
        {
            "start_time": moment_problem(report.start_time),
            "end_time": moment_problem(report.end_time) if report.end_time is not None else None,
            "source_incident_id": text_problem(report.source_incident_id, KEY_BYTES),
            "description": text_problem(report.description, DESCRIPTION_BYTES),
            "details_url": text_problem(report.details_url, URL_BYTES),
            "ticket_url": url_problem(report.ticket_url) if report.ticket_url else None,
            "metadata": metadata_problem(report.metadata),
            "tags": _too_many(report.tags),
        }
    )
    if report.end_time is not None and report.end_time < report.start_time:
        raise Invalid({"": "'end_time' must not be before 'start_time'."})


def _check_edit(wanted: Edit) -> None:
    require(
        {
            "description": text_problem(wanted.description or "", DESCRIPTION_BYTES),
            "details_url": text_problem(wanted.details_url or "", URL_BYTES),
            "ticket_url": url_problem(wanted.ticket_url) if wanted.ticket_url else None,
            "metadata": metadata_problem(wanted.metadata),
            "tags": _too_many(wanted.tags or ()),
        }
    )


def _too_many(tags: Sequence[Tag | TagOn]) -> str | None:
    return f"Ensure this field has no more than {TAGS} elements." if len(tags) > TAGS else None


def _edits(incident: Incident, wanted: Edit, actor: Actor, now: datetime) -> Iterable[tuple[str, Changes]]:
    if wanted.details_url not in (None, incident.details_url):
        yield "details_url", Changes(details_url=Replaced(incident.details_url, wanted.details_url))
    if wanted.ticket_url not in (None, incident.ticket_url):
        yield "ticket_url", Changes(ticket_url=Replaced(incident.ticket_url, wanted.ticket_url))
    if wanted.level not in (None, incident.level):
        yield "level", Changes(level=Replaced(incident.level, wanted.level))
    if wanted.description not in (None, incident.description):
        yield "description", Changes(description=Replaced(incident.description, wanted.description))
    if wanted.metadata is not None and not same_json(wanted.metadata, incident.metadata):
        yield "metadata", Changes(metadata=Replaced(incident.metadata, wanted.metadata))
    if wanted.tags is not None:
        texts = dict.fromkeys(map(str, wanted.tags))
        present = {tag.tag for tag in incident.tags}
        removed = tuple(tag for tag in incident.tags if tag.tag not in texts)
        foreign = tuple(tag.tag for tag in removed if tag.added_by != actor.id)
        if foreign and not actor.superuser:
            raise ForeignTags(foreign)
        added = tuple(TagOn(text, actor.id, now) for text in texts if text not in present)
        if added or removed:
            yield "tags", Changes(tags_added=added, tags_removed=removed)


def _description_of(name: str, changes: Changes, incident: Incident) -> str:
    if name == "tags":
        old = {tag.tag for tag in incident.tags}
        new = old - {tag.tag for tag in changes.tags_removed} | {tag.tag for tag in changes.tags_added}
        return _told(name, ", ".join(sorted(old)), ", ".join(sorted(new)))
    replaced = getattr(changes, name)
    if name == "metadata":
        return _told(name, json.dumps(replaced.old, ensure_ascii=False), json.dumps(replaced.new, ensure_ascii=False))
    return _told(name, replaced.old, replaced.new)


def _told(name: str, old: object, new: object) -> str:
    """The sentence that clients look for in the event of an edit. Very long values are cut here; `changes` has them whole."""
    return f'Change: "{name}": {str(old)[:_SHOWN_CHARACTERS]} → {str(new)[:_SHOWN_CHARACTERS]}'
