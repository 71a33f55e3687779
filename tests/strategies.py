"""
Values for property tests: whatever the domain may meet, what it must refuse, and incidents with real histories.

Moments are near each other where it matters, and texts come from small pools now and then: equal and neighbouring values are common.
"""

import itertools
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache

from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.actors import Actor
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import DomainError
from argus_core.domain.filters import (
    All,
    DescriptionHas,
    Either,
    EndsSince,
    EndsUntil,
    EventTypeIn,
    HasTag,
    HasTicket,
    IdIn,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LaterTextHas,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    TagsAre,
    TextHas,
)
from argus_core.domain.ids import DestinationId, EventId, FilterId, IncidentId, ProfileId, SourceId, TimeslotId, UserId
from argus_core.domain.incidents import Event, EventType, Happening, Incident, Level, Until, fold
from argus_core.domain.limits import EARLIEST, LATEST
from argus_core.domain.profiles import Belongings, Profile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.domain.transitions import Edit, IncidentReport, Timer

NOON = datetime(2030, 3, 3, 12, tzinfo=UTC)
"""When things happen unless it is said otherwise."""

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AGES = timedelta(days=10_000_000)

# Text: what PostgreSQL can store, and what it cannot.

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
unstorable_texts = st.tuples(texts, st.just("\0") | st.characters(categories=["Cs"]), texts).map("".join)
few_texts = st.sampled_from(["", "12345", "Netbox 11 <12345> down.", "Ærlig talt 🔥"])
some_texts = few_texts | texts
urls = st.sampled_from(["https://tickets.example.org/1", "http://[::1]:8000/?a=b#c", "ftp://example.org"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers(-(10**308), 10**308)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda members: st.lists(members, max_size=3) | st.dictionaries(texts, members, max_size=3),
    max_leaves=5,
)
few_json_values = st.sampled_from([{}, {"a": 1}, {"a": True}, [1.5, None]])
metadata = few_json_values | json_values

# Time: aware, in UTC, to the microsecond.


def _naive(moment):
    return moment.replace(tzinfo=None)


moments = st.datetimes(_naive(EARLIEST), _naive(LATEST), timezones=st.just(UTC))
moments_out_of_bounds = st.datetimes(max_value=_naive(EARLIEST - MICROSECOND), timezones=st.just(UTC)) | st.datetimes(
    min_value=_naive(LATEST + MICROSECOND), timezones=st.just(UTC)
)
moments_not_in_utc = st.datetimes(_naive(EARLIEST), _naive(LATEST)) | st.just(datetime.fromisoformat("2030-03-03T12:00:00+01:00"))
spans = st.sampled_from([timedelta(), MICROSECOND, SECOND, HOUR, DAY]) | st.timedeltas(timedelta(), timedelta(days=400))
signed_spans = st.tuples(st.sampled_from([1, -1]), spans).map(lambda pair: pair[0] * pair[1])
lags = st.just(timedelta()) | signed_spans
near_moments = signed_spans.map(lambda span: NOON + span)
any_moments = near_moments | moments

# Those who act, and where incidents come from.

ids = st.integers(1, 2**63 - 1)
sources = st.builds(
    Source,
    id=ids.map(SourceId),
    name=texts.filter(str.strip),
    type=st.sampled_from(["argus", "nav", "zabbix"]),
    user_id=ids.map(UserId),
    base_url=st.sampled_from(["", "https://nav.example.org/"]),
)


@dataclass(frozen=True)
class Cast:
    """Everybody who takes part: some sources with their users, and people with and without power."""

    sources: tuple[Source, ...]
    robots: tuple[Actor, ...]
    people: tuple[Actor, ...]

    @property
    def actors(self):
        return (*self.people, *self.robots)

    def robot_of(self, source):
        return next(robot for robot in self.robots if robot.source == source)


def cast_of(user_ids, source_ids, mark=""):
    """Three sources of two types, and four people; `mark` keeps their names apart from those of another cast."""
    users = iter(map(UserId, user_ids))
    kinds = (("north", "nav"), ("south", "nav"), ("north", "zabbix"))
    sources = tuple(
        Source(id=SourceId(id_), name=f"{name}{mark}", type=f"{type_}{mark}", user_id=next(users))
        for id_, (name, type_) in zip(source_ids, kinds, strict=True)
    )
    robots = tuple(Actor(id=source.user_id, username=f"{source.name}-{source.type}", source=source) for source in sources)
    people = (
        Actor(id=next(users), username=f"ola{mark}"),
        Actor(id=next(users), username=f"kari{mark}"),
        Actor(id=next(users), username=f"admin{mark}", staff=True),
        Actor(id=next(users), username=f"root{mark}", superuser=True),
    )
    return Cast(sources, robots, people)


CAST = cast_of(range(11, 18), range(1, 4))
people = st.sampled_from(CAST.people)
robots = st.sampled_from(CAST.robots)
actors = people | robots

# What is said of incidents.

levels = st.sampled_from(Level)
few_tags = st.sampled_from(["host=a", "host=b", "site=oslo", "empty="]).map(Tag.parse)
tags = few_tags | st.builds(Tag, key=st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8), value=texts.map(str.strip))
few_tag_sets = st.lists(few_tags, max_size=2).map(tuple)
tag_sets = st.lists(tags, max_size=4).map(tuple)


def _reports(words=some_texts, json=metadata, tags=tag_sets, **fields):
    return st.builds(
        IncidentReport,
        source_incident_id=words,
        level=levels,
        description=words,
        details_url=words,
        ticket_url=st.just("") | urls,
        tags=tags,
        metadata=json,
        **fields,
    )


def _ended(report, span):
    return replace(report, end_time=min(report.start_time + span, LATEST))


open_reports = _reports(start_time=any_moments)
stateless_reports = _reports(start_time=any_moments, stateful=st.just(False))
reports = open_reports | st.builds(_ended, open_reports, spans) | stateless_reports
"""Whatever may be reported."""

_few = {"words": few_texts, "json": few_json_values, "tags": few_tag_sets}
simple_stateful_reports = _reports(start_time=near_moments, **_few) | _reports(
    start_time=spans.map(lambda span: NOON - span), end_time=spans.map(lambda span: NOON + span), **_few
)
simple_stateless_reports = _reports(start_time=near_moments, stateful=st.just(False), **_few)
simple_reports = simple_stateful_reports | simple_stateless_reports
"""Reports where only times and states matter."""

edits = st.builds(
    Edit,
    details_url=st.none() | some_texts,
    ticket_url=st.none() | st.just("") | urls,
    level=st.none() | levels,
    description=st.none() | some_texts,
    metadata=st.none() | metadata,
    tags=st.none() | tag_sets,
)

# What happens to incidents. A move is a decision as the stores take one: call it with an incident, the moment and event ids.


@dataclass(frozen=True)
class Posting:
    """Somebody posts an event, `lag` away from when we hear of it."""

    type: EventType
    actor: Actor
    lag: timedelta
    why: str

    def __call__(self, incident, now, event_ids):
        return transitions.post(incident, self.type, actor=self.actor, event_id=next(event_ids), at=now + self.lag, now=now, why=self.why)


@dataclass(frozen=True)
class Acknowledging:
    """Somebody acknowledges, maybe until `span` from now, or until something happens."""

    actor: Actor
    lag: timedelta
    span: timedelta | None
    why: str
    until: Until | None = None

    def __call__(self, incident, now, event_ids):
        return transitions.acknowledge(
            incident,
            actor=self.actor,
            event_id=next(event_ids),
            at=now + self.lag,
            now=now,
            why=self.why,
            expiration=None if self.span is None else now + self.span,
            until=self.until,
        )


@dataclass(frozen=True)
class Moving:
    """Somebody lets one of the acknowledgements, if there are any, expire at another time."""

    actor: Actor
    which: int
    span: timedelta | None

    def __call__(self, incident, now, event_ids):
        ack_id = incident.acks[self.which % len(incident.acks)].id if incident.acks else EventId(2**63 - 1)
        expiration = None if self.span is None else now + self.span
        return transitions.move_expiration(incident, ack_id, expiration, actor=self.actor, event_ids=event_ids, now=now)


@dataclass(frozen=True)
class Editing:
    """Somebody edits the incident."""

    actor: Actor
    wanted: Edit

    def __call__(self, incident, now, event_ids):
        return transitions.edit(incident, self.wanted, actor=self.actor, event_ids=event_ids, now=now)


untils = st.none() | st.sampled_from(Until)


@cache
def moves(cast=CAST):
    """Every kind of move by every kind of actor; whether it is allowed is another question."""
    actors = st.sampled_from(cast.actors)
    return (
        st.builds(Posting, type=st.sampled_from(EventType), actor=actors, lag=lags, why=some_texts)
        | st.builds(Posting, type=st.just(EventType.END), actor=st.sampled_from(cast.robots), lag=lags, why=some_texts)
        | st.builds(
            Posting,
            type=st.sampled_from([EventType.CLOSE, EventType.REOPEN]),
            actor=st.sampled_from(cast.people),
            lag=lags,
            why=some_texts,
        )
        | st.builds(Acknowledging, actor=actors, lag=lags, span=st.none() | signed_spans, why=some_texts, until=untils)
        | st.builds(Moving, actor=actors, which=st.integers(0, 3), span=st.none() | spans)
        | st.builds(Editing, actor=actors, wanted=edits)
    )


@dataclass
class History:
    """An incident that has been through something: its state, its journal, and a moment not before its last event."""

    incident: Incident
    journal: list[Event]
    now: datetime

    @property
    def source(self):
        return self.incident.source

    @property
    def texts(self):
        return [event.description for event in self.journal]

    def add(self, change):
        self.incident = change.incident
        self.journal.extend(change.events)
        self.now = max(self.now, change.incident.received)


def begin(report, *, source=CAST.sources[0], poster=None, incident_id=1, event_id=1, now=NOON, cast=CAST):
    """The beginning of an incident of this source, posted by its own user unless somebody else is named."""
    robot = cast.robot_of(source)
    return transitions.start(
        report,
        source=source,
        reporter=robot.person,
        poster=poster or robot,
        incident_id=IncidentId(incident_id),
        event_id=EventId(event_id),
        now=now,
    )


def set_times(incident):
    """All timers that what is set on the incident can need, due or not."""
    if incident.end_time is not None:
        yield Timer(incident.id, transitions.TimerKind.END_REACHED, 0, incident.end_time)
    for ack in incident.acks:
        if ack.expiration is not None:
            yield Timer(incident.id, transitions.TimerKind.ACK_EXPIRED, ack.id, ack.expiration)


@st.composite
def histories(draw, beginnings=simple_reports):
    """An incident reported, then changed by whatever moves were allowed, while time passes and is noted now and then."""
    change = begin(draw(beginnings), source=draw(_some_source), poster=draw(actors))
    history = History(change.incident, list(change.events), NOON)
    event_ids = map(EventId, itertools.count(2))
    for span, move in draw(_some_moves):
        history.now += span
        if move is note_time:
            note_time(history, event_ids)
        else:
            with suppress(DomainError):
                history.add(move(history.incident, history.now, event_ids))
    return history


def note_time(history, event_ids):
    """Take care of every timer that can have been set on the incident, as the worker does with those that are due."""
    for timer in list(set_times(history.incident)):
        history.add(transitions.time_passes(history.incident, timer, journal=history.journal, event_ids=event_ids, now=history.now))


def _opened(history):
    incident = history.incident
    return incident if incident.is_open(incident.received) else _posted(incident, EventType.REOPEN)


def _closed(history):
    incident = history.incident
    return _posted(incident, EventType.CLOSE) if incident.is_open(incident.received) else incident


def _posted(incident, type_):
    now = incident.received
    return transitions.post(incident, type_, actor=CAST.people[0], event_id=EventId(10_000), at=now, now=now).incident


_some_source = st.sampled_from(CAST.sources)
_some_moves = st.lists(st.tuples(spans, moves() | st.just(note_time)), max_size=8)
incidents = histories().map(lambda history: history.incident)
stateless_incidents = histories(simple_stateless_reports).map(lambda history: history.incident)
open_incidents = histories(simple_stateful_reports).map(_opened)
closed_incidents = histories(simple_stateful_reports).map(_closed)

# Filters.


def conditions(known=(), told=()):
    """Filter expressions, with values that are likely to be true of some of the known incidents, and of events with some of these texts."""
    known, told = list(known), list(told)

    def some(value_of, strategy):
        values = [value for incident in known for value in value_of(incident)]
        return st.sampled_from(values) | strategy if values else strategy

    def sets(value_of, strategy):
        return st.frozensets(some(value_of, strategy), max_size=2)

    near = st.sampled_from([timedelta(), MICROSECOND, -MICROSECOND])
    times = st.tuples(some(_times, near_moments), near).map(lambda pair: min(max(pair[0] + pair[1], EARLIEST), LATEST))
    durations = st.tuples(some(_durations, signed_spans | st.just(AGES)), near).map(lambda pair: pair[0] + pair[1])
    leaves = (
        st.sampled_from([IsOpen(), IsClosed(), IsAcked(), IsStateful(), HasTicket()])
        | st.builds(LevelAtMost, st.sampled_from([0, 1, 2, 2.5, 5, 6]))
        | st.builds(SourceIn, sets(lambda incident: [incident.source.id], ids.map(SourceId)))
        | st.builds(SourceNamed, sets(lambda incident: [incident.source.name], texts))
        | st.builds(SourceTyped, sets(lambda incident: [incident.source.type], texts))
        | st.builds(SourceOf, some(lambda incident: [incident.source.user_id], ids.map(UserId)))
        | st.builds(KeyIs, some(lambda incident: [incident.source_incident_id], texts))
        | st.builds(HasTag, sets(lambda incident: [tag.tag for tag in incident.tags], tags.map(str)))
        | st.builds(TagsAre, some(lambda incident: [frozenset(tag.tag for tag in incident.tags)], st.frozensets(tags.map(str), max_size=3)))
        | st.builds(StartedSince, times)
        | st.builds(StartedUntil, times)
        | st.builds(EndsSince, times)
        | st.builds(EndsUntil, times)
        | st.builds(LastedAtLeast, durations)
        | st.builds(IdIn, sets(lambda incident: [incident.id], ids.map(IncidentId)))
        | st.builds(
            lambda has, text: has(text), st.sampled_from([TextHas, DescriptionHas, LaterTextHas]), pieces(told) | texts if told else texts
        )
        | st.builds(EventTypeIn, st.frozensets(st.sampled_from(EventType), max_size=2))
    )
    return _trees(leaves, fewest=0)


def _trees(leaves, fewest):
    def members(parts):
        return st.lists(parts, min_size=fewest, max_size=3).map(tuple)

    return st.recursive(
        leaves,
        lambda parts: st.builds(Not, parts) | st.builds(All, members(parts)) | st.builds(Either, members(parts)),
        max_leaves=6,
    )


@st.composite
def pieces(draw, told):
    """A stretch of one of these texts, as it is or with other capitals."""
    text = draw(st.sampled_from(told))
    start = draw(st.integers(0, len(text)))
    piece = text[start : start + draw(st.integers(0, 8))]
    return draw(st.sampled_from([str, str.swapcase, str.upper, str.lower]))(piece)


event_types = st.sampled_from([type_ for type_ in EventType if not type_.internal])
written_tags = tags.map(str)
words = texts.filter(str.strip)


def kept_conditions(source_ids=ids, types=words, tags=written_tags, told=()):
    """Conditions that the expression of a filter can hold."""

    def some(values):
        return st.frozensets(values, min_size=1, max_size=3)

    return _trees(
        st.sampled_from([IsOpen(), IsClosed(), IsAcked(), IsStateful(), HasTicket()])
        | st.builds(LevelAtMost, levels.map(int))
        | st.builds(HasTag, some(tags))
        | st.builds(SourceIn, some(source_ids.map(SourceId)))
        | st.builds(SourceTyped, some(types))
        | st.builds(EventTypeIn, some(event_types))
        | st.builds(TextHas, (pieces(told) | words).filter(str.strip) if told else words)
        | st.builds(LastedAtLeast, st.integers(1, 60 * 24 * 400).map(lambda minutes: timedelta(minutes=minutes))),
        fewest=1,
    )


def definitions(source_ids=ids, tags=written_tags, expressions=None):
    """What people ask of a filter: any of its keys or none."""
    if expressions is None:
        expressions = kept_conditions(source_ids, tags=tags)
    return st.builds(
        FilterDefinition,
        source_ids=st.none() | st.lists(source_ids.map(SourceId), max_size=3).map(tuple),
        tags=st.none() | st.lists(tags | texts, max_size=3).map(tuple),
        open=st.none() | st.booleans(),
        acked=st.none() | st.booleans(),
        stateful=st.none() | st.booleans(),
        max_level=st.none() | levels.map(int),
        event_type=st.none() | event_types,
        event_types=st.none() | st.lists(event_types, max_size=3).map(tuple),
        expression=st.none() | expressions,
    )


# Notifications.

_clocks = st.times() | st.sampled_from([time.min, time(8), time(12), time(12, 0, 1), time.max])
_zones = st.sampled_from(["UTC", "Europe/Oslo", "Asia/Kathmandu"])


@st.composite
def recurrences(draw):
    """Some days, and some hours of them."""
    recurrence = Recurrence(
        days=draw(st.frozensets(st.integers(1, 7))), start=draw(_clocks), end=draw(_clocks), ends_next_day=draw(st.booleans())
    )
    return recurrence if recurrence.ends_next_day or recurrence.start < recurrence.end else Recurrence(days=recurrence.days)


@st.composite
def happenings(draw):
    """Some event of some history, with the incident after it, and the texts of all events until then."""
    history = draw(histories())
    version = draw(st.integers(1, history.incident.version))
    return Happening(fold(history.journal[:version], history.source), history.journal[version - 1]), history.texts[:version]


@st.composite
def belongings(draw, happening, texts, owner=1):
    """What somebody owns who wants to hear of much: filters that may well match, and profiles over them."""
    incident = happening.incident
    tags = st.sampled_from([*(tag.tag for tag in incident.tags), "host=a", "no-tag"])
    asked = definitions(
        st.sampled_from([incident.source.id, 99]), tags, kept_conditions(st.just(incident.source.id), tags=tags, told=texts)
    )
    numbers = itertools.count(owner * 100)
    slots = [
        Timeslot(id=TimeslotId(next(numbers)), owner=owner, name=f"{n}", zone=draw(_zones), recurrences=tuple(some))
        for n, some in enumerate([[Recurrence(days=EVERY_DAY)], draw(st.lists(recurrences(), max_size=2))])
    ]
    kept = [SavedFilter(id=FilterId(next(numbers)), owner=owner, name=f"{n}", definition=draw(asked)) for n in range(3)]
    places = [Destination(id=DestinationId(next(numbers)), owner=owner, medium="email", settings={"n": n}) for n in range(2)]

    def some_of(things, fewest):
        return tuple(sorted(draw(st.sets(st.sampled_from([thing.id for thing in things]), min_size=fewest))))

    profiles = tuple(
        Profile(
            id=ProfileId(next(numbers)),
            owner=owner,
            name=None,
            timeslot_id=draw(st.sampled_from(slots)).id,
            filter_ids=some_of(kept, 1),
            destination_ids=some_of(places, 0),
            active=draw(st.sampled_from([True, True, True, False])),
            escalate_after=draw(st.sampled_from([None, None, timedelta(minutes=30), timedelta(hours=6)])),
        )
        for _ in range(draw(st.integers(1, 4)))
    )
    return Belongings(timeslots=tuple(slots), filters=tuple(kept), destinations=tuple(places), profiles=profiles)


def _times(incident):
    return [incident.start_time, *([incident.end_time] if incident.end_time else [])]


def _durations(incident):
    return [(incident.end_time or NOON) - incident.start_time]
