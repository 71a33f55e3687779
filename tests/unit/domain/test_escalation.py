"""Escalation: once for each stretch in which an incident is open and nobody has acknowledged it; and what ends an acknowledgement."""

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.decisions import fires, judge, who_hears
from argus_core.domain.destinations import Destination
from argus_core.domain.errors import DomainError, Invalid
from argus_core.domain.escalation import begins, rehearsed, timers
from argus_core.domain.ids import DestinationId, EventId
from argus_core.domain.incidents import Changes, Escalation, Event, EventType, Happening, Level, Until, fold, rewound
from argus_core.domain.news import kinds, lasting
from argus_core.domain.notifications import tell
from argus_core.domain.profiles import Belongings, Profile, WholeProfile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.domain.transitions import Edit, IncidentReport, TimerKind
from strategies import CAST, NOON, SECOND, History, begin, histories, moves, note_time, simple_stateful_reports, spans

OLA = CAST.people[0]
MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
TELLS = frozenset({EventType.START, EventType.ESCALATION_DUE})
ALWAYS = Timeslot(id=1, owner=1, name="always", zone="UTC", recurrences=(Recurrence(days=EVERY_DAY),))
MAIL = Destination(id=DestinationId(7), owner=1, medium="email", settings={})


class Worker:
    """Sets timers as whoever decides does, and takes care of those that are due, as often as it likes."""

    def __init__(self, history, after):
        self.history, self.after = history, after
        self.event_ids = map(EventId, itertools.count(1_000))
        self.timers = {}
        self.decided = 0

    def decide(self):
        state = None
        for event in self.history.journal:
            state = fold([event], self.history.source) if state is None else state.after(event)
            if event.version > self.decided:
                self.decided = event.version
                self.timers.update((timer.subject_id, timer) for timer in timers(Happening(state, event), [self.after]))

    def pass_time(self, *, forgetful=False):
        for timer in list(self.timers.values()):
            if timer.due <= self.history.now:
                self.history.add(self.noted(timer))
                if not forgetful:
                    self.timers = {}

    def noted(self, timer):
        history = self.history
        return transitions.time_passes(history.incident, timer, journal=history.journal, event_ids=self.event_ids, now=history.now)


def stretches(journal, source, now):
    """Where it was open and unacknowledged without a break: the first event of each and when it was over, by looking at each moment."""
    found, state = [], None
    for number, event in enumerate(journal):
        state = fold(journal[: number + 1], source)
        until = journal[number + 1].received if number + 1 < len(journal) else now
        if not state.is_open(event.received) or state.is_acked(event.received):
            found = [*found[:-1], (*found[-1][:2], False)] if found else []
            continue
        breaks = [moment for moment in (state.end_time, state.acked_until) if moment and event.received < moment <= until]
        begun = found.pop()[0] if found and found[-1][1] == event.received and found[-1][2] else event
        found.append((begun, min([until, *breaks]), not breaks))
    return found


@given(st.data())
def test_it_escalates_once_for_each_stretch_and_never_else(data):
    """
    Whoever decides late, forgets what was done, or does it twice: each stretch that lasted for so long while somebody looked has one.
    """
    after = data.draw(st.sampled_from([SECOND, QUARTER, timedelta(hours=1)]))
    change = begin(data.draw(simple_stateful_reports))
    history = History(change.incident, list(change.events), NOON)
    worker, event_ids = Worker(history, after), map(EventId, itertools.count(2))
    for span, move in data.draw(st.lists(st.tuples(spans | st.just(after), moves() | st.just(note_time)), max_size=10)):
        history.now += span
        if move is note_time:
            note_time(history, event_ids)
        else:
            with suppress(DomainError):
                history.add(move(history.incident, history.now, event_ids))
        if data.draw(st.booleans()):
            worker.decide()
        if data.draw(st.booleans()):
            worker.pass_time(forgetful=data.draw(st.booleans()))
    note_time(history, event_ids)
    worker.decide()
    worker.pass_time()
    history.now += after
    note_time(history, event_ids)
    worker.decide()
    worker.pass_time()

    found = stretches(history.journal, history.source, history.now)
    escalations = [event for event in history.journal if event.type is EventType.ESCALATION_DUE]
    for event in escalations:
        state = fold(history.journal[: event.version], history.source)
        (stretch,) = [one for one in found if one[0].version == event.changes.escalation.begun]
        assert transitions.is_unattended(state, event.received)
        assert stretch[0].received + after <= event.received <= stretch[1]
    begun = [event.changes.escalation.begun for event in escalations]
    assert len(set(begun)) == len(begun)
    if found and found[-1][2] and history.now >= found[-1][0].received + after:
        assert found[-1][0].version in begun
    assert history.incident == fold(history.journal, history.source)


@given(histories(), st.sampled_from([SECOND, QUARTER]))
def test_what_is_noted_is_not_noted_again(history, after):
    worker = Worker(history, after)
    worker.decide()
    history.now += after
    worker.pass_time(forgetful=True)
    length = len(history.journal)

    worker.pass_time(forgetful=True)
    worker.pass_time()

    assert length == len(history.journal)


@given(histories())
def test_acknowledgements_made_until_something_happens_end_with_it(history):
    """
    By the journal alone: none holds once the level has got worse than it was, or the incident has been resolved.
    """
    for number in range(1, len(history.journal)):
        before = fold(history.journal[:number], history.source)
        event = history.journal[number]
        state = fold(history.journal[: number + 1], history.source)
        for ack in before.acks:
            if not ack.holds(event.received) or ack.until is None:
                continue
            worse = ack.until is Until.LEVEL_RISES and state.level < min(ack.level, before.level)
            closed = ack.until is Until.RESOLVED and before.is_open(event.received) and not state.is_open(event.received)
            reopened = ack.until is Until.RESOLVED and event.type is EventType.REOPEN
            if worse or closed or reopened:
                assert not state.ack(ack.id).holds(event.received)
        assert replace(before, tags=()) == replace(rewound(state, [event], history.journal[number - 1]), tags=())


# What happened to one incident.


class Story:
    """An incident to which things happen, minute by minute."""

    def __init__(self, level=Level.LOW, **fields):
        self.event_ids = map(EventId, itertools.count(2))
        change = begin(IncidentReport(start_time=NOON, level=level, **fields))
        self.history = History(change.incident, list(change.events), NOON)
        self.happened = [Happening(change.incident, change.events[0])]

    def then(self, move, minutes=1):
        self.history.now += minutes * MINUTE
        for event in move(self.history.incident, self.history.now).events:
            state = self.history.incident.after(event)
            self.history.incident = state
            self.history.journal.append(event)
            self.happened.append(Happening(state, event))
        return self

    def post(self, type_, minutes=1):
        return self.then(lambda one, now: transitions.post(one, type_, actor=OLA, event_id=next(self.event_ids), at=now, now=now), minutes)

    def ack(self, minutes=1, **fields):
        return self.then(
            lambda one, now: transitions.acknowledge(one, actor=OLA, event_id=next(self.event_ids), at=now, now=now, **fields), minutes
        )

    def edit(self, level, minutes=1):
        return self.then(lambda one, now: transitions.edit(one, Edit(level=level), actor=OLA, event_ids=self.event_ids, now=now), minutes)

    def note(self, minutes=1):
        self.history.now += minutes * MINUTE
        length = len(self.history.journal)
        note_time(self.history, self.event_ids)
        for number in range(length, len(self.history.journal)):
            journal = self.history.journal[: number + 1]
            self.happened.append(Happening(fold(journal, self.history.source), journal[-1]))
        return self

    @property
    def last(self):
        return self.happened[-1]


def wanting(escalate_after=None, number=3, **definition):
    filter_ = SavedFilter(id=1, owner=1, name="f", definition=FilterDefinition(**{"max_level": 5, **definition}))
    profile = Profile(id=number, owner=1, name="p", timeslot_id=1, filter_ids=(1,), destination_ids=(7,), escalate_after=escalate_after)
    return WholeProfile(profile=profile, timeslot=ALWAYS, filters=(filter_,), destinations=(MAIL,))


def due(story, after=QUARTER):
    event = story.last.event
    changes = Changes(escalation=Escalation(after, event.version, event.received))
    escalation = Event(
        id=EventId(99),
        incident_id=event.incident_id,
        version=event.version + 1,
        type=EventType.ESCALATION_DUE,
        actor=None,
        timestamp=event.received + after,
        received=event.received + after,
        changes=changes,
    )
    return Happening(story.history.incident.after(escalation), escalation)


def test_a_profile_that_waits_is_asked_about_what_is_due_and_nobody_else_is():
    story = Story()
    at_once, waiting, longer = wanting(), wanting(QUARTER), wanting(2 * QUARTER)

    assert [True, False, False] == [fires(one, story.last) for one in (at_once, waiting, longer)]
    assert [False, True, False] == [fires(one, due(story)) for one in (at_once, waiting, longer)]


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        (False, None),
        (True, EventType.ESCALATION_DUE),
        (True, EventType.ACKNOWLEDGE),
        (True, EventType.START),
        (False, EventType.END),
        (False, EventType.CLOSE),
        (False, EventType.END_REACHED),
    ],
)
def test_an_end_is_told_once_to_whoever_was_told(told, heard):
    end = Story().post(EventType.CLOSE).last
    place = (end.incident.id, MAIL.id, 3)

    assert told == fires(wanting(QUARTER), end, (), heard)
    assert told == bool(who_hears([wanting(QUARTER)], end, (), {place: heard} if heard else {}))
    assert not who_hears([wanting(QUARTER, number=4)], end, (), {place: heard} if heard else {})


@pytest.mark.parametrize(
    ("told", "heard"), [(False, None), (True, EventType.ESCALATION_DUE), (False, EventType.ACKNOWLEDGE), (False, EventType.END)]
)
def test_that_somebody_takes_notice_is_told_once_to_whoever_was_told(told, heard):
    assert told == fires(wanting(QUARTER), Story().ack().last, (), heard)


def test_what_is_neither_notice_nor_end_is_told_by_no_profile_that_waits():
    for story in (Story().edit(Level.HIGH), Story().post(EventType.OTHER), Story().post(EventType.CLOSE).post(EventType.REOPEN)):
        assert not fires(wanting(QUARTER), story.last, (), EventType.ESCALATION_DUE)


def test_an_end_that_is_announced_is_none_yet():
    story = Story()
    later = story.history.now + timedelta(hours=1)
    story.then(lambda one, now: transitions.close(one, actor=OLA, event_id=EventId(50), at=later, now=now))

    assert not fires(wanting(QUARTER), story.last, (), EventType.ESCALATION_DUE)


def test_whoever_asks_for_starts_hears_of_escalations():
    story = Story()

    assert fires(wanting(QUARTER, event_type=EventType.START), due(story))
    assert not fires(wanting(QUARTER, event_type=EventType.ACKNOWLEDGE), due(story))
    assert TELLS == kinds(due(story).incident, due(story).event)


def test_an_expired_acknowledgement_is_news_when_nobody_else_has_taken_notice():
    story = Story().ack(expiration=NOON + 5 * MINUTE).note(minutes=10)

    assert EventType.ACK_EXPIRED is story.last.event.type
    assert begins(story.last)
    for types in (None, EventType.START):
        assert fires(wanting(event_type=types), story.last)
    assert not fires(wanting(event_type=EventType.REOPEN), story.last)


@pytest.mark.parametrize(
    "story",
    [
        Story().ack().ack(expiration=NOON + 5 * MINUTE).note(minutes=10),
        Story().ack(expiration=NOON + 5 * MINUTE).post(EventType.CLOSE).note(minutes=10),
        Story(stateful=False).ack(expiration=NOON + 5 * MINUTE).note(minutes=10),
    ],
)
def test_an_expiry_that_leaves_nothing_to_do_is_no_news(story):
    assert EventType.ACK_EXPIRED is story.last.event.type
    assert not fires(wanting(), story.last)
    assert not begins(story.last)
    assert "no news" in judge(wanting(), story.last).escalation


def test_of_several_that_expire_together_one_is_news():
    story = Story().ack(expiration=NOON + 5 * MINUTE).ack(expiration=NOON + 5 * MINUTE).ack(expiration=NOON + 4 * MINUTE).note(minutes=10)

    expired = [one for one in story.happened if one.event.type is EventType.ACK_EXPIRED]
    assert [False, True, False] == [fires(wanting(), one) for one in sorted(expired, key=lambda one: one.event.changes.ack.id)]


def test_an_acknowledgement_until_the_level_rises_holds_until_it_is_worse_than_then():
    story = Story(Level.LOW).ack(until=Until.LEVEL_RISES).edit(Level.INFORMATION).edit(Level.LOW)
    assert story.history.incident.is_acked(story.history.now)

    story.edit(Level.MODERATE)

    assert not story.history.incident.is_acked(story.history.now)
    assert begins(story.last)
    assert {EventType.CHANGE, EventType.START} == kinds(story.last.incident, story.last.event)
    assert "This ends an acknowledgement" in tell(story.last.event, "UTC").what
    assert not story.edit(Level.INFORMATION).history.incident.is_acked(story.history.now)


def test_the_level_that_rises_is_no_start_while_somebody_else_has_taken_notice():
    story = Story(Level.LOW).ack(until=Until.LEVEL_RISES).ack().edit(Level.HIGH)

    assert {EventType.CHANGE} == kinds(story.last.incident, story.last.event)
    assert not begins(story.last)


def test_an_acknowledgement_until_resolved_is_over_when_it_comes_again():
    story = Story().ack(until=Until.RESOLVED).edit(Level.CRITICAL)
    assert story.history.incident.is_acked(story.history.now)

    story.post(EventType.CLOSE)
    assert {EventType.CLOSE} == kinds(story.last.incident, story.last.event)
    assert not story.history.incident.is_acked(story.history.now)

    assert begins(story.post(EventType.REOPEN).last)


def test_an_acknowledgement_until_resolved_ends_when_an_announced_end_is_reached():
    for noted in (True, False):
        story = Story(end_time=NOON + 5 * MINUTE).ack(until=Until.RESOLVED)
        story = story.note(minutes=10) if noted else story.then(lambda one, now: transitions.Change(incident=one, events=()), minutes=10)
        assert begins(story.post(EventType.REOPEN).last)


def test_a_moved_expiration_keeps_what_ends_it_besides():
    story = Story(Level.LOW).ack(until=Until.LEVEL_RISES)
    (ack,) = story.history.incident.acks
    until = story.history.now + timedelta(days=1)

    story.then(lambda one, now: transitions.move_expiration(one, ack.id, until, actor=OLA, event_ids=story.event_ids, now=now))

    assert [replace(ack, expiration=until)] == list(story.history.incident.acks)
    assert "or until the level rises" in tell(story.last.event, "UTC").what


def test_a_dry_run_tells_what_would_have_escalated():
    """
    Fifteen minutes pass three times, in one of which somebody has taken notice; the end is told after what was told, and not else.
    """
    story = Story().post(EventType.OTHER, 5).ack(20, expiration=NOON + 30 * MINUTE).post(EventType.OTHER, 20).note(0)
    story.post(EventType.CLOSE, 20).post(EventType.REOPEN).post(EventType.CLOSE, 5).post(EventType.REOPEN)
    profile = wanting(QUARTER)

    told = list(rehearsed(profile.profile, story.happened, story.history.now, lambda one, last: fires(profile, one, (), last)))

    due_ = EventType.ESCALATION_DUE
    assert [(due_, 15), (EventType.ACKNOWLEDGE, 25), (due_, 60), (EventType.CLOSE, 65)] == [
        (one.event.type, (one.event.received - NOON) / MINUTE) for one in told
    ]
    assert 1 == told[0].event.id


def test_a_dry_run_knows_what_is_due_by_now():
    story, profile = Story(), wanting(QUARTER)

    def told(now):
        return list(rehearsed(profile.profile, story.happened, now, lambda one, last: fires(profile, one, (), last)))

    assert ([], 1) == (told(NOON + QUARTER - SECOND), len(told(NOON + QUARTER)))
    assert [] == list(rehearsed(wanting().profile, story.happened, NOON + QUARTER, lambda *_: False))


@pytest.mark.parametrize(
    ("profile", "happening", "words", "waits"),
    [
        (wanting(QUARTER), Story().last, "It waits for 15 minutes, unless somebody acknowledges the incident or it ends.", NOON + QUARTER),
        (wanting(QUARTER), Story().ack().last, "It tells only of what nobody has acknowledged for 15 minutes", None),
        (wanting(QUARTER), due(Story()), "It tells of what nobody has acknowledged for 15 minutes.", None),
        (wanting(SECOND), due(Story()), "It waits for 1 second.", None),
        (wanting(), due(Story()), "It has told at once, and escalates nothing.", None),
        (wanting(), Story().last, "", None),
    ],
)
def test_the_verdict_says_what_escalation_has_to_do_with_it(profile, happening, words, waits):
    verdict = judge(profile, happening)

    assert verdict.escalation.startswith(words)
    assert bool(words) == bool(verdict.escalation)
    assert (waits, fires(profile, happening)) == (verdict.waits_until, verdict.fired)


def test_the_verdict_says_that_it_follows():
    assert "It has told of this incident before." == judge(wanting(QUARTER), Story().ack().last, (), EventType.ESCALATION_DUE).escalation


def test_it_is_told_in_words():
    assert "Nobody has acknowledged it for 15 minutes" == tell(due(Story()).event, "UTC").what
    assert ["90 seconds", "1 minute"] == [lasting(timedelta(seconds=90)), lasting(MINUTE)]


@pytest.mark.parametrize(
    ("good", "after"),
    [(True, None), (True, SECOND), (True, timedelta(days=1)), (False, timedelta()), (False, timedelta(days=1, seconds=1))],
)
def test_waits_are_neither_nothing_nor_forever(good, after):
    whole = wanting(after)
    owned = Belongings(timeslots=(ALWAYS,), filters=whole.filters, destinations=whole.destinations)
    problems = {}
    try:
        owned.check_profile(whole.profile)
    except Invalid as error:
        problems = error.errors

    assert ([] if good else ["escalate_after"]) == list(problems)
    assert TimerKind.ESCALATION_DUE.value == EventType.ESCALATION_DUE.value
