"""
Everything that people, sources and time can do to incidents, in any order, done to a store and to the domain alone.

The domain's side is a journal for each incident and the state it leads to. The store has to agree with it after each step.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from argus_core.domain.accounts import User
from argus_core.domain.errors import DomainError, NotFound
from argus_core.domain.filters import All, SourceIn, holds
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import EventType, fold
from argus_core.domain.transitions import MOST_EVENTS_PER_CHANGE, Change
from argus_core.ports.accounts import Accounts
from argus_core.ports.incidents import AckRow, Appended, Incidents, Position, event_row, incident_row
from argus_core.usecases.incidents import IncidentService
from strategies import (
    NOON,
    SECOND,
    Acknowledging,
    Editing,
    History,
    Moving,
    Posting,
    begin,
    cast_of,
    conditions,
    edits,
    lags,
    moves,
    reports,
    set_times,
    signed_spans,
    simple_stateful_reports,
    some_texts,
    spans,
    untils,
)

NOWHERE = IncidentId(2**63 - 1)
MANY = 10_000
POSTED_BY_SOURCES = [EventType.END, EventType.END, EventType.OTHER, EventType.CHANGE, EventType.STATELESS]
POSTED_BY_PEOPLE = [EventType.CLOSE, EventType.REOPEN, EventType.OTHER]

_marks = itertools.count(1)


@dataclass(frozen=True)
class Stores:
    """The stores to be tested, how to wait for them, and a way to look at the versions of an incident that their outbox holds."""

    incidents: Incidents
    accounts: Accounts
    run: Callable[[Any], Any]
    outbox: Callable[[IncidentId], Any]


class Forgetful:
    """A store whose worker is always killed before it can say which timers it has taken care of."""

    def __init__(self, incidents):
        self._incidents = incidents

    def __getattr__(self, name):
        return getattr(self._incidents, name)

    async def forget(self, timers):
        pass


@dataclass
class Life(History):
    """An incident as the domain alone knows it, with the timers that the store should hold for it."""

    timers: dict = field(default_factory=dict)

    def add(self, change):
        super().add(change)
        self.timers.update({(timer.kind, timer.subject_id): timer for timer in change.timers})

    def due(self, now):
        return {timer for timer in self.timers.values() if timer.due <= now}

    def is_to_note(self, timer):
        """Whether the time of this timer is still set, and not in the journal yet."""
        noted = {(event.type.value, event.timestamp, event.changes.ack.id if event.changes.ack else 0) for event in self.journal}
        return timer in set(set_times(self.incident)) and (timer.kind.value, timer.due, timer.subject_id) not in noted


class Lives(RuleBasedStateMachine):
    """A subclass says which stores to open, empty or with what other examples have left."""

    incident_ids = Bundle("incident_ids")
    decisions = Bundle("decisions")

    def open_stores(self) -> Stores:
        raise NotImplementedError

    def __init__(self):
        super().__init__()
        self.stores = self.open_stores()
        self.run, self.incidents = self.stores.run, self.stores.incidents
        self.cast = self.run(self.make_cast())
        self.now = NOON
        self.lives = {}
        self.touched = set()

    async def make_cast(self):
        async with self.stores.accounts.begin() as work:
            user_ids = [await work.new_user_id() for _ in range(7)]
            cast = cast_of(user_ids, [await work.new_source_id() for _ in range(3)], f"-{next(_marks)}")
            for actor in cast.actors:
                await work.add_user(User(id=actor.id, username=actor.username, staff=actor.staff, superuser=actor.superuser))
            for type_ in sorted({source.type for source in cast.sources}):
                await work.add_source_type(type_)
            for source in cast.sources:
                await work.add_source(source)
        return cast

    # What happens

    @initialize(target=incident_ids, first=st.lists(simple_stateful_reports, min_size=1, max_size=5))
    def there_are_incidents(self, first):
        return multiple(*(self.report(replace(report, source_incident_id=""), 0, 0) for report in first))

    @rule(target=incident_ids, report=reports, source=st.integers(0, 2), poster=st.integers(0, 6))
    def a_source_reports(self, report, source, poster):
        return self.report(report, source, poster)

    def report(self, report, source, poster):
        incident_id = self.run(self.incidents.incident_ids(1))[0]
        source, poster = self.cast.sources[source], self.cast.actors[poster]
        event_id = next(self.event_ids())

        stored = self.append(
            begin(report, source=source, poster=poster, incident_id=incident_id, event_id=event_id, now=self.now, cast=self.cast)
        )

        return incident_id if stored else multiple()

    @rule(incident_id=incident_ids, type_=st.sampled_from(POSTED_BY_SOURCES), who=st.integers(0, 2), lag=lags, why=some_texts)
    def a_source_posts(self, incident_id, type_, who, lag, why):
        self.do(incident_id, Posting(type_, self.cast.robots[who], lag, why))

    @rule(incident_id=incident_ids, type_=st.sampled_from(POSTED_BY_PEOPLE), who=st.integers(0, 3), lag=lags, why=some_texts)
    def a_person_posts(self, incident_id, type_, who, lag, why):
        self.do(incident_id, Posting(type_, self.cast.people[who], lag, why))

    @rule(incident_id=incident_ids, who=st.integers(0, 3), lag=lags, span=st.none() | signed_spans, why=some_texts, until=untils)
    def a_person_acknowledges(self, incident_id, who, *, lag, span, why, until):
        self.do(incident_id, Acknowledging(self.cast.people[who], lag, span, why, until))

    @rule(incident_id=incident_ids, who=st.integers(0, 3), which=st.integers(0, 3), span=st.none() | spans)
    def a_person_moves_an_expiration(self, incident_id, who, which, span):
        self.do(incident_id, Moving(self.cast.people[who], which, span))

    @rule(incident_id=incident_ids, who=st.integers(0, 6), wanted=edits)
    def somebody_edits(self, incident_id, who, wanted):
        self.do(incident_id, Editing(self.cast.actors[who], wanted))

    @rule(incident_id=incident_ids, data=st.data())
    def anybody_tries_anything(self, incident_id, data):
        self.do(incident_id, data.draw(moves(self.cast)))

    @rule(incident_id=incident_ids, data=st.data())
    def two_decide_at_the_same_time(self, incident_id, data):
        decided = [self.decide(incident_id, data.draw(moves(self.cast))) for _ in range(2)]
        for change in decided:
            if isinstance(change, Change):
                self.append(change)

    @rule(target=decisions, incident_id=incident_ids, data=st.data())
    def decide_and_hesitate(self, incident_id, data):
        decided = self.decide(incident_id, data.draw(moves(self.cast)))
        return decided if isinstance(decided, Change) else multiple()

    @rule(decision=decisions)
    def append_what_may_be_stale(self, decision):
        self.append(decision)

    @rule(incident_id=incident_ids)
    def append_again_what_is_stored(self, incident_id):
        life = self.lives[incident_id]

        outcome = self.run(self.incidents.append(Change(incident=life.incident, events=(life.journal[-1],))))

        assert outcome is Appended.CONFLICT or (outcome is Appended.DUPLICATE_KEY and len(life.journal) == 1)
        self.touched.add(incident_id)

    @rule(incident_ids=st.lists(incident_ids | incident_ids | st.just(NOWHERE), max_size=5), data=st.data())
    def bulk(self, incident_ids, data):
        move = data.draw(moves(self.cast))

        answers = self.run(self.incidents.append_each(incident_ids, move, lambda: self.now))

        assert len(incident_ids) == len(answers)
        by_id = dict(zip(incident_ids, answers, strict=True))
        assert [by_id[incident_id] for incident_id in incident_ids] == list(answers)
        for incident_id, answer in by_id.items():
            self.take_over(incident_id, answer, move)

    @rule(span=spans)
    def time_goes_by(self, span):
        self.now += span

    @rule()
    def a_clock_is_a_little_behind(self):
        self.now -= SECOND

    @rule(span=spans, forgetful=st.booleans())
    def the_worker_notes_the_time(self, span, forgetful):
        self.now += span
        lives = {incident_id: life for incident_id, life in self.lives.items() if life.due(self.now)}
        found = [timer for timer in self.run(self.incidents.due_timers(self.now, MANY)) if timer.incident_id in self.lives]
        assert set().union(*(life.due(self.now) for life in lives.values())) == set(found)
        assert sorted(timer.due for timer in found) == [timer.due for timer in found]
        incidents = Forgetful(self.incidents) if forgetful else self.incidents

        self.run(IncidentService(incidents, self.stores.accounts, lambda: self.now).pass_time(MANY))

        for incident_id, life in lives.items():
            due = life.due(self.now)
            expected = sorted((timer.kind.value, timer.due) for timer in due if life.is_to_note(timer))
            noted = self.run(self.incidents.journal(incident_id))[len(life.journal) :]
            assert expected == sorted((event.type.value, event.timestamp) for event in noted)
            for event in noted:
                life.add(Change(incident=life.incident.after(event), events=(event,)))
            if not forgetful:
                life.timers = {key: timer for key, timer in life.timers.items() if timer not in due}
            self.touched.add(incident_id)

    @rule(size=st.integers(1, 4), data=st.data())
    def look_at_a_list(self, size, data):
        known = [life.incident for life in self.lives.values()]
        mine = SourceIn(frozenset(source.id for source in self.cast.sources))
        told = [text for life in self.lives.values() for text in life.texts]
        condition = All((data.draw(conditions(known[:5], told[:5])), mine))
        matching = [life.incident for life in self.lives.values() if holds(condition, life.incident, self.now, texts=life.texts)]
        places = sorted(((incident.start_time, incident.id) for incident in matching), reverse=True)
        somewhere = data.draw(st.sampled_from([(incident.start_time, incident.id) for incident in known]))
        for position in (None, Position(*somewhere), Position(*somewhere, backwards=True)):
            page = self.run(self.incidents.page(condition, self.now, size, position))

            shown = self.expected_page(places, size, position)
            assert [plain(incident_row(self.lives[id_].incident)) for _, id_ in shown] == [plain(row) for row in page.rows]
            assert (Position(*shown[-1]) if shown and shown[-1] != places[-1] else None) == page.next
            assert (Position(*shown[0], backwards=True) if shown and shown[0] != places[0] else None) == page.previous

    # What stays true

    @invariant()
    def store_and_domain_agree(self):
        for incident_id in self.touched:
            self.compare(incident_id)
        self.touched.clear()

    def compare(self, incident_id):
        life = self.lives[incident_id]
        journal = list(self.run(self.incidents.journal(incident_id)))
        assert life.journal == journal
        assert list(range(1, len(journal) + 1)) == [event.version for event in journal]
        assert life.incident == fold(journal, life.source)
        assert life.incident == self.run(self.incidents.get(incident_id))
        assert plain(incident_row(life.incident)) == plain(self.run(self.incidents.row(incident_id)))
        assert list(range(1, len(journal) + 1)) == self.run(self.stores.outbox(incident_id))

        listed = newest_first(event for event in journal if not event.type.internal)
        assert listed == list(self.run(self.incidents.events(incident_id)))
        acks = [AckRow(row, life.incident.ack(row.id).expiration) for row in listed if row.type is EventType.ACKNOWLEDGE]
        assert acks == list(self.run(self.incidents.acks(incident_id)))
        self.compare_one(incident_id, journal[-1], acks)

    def compare_one(self, incident_id, event, acks):
        ack = next((row for row in acks if row.event.id == event.id), None)
        one_event, one_ack = (self.one(read, incident_id, event.id) for read in (self.incidents.event, self.incidents.ack))
        assert (None if event.type.internal else event_row(event)) == one_event
        assert ack == one_ack
        assert self.one(self.incidents.event, NOWHERE, event.id) is None

    # How it is done

    def do(self, incident_id, move):
        decided = self.decide(incident_id, move)
        if isinstance(decided, Change):
            assert self.append(decided)

    def event_ids(self):
        return iter(list(itertools.islice(self.run(self.incidents.event_ids(MOST_EVENTS_PER_CHANGE)), MOST_EVENTS_PER_CHANGE)))

    def decide(self, incident_id, move, event_ids=None):
        """What the domain alone decides: a change, or a refusal."""
        try:
            return move(self.lives[incident_id].incident, self.now, event_ids or self.event_ids())
        except DomainError as refusal:
            return refusal

    def append(self, change):
        """Try to store a change, and say whether it could be stored."""
        incident = change.incident
        expected = self.expected_outcome(change)

        assert expected is self.run(self.incidents.append(change))

        if expected is Appended.DUPLICATE_KEY:
            assert self.one(self.incidents.get, incident.id) is None
            return False
        if expected is Appended.STORED and change.events:
            self.lives.setdefault(incident.id, Life(incident, [], self.now)).add(change)
        self.touched.add(incident.id)
        return expected is Appended.STORED

    def expected_outcome(self, change):
        incident = change.incident
        keys = {(life.source, life.incident.source_incident_id) for life in self.lives.values()}
        if change.is_new:
            key = (incident.source, incident.source_incident_id)
            return Appended.DUPLICATE_KEY if key[1] and key in keys else Appended.STORED
        fits = not change.events or change.expected_version == self.lives[incident.id].incident.version
        return Appended.STORED if fits else Appended.CONFLICT

    def take_over(self, incident_id, answer, move):
        """The store has decided with ids of its own choice: with them, the domain decides the same."""
        if incident_id == NOWHERE:
            assert answer is None
            return
        self.touched.add(incident_id)
        event_ids = [event.id for event in answer.events] if isinstance(answer, Change) else [EventId(1)]
        decided = self.decide(incident_id, move, itertools.chain(event_ids, itertools.repeat(None)))
        if isinstance(decided, Change):
            assert decided == answer
            self.lives[incident_id].add(decided)
        else:
            assert repr(decided) == repr(answer)

    def one(self, read, *ids):
        try:
            return self.run(read(*ids))
        except NotFound:
            return None

    @staticmethod
    def expected_page(places, size, position):
        if position is None:
            return places[:size]
        here = (position.start_time, position.id)
        if position.backwards:
            return [place for place in places if place > here][-size:]
        return [place for place in places if place < here][:size]


def plain(row):
    """Stores may give sequences of any kind."""
    return row._replace(tags=list(row.tags), tags_by=list(row.tags_by), tags_at=list(row.tags_at))


def newest_first(events):
    return [event_row(event) for event in sorted(events, key=lambda event: (event.timestamp, event.id), reverse=True)]
