"""The rules of who may do what to an incident, and what that does."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from argus_core.domain import transitions
from argus_core.domain.errors import (
    AckHasExpired,
    AlreadyClosed,
    AlreadyOpen,
    DomainError,
    EventNotAllowed,
    ForeignTags,
    Invalid,
    NeverEnds,
    NotFound,
    OnlyEndUsersAcknowledge,
)
from argus_core.domain.ids import EventId
from argus_core.domain.incidents import AckChange, Acknowledgement, Changes, EventType, Level, Replaced, Until, as_of, fold
from argus_core.domain.limits import DESCRIPTION_BYTES, KEY_BYTES, TAGS, URL_BYTES
from argus_core.domain.tags import Tag, TagOn
from argus_core.domain.transitions import MOST_EVENTS_PER_CHANGE, Change, Edit, IncidentReport, Timer, TimerKind
from strategies import (
    CAST,
    DAY,
    HOUR,
    MICROSECOND,
    NOON,
    SECOND,
    actors,
    begin,
    closed_incidents,
    edits,
    histories,
    incidents,
    metadata,
    moments_not_in_utc,
    moments_out_of_bounds,
    moves,
    near_moments,
    open_incidents,
    open_reports,
    people,
    reports,
    robots,
    set_times,
    some_texts,
    spans,
    stateless_incidents,
    tag_sets,
    unstorable_texts,
    urls,
)

OLA, KARI, _, ROOT = CAST.people
ROBOT = CAST.robots[0]
NEW = EventId(1_000)
OPEN = IncidentReport(start_time=NOON)
STATELESS = IncidentReport(start_time=NOON, stateful=False)
TOO_LONG = "å" * (DESCRIPTION_BYTES // 2) + "!"


def ids():
    return iter(range(NEW, NEW + MOST_EVENTS_PER_CHANGE))


def ends_with(incident, now, *, resolved=False, level=None):
    """What ends of the acknowledgements that somebody made until this happens."""
    return tuple(
        AckChange(ack.id, ack.expiration, now, made=False)
        for ack in incident.acks
        if (ack.expiration is None or ack.expiration > now)
        and ((resolved and ack.until is Until.RESOLVED) or (level is not None and ack.until is Until.LEVEL_RISES and level < ack.level))
    )


def with_ended(incident, ended):
    """The acknowledgements after these have ended."""
    moments = {change.id: change.new for change in ended}
    return tuple(replace(ack, expiration=moments.get(ack.id, ack.expiration)) for ack in incident.acks)


def incident_of(report=OPEN, **fields):
    return replace(begin(report).incident, **fields)


def post(incident, type_, *, actor=OLA, at=NOON, now=NOON, why=""):
    return transitions.post(incident, type_, actor=actor, event_id=NEW, at=at, now=now, why=why)


def acknowledge(incident, *, actor=OLA, at=NOON, now=NOON, expiration=None, why=""):
    return transitions.acknowledge(incident, actor=actor, event_id=NEW, at=at, now=now, expiration=expiration, why=why)


def edit(incident, wanted, *, actor=OLA, now=NOON):
    return transitions.edit(incident, wanted, actor=actor, event_ids=ids(), now=now)


def move_expiration(incident, expiration, *, ack_id=NEW, actor=OLA, now=NOON):
    return transitions.move_expiration(incident, ack_id, expiration, actor=actor, event_ids=iter([EventId(NEW + 1)]), now=now)


def pass_time(incident, timer, now, journal=()):
    return transitions.time_passes(incident, timer, journal=journal, event_ids=ids(), now=now)


def state(incident):
    """All of an incident but what every event moves on."""
    return replace(incident, version=0, received=NOON)


class TestEveryMove:
    @given(histories(), moves())
    def test_adds_events_without_gaps_that_lead_to_the_new_state(self, history, move):
        try:
            change = move(history.incident, history.now, ids())
        except DomainError:
            return

        assert change.expected_version == history.incident.version
        assert not change.is_new
        assert list(range(1, change.incident.version + 1)) == [event.version for event in (*history.journal, *change.events)]
        assert change.incident == fold([*history.journal, *change.events], history.source)

    @given(histories(), moves(), st.sampled_from([-DAY, -SECOND, timedelta(), SECOND]))
    def test_is_never_known_before_what_came_earlier(self, history, move, step):
        try:
            change = move(history.incident, history.now + step, ids())
        except DomainError:
            return

        received = [event.received for event in (*history.journal, *change.events)]
        assert sorted(received) == received
        assert change.incident.received == received[-1]

    @given(histories(), moves())
    def test_shows_who_made_it(self, history, move):
        try:
            change = move(history.incident, history.now, ids())
        except DomainError:
            return

        assert {move.actor.person} >= {event.actor for event in change.events}

    @given(histories())
    def test_keeps_the_whole_old_values(self, history):
        for before, after in pairwise([history.journal[:n] for n in range(1, len(history.journal) + 1)]):
            old, changes = fold(before, history.source), after[-1].changes
            for name in ("end_time", "level", "description", "details_url", "ticket_url", "metadata"):
                replaced = getattr(changes, name)
                assert replaced is None or replaced.old == getattr(old, name)
            assert set(changes.tags_removed) <= set(old.tags)
            for change in changes.ack_changes:
                assert change.made or (change.id, change.old) in [(ack.id, ack.expiration) for ack in old.acks]

    @given(histories(), moves())
    def test_without_effect_changes_nothing(self, history, move):
        try:
            change = move(history.incident, history.now, ids())
        except DomainError:
            return
        if any(event.effect for event in change.events):
            return

        assert replace(state(history.incident), ended=change.incident.ended) == state(change.incident)

    @given(histories())
    def test_can_be_looked_back_upon(self, history):
        for event in history.journal:
            known = [other for other in history.journal if other.received <= event.received]

            assert fold(known, history.source) == as_of(history.journal, history.source, event.received)


class TestStart:
    @given(reports, actors)
    def test_begins_with_an_event_of_the_source_at_the_start(self, report, poster):
        change = begin(report, poster=poster)

        (event,) = change.events
        assert (EventType.START if report.stateful else EventType.STATELESS) is event.type
        assert (ROBOT.person, report.start_time, NOON) == (event.actor, event.timestamp, event.received)
        assert (1, True, report.description) == (event.version, event.effect, event.description)
        assert (True, 0) == (change.is_new, change.expected_version)

    @given(reports, actors)
    def test_makes_what_was_reported(self, report, poster):
        incident = begin(report, poster=poster).incident

        for name in ("source_incident_id", "start_time", "end_time", "stateful", "level", "description", "details_url", "ticket_url"):
            assert getattr(report, name) == getattr(incident, name)
        assert report.metadata == incident.metadata
        assert (CAST.sources[0], 1, (), False) == (incident.source, incident.version, incident.acks, incident.ended)

    @given(reports, actors)
    def test_lets_the_poster_add_each_tag_once(self, report, poster):
        tags = begin(report, poster=poster).incident.tags

        assert [TagOn(str(tag), poster.id, NOON) for tag in dict.fromkeys(report.tags)] == list(tags)

    def test_gives_a_stateless_incident_no_end(self):
        incident = begin(replace(STATELESS, end_time=NOON + DAY)).incident

        assert incident.end_time is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("start_time", NOON.replace(year=1899)),
            ("end_time", NOON.replace(year=9999)),
            ("source_incident_id", "k" * (KEY_BYTES + 1)),
            ("source_incident_id", "\0"),
            ("description", TOO_LONG),
            ("description", "\ud800"),
            ("details_url", "d" * (URL_BYTES + 1)),
            ("ticket_url", "javascript:alert(1)"),
            ("metadata", {"a": float("nan")}),
            ("tags", tuple(Tag("n", str(n)) for n in range(TAGS + 1))),
        ],
    )
    def test_is_refused_for_what_cannot_be_stored(self, field, value):
        with pytest.raises(Invalid) as refusal:
            begin(replace(OPEN, **{field: value}))

        assert [field] == list(refusal.value.errors)

    def test_names_all_bad_fields_at_once(self):
        with pytest.raises(Invalid) as refusal:
            begin(replace(OPEN, description="\0", source_incident_id="\0", ticket_url="?"))

        assert {"description", "source_incident_id", "ticket_url"} == set(refusal.value.errors)

    def test_is_refused_when_it_ends_before_it_starts(self):
        with pytest.raises(Invalid) as refusal:
            begin(replace(OPEN, end_time=NOON - MICROSECOND))

        assert {"": "'end_time' must not be before 'start_time'."} == refusal.value.errors

    def test_may_end_at_its_start(self):
        incident = begin(replace(OPEN, end_time=NOON)).incident

        assert not incident.is_open(NOON)

    @given(moments_not_in_utc)
    def test_takes_no_time_but_utc(self, moment):
        with pytest.raises(ValueError, match="aware UTC"):
            begin(replace(OPEN, start_time=moment))


class TestPost:
    @given(type_=st.sampled_from(EventType), incident=incidents, robot=robots)
    def test_sources_may_report_but_not_close_reopen_or_acknowledge(self, type_, incident, robot):
        allowed = type_ in {EventType.END, EventType.OTHER, EventType.CHANGE, EventType.STATELESS}
        try:
            change = post(incident, type_, actor=robot, now=incident.received)
        except EventNotAllowed:
            assert not allowed
        else:
            assert allowed
            assert [type_] == [event.type for event in change.events]

    @given(type_=st.sampled_from(EventType), incident=incidents, person=people)
    def test_people_may_only_close_reopen_and_comment(self, type_, incident, person):
        allowed = type_ in {EventType.CLOSE, EventType.REOPEN, EventType.OTHER}
        try:
            change = post(incident, type_, actor=person, now=incident.received)
        except EventNotAllowed:
            assert not allowed
        except (NeverEnds, AlreadyClosed, AlreadyOpen):
            assert type_ in {EventType.CLOSE, EventType.REOPEN}
        else:
            assert allowed
            assert [type_] == [event.type for event in change.events]

    def test_points_people_who_acknowledge_to_the_right_place(self):
        with pytest.raises(EventNotAllowed, match="acks/"):
            post(incident_of(), EventType.ACKNOWLEDGE)

    @given(incidents, actors, near_moments, some_texts)
    def test_a_comment_is_kept_as_it_was_said_and_changes_nothing(self, incident, actor, at, why):
        change = post(incident, EventType.OTHER, actor=actor, at=at, now=incident.received, why=why)

        (event,) = change.events
        assert (actor.person, at, incident.received, why) == (event.actor, event.timestamp, event.received, event.description)
        assert event.effect
        assert state(incident) == state(change.incident)

    @given(type_=st.sampled_from([EventType.CHANGE, EventType.STATELESS]), incident=incidents, robot=robots)
    def test_changes_and_moments_of_a_source_are_recorded_without_effect(self, type_, incident, robot):
        change = post(incident, type_, actor=robot, now=incident.received)

        assert [False] == [event.effect for event in change.events]
        assert state(incident) == state(change.incident)

    @pytest.mark.parametrize(
        ("type_", "actor"),
        [
            (EventType.END, ROBOT),
            (EventType.OTHER, ROBOT),
            (EventType.CHANGE, ROBOT),
            (EventType.STATELESS, ROBOT),
            (EventType.CLOSE, OLA),
            (EventType.OTHER, OLA),
        ],
    )
    @given(text=unstorable_texts | st.just(TOO_LONG), at=moments_out_of_bounds, local=moments_not_in_utc)
    def test_is_refused_for_what_cannot_be_stored(self, type_, actor, text, at, local):
        for fields, expected in (({"why": text}, "description"), ({"at": at}, "timestamp")):
            with pytest.raises(Invalid) as refusal:
                post(incident_of(), type_, actor=actor, **fields)

            assert [expected] == list(refusal.value.errors)
        with pytest.raises(ValueError, match="aware UTC"):
            post(incident_of(), type_, actor=actor, at=local)


class TestEnd:
    @given(open_reports, robots, near_moments)
    def test_ends_an_open_incident_when_the_source_says(self, report, robot, at):
        incident = begin(report).incident

        change = post(incident, EventType.END, actor=robot, at=at)

        (event,) = change.events
        assert event.effect
        assert Changes(end_time=Replaced(None, at), ended=True) == event.changes
        assert (at, at > NOON) == (change.incident.end_time, change.incident.is_open(NOON))

    @given(open_incidents, robots, spans)
    def test_takes_effect_at_most_once(self, incident, robot, span):
        first = post(incident, EventType.END, actor=robot, at=NOON, now=incident.received).incident
        if first.is_open(first.received):  # it had ended before
            return
        reopened = post(first, EventType.REOPEN, now=first.received + span).incident

        change = post(reopened, EventType.END, actor=robot, now=reopened.received)

        assert [False] == [event.effect for event in change.events]
        assert change.incident.is_open(reopened.received)

    @given(closed_incidents | stateless_incidents | open_incidents.filter(lambda incident: incident.ended), robots, near_moments)
    def test_is_recorded_without_effect_when_it_comes_too_late(self, incident, robot, at):
        change = post(incident, EventType.END, actor=robot, at=at, now=incident.received)

        assert [False] == [event.effect for event in change.events]
        assert replace(state(incident), ended=True) == state(change.incident)

    def test_does_not_move_the_time_of_a_close(self):
        closed = post(incident_of(), EventType.CLOSE, at=NOON).incident

        change = post(closed, EventType.END, actor=ROBOT, at=NOON - HOUR)

        assert change.incident.end_time == NOON

    def test_counts_even_when_a_close_was_faster(self):
        closed = post(incident_of(), EventType.CLOSE).incident
        ended = post(closed, EventType.END, actor=ROBOT).incident
        reopened = post(ended, EventType.REOPEN).incident

        change = post(reopened, EventType.END, actor=ROBOT)

        assert change.incident.is_open(NOON)

    def test_moves_an_end_that_lies_in_the_future(self):
        incident = incident_of(replace(OPEN, end_time=NOON + DAY))

        change = post(incident, EventType.END, actor=ROBOT, at=NOON)

        assert (NOON, False) == (change.incident.end_time, change.incident.is_open(NOON))

    def test_may_come_from_another_source(self):
        change = post(incident_of(), EventType.END, actor=CAST.robots[2])

        assert not change.incident.is_open(NOON)


class TestCloseAndReopen:
    @given(open_incidents, people, near_moments)
    def test_closing_ends_an_open_incident_at_that_moment(self, incident, person, at):
        now = incident.received

        change = post(incident, EventType.CLOSE, actor=person, at=at, now=now)

        (event,) = change.events
        ended = ends_with(incident, now, resolved=at <= now)
        assert Changes(end_time=Replaced(incident.end_time, at), acks_ended=ended) == event.changes
        assert replace(state(incident), end_time=at, acks=with_ended(incident, ended)) == state(change.incident)
        assert not change.incident.is_open(max(at, now))

    @given(closed_incidents, people, near_moments)
    def test_closing_a_closed_incident_is_refused(self, incident, person, at):
        with pytest.raises(AlreadyClosed):
            post(incident, EventType.CLOSE, actor=person, at=at, now=incident.received)

    @given(closed_incidents, people, near_moments)
    def test_reopening_opens_a_closed_incident_and_keeps_the_rest(self, incident, person, at):
        now = incident.received

        change = post(incident, EventType.REOPEN, actor=person, at=at, now=now)

        (event,) = change.events
        ended = ends_with(incident, now, resolved=True)
        assert Changes(end_time=Replaced(incident.end_time, None), acks_ended=ended) == event.changes
        assert replace(state(incident), end_time=None, acks=with_ended(incident, ended)) == state(change.incident)
        assert change.incident.is_open(now + 1000 * DAY)

    @given(open_incidents, people)
    def test_reopening_an_open_incident_is_refused(self, incident, person):
        with pytest.raises(AlreadyOpen):
            post(incident, EventType.REOPEN, actor=person, now=incident.received)

    @given(type_=st.sampled_from([EventType.CLOSE, EventType.REOPEN]), incident=stateless_incidents, person=people)
    def test_a_stateless_incident_never_ends(self, type_, incident, person):
        with pytest.raises(NeverEnds):
            post(incident, type_, actor=person, now=incident.received)

    @given(spans.filter(bool))
    def test_an_end_in_the_future_is_still_open(self, span):
        incident = post(incident_of(), EventType.CLOSE, at=NOON + span).incident

        assert incident.is_open(NOON + span - MICROSECOND)
        assert not incident.is_open(NOON + span)

    def test_only_the_moment_we_hear_of_it_decides(self):
        incident = incident_of(replace(OPEN, end_time=NOON + HOUR))

        change = post(incident, EventType.CLOSE, at=NOON + DAY, now=NOON)

        assert change.incident.end_time == NOON + DAY


class TestAcknowledge:
    @given(incidents, people, near_moments, some_texts)
    def test_holds_for_good_unless_it_expires(self, incident, person, at, why):
        change = acknowledge(incident, actor=person, at=at, now=incident.received, why=why)

        (event,) = change.events
        assert (EventType.ACKNOWLEDGE, why, True) == (event.type, event.description, event.effect)
        assert Changes(ack=AckChange(NEW, None, None, made=True)) == event.changes
        assert replace(state(incident), acks=(*incident.acks, Acknowledgement(NEW, None))) == state(change.incident)
        assert change.incident.is_acked(incident.received + 10_000 * DAY)

    @given(incidents, people, spans.filter(bool))
    def test_holds_until_it_expires(self, incident, person, span):
        incident, now = replace(incident, acks=()), incident.received

        acked = acknowledge(incident, actor=person, at=now, now=now, expiration=now + span).incident

        assert acked.is_acked(now + span - MICROSECOND)
        assert not acked.is_acked(now + span)

    def test_may_have_expired_when_we_hear_of_it(self):
        acked = acknowledge(incident_of(), at=NOON - DAY, expiration=NOON - HOUR).incident

        assert (1, False) == (len(acked.acks), acked.is_acked(NOON))

    @given(near_moments, spans)
    def test_cannot_expire_before_it_is_made(self, at, span):
        with pytest.raises(Invalid) as refusal:
            acknowledge(incident_of(), at=at, expiration=at - span)

        assert [""] == list(refusal.value.errors)

    @given(incidents, robots)
    def test_is_for_people(self, incident, robot):
        with pytest.raises(OnlyEndUsersAcknowledge):
            acknowledge(incident, actor=robot)

    @given(unstorable_texts, moments_out_of_bounds, moments_not_in_utc)
    def test_is_refused_for_what_cannot_be_stored(self, text, moment, local):
        for fields, expected in (
            ({"why": text}, ["description"]),
            ({"why": TOO_LONG}, ["description"]),
            ({"at": moment}, ["timestamp"]),
            ({"expiration": moment}, ["expiration"]),
            ({"at": moment, "expiration": moment}, ["timestamp", "expiration"]),
        ):
            with pytest.raises(Invalid) as refusal:
                acknowledge(incident_of(), **fields)

            assert expected == list(refusal.value.errors)
        for fields in ({"at": local}, {"expiration": local}, {"at": local, "expiration": NOON}):
            with pytest.raises(ValueError, match="aware UTC"):
                acknowledge(incident_of(), **fields)


class TestMoveExpiration:
    @given(people, st.none() | spans.filter(bool), st.none() | spans.filter(bool))
    def test_gives_an_acknowledgement_another_end(self, person, old, new):
        old, new = (span and NOON + span for span in (old, new))
        assume(old != new)
        acked = acknowledge(incident_of(), expiration=old).incident

        change = move_expiration(acked, new, actor=person)

        (event,) = change.events
        assert (EventType.CHANGE, person.person, NOON, NOON) == (event.type, event.actor, event.timestamp, event.received)
        assert f'Change: "ack expiration": {old} → {new}' == event.description
        assert Changes(ack=AckChange(NEW, old, new, made=False)) == event.changes
        assert replace(state(acked), acks=(Acknowledgement(NEW, new),)) == state(change.incident)

    @given(st.none() | spans.filter(bool))
    def test_to_where_it_is_changes_nothing(self, span):
        expiration = span and NOON + span
        acked = acknowledge(incident_of(), expiration=expiration).incident

        assert Change(incident=acked, events=()) == move_expiration(acked, expiration)

    def test_leaves_other_acknowledgements_alone(self):
        other = Acknowledgement(EventId(1), NOON + HOUR)
        acked = acknowledge(incident_of(acks=(other,))).incident

        moved = move_expiration(acked, NOON + DAY).incident

        assert (other, Acknowledgement(NEW, NOON + DAY)) == moved.acks

    @given(st.none() | near_moments)
    def test_is_refused_once_it_has_expired(self, expiration):
        acked = acknowledge(incident_of(), at=NOON - DAY, expiration=NOON).incident

        with pytest.raises(AckHasExpired):
            move_expiration(acked, expiration, now=NOON)

    @given(spans)
    def test_must_lead_into_the_future(self, span):
        with pytest.raises(Invalid) as refusal:
            move_expiration(acknowledge(incident_of()).incident, NOON - span)

        assert ["expiration"] == list(refusal.value.errors)

    @given(moments_out_of_bounds)
    def test_must_stay_in_bounds(self, moment):
        with pytest.raises(Invalid) as refusal:
            move_expiration(acknowledge(incident_of()).incident, moment)

        assert ["expiration"] == list(refusal.value.errors)

    def test_needs_an_acknowledgement_of_this_incident(self):
        with pytest.raises(NotFound):
            move_expiration(acknowledge(incident_of()).incident, None, ack_id=EventId(1))

    @given(robots)
    def test_is_for_people(self, robot):
        with pytest.raises(OnlyEndUsersAcknowledge):
            move_expiration(acknowledge(incident_of()).incident, None, actor=robot)


class TestEdit:
    @given(incidents, edits, actors)
    def test_makes_one_event_for_each_field_that_really_changes(self, incident, wanted, actor):
        wanted = replace(wanted, tags=None)
        names = ("details_url", "ticket_url", "level", "description", "metadata")
        changed = [
            name
            for name in names
            if getattr(wanted, name) is not None and json.dumps(getattr(wanted, name)) != json.dumps(getattr(incident, name))
        ]

        change = edit(incident, wanted, actor=actor, now=incident.received)

        ended = ends_with(incident, incident.received, level=wanted.level if "level" in changed else None)
        assert changed == [event.description.split('"')[1] for event in change.events]
        for name, event in zip(changed, change.events, strict=True):
            old, new = getattr(incident, name), getattr(wanted, name)
            assert Changes(**{name: Replaced(old, new)}, acks_ended=ended if name == "level" else ()) == event.changes
            assert (EventType.CHANGE, actor.person) == (event.type, event.actor)
            assert (incident.received, incident.received, True) == (event.timestamp, event.received, event.effect)
        new = {name: getattr(wanted, name) for name in changed}
        assert replace(state(incident), **new, acks=with_ended(incident, ended)) == state(change.incident)

    @given(incidents, edits)
    def test_done_twice_changes_nothing_more(self, incident, wanted):
        once = edit(incident, wanted, actor=ROOT, now=incident.received).incident

        assert Change(incident=once, events=()) == edit(once, wanted, actor=ROOT, now=once.received)

    def test_can_change_everything_with_the_ids_it_may_take(self):
        wanted = Edit(details_url="d", ticket_url="http://t", level=Level.HIGH, description="why", metadata={"a": 1}, tags=(Tag("a", "b"),))

        change = edit(incident_of(), wanted)

        assert list(range(NEW, NEW + MOST_EVENTS_PER_CHANGE)) == [event.id for event in change.events]

    @pytest.mark.parametrize(
        ("wanted", "told"),
        [
            (Edit(ticket_url="http://t/2"), '"ticket_url": http://t/1 → http://t/2'),
            (Edit(ticket_url=""), '"ticket_url": http://t/1 → '),
            (Edit(details_url="/new"), '"details_url":  → /new'),
            (Edit(level=Level.CRITICAL), '"level": 5 → 1'),
            (Edit(description="Oppe igjen"), '"description":  → Oppe igjen'),
            (Edit(metadata={"ø": [1.5, None]}), '"metadata": {} → {"ø": [1.5, null]}'),
            (Edit(tags=(Tag("b", "2"), Tag("c", "3"))), '"tags": a=1, b=2 → b=2, c=3'),
            (Edit(tags=()), '"tags": a=1, b=2 → '),
        ],
    )
    def test_tells_what_was_changed(self, wanted, told):
        incident = incident_of(ticket_url="http://t/1", tags=(TagOn("b=2", OLA.id, NOON), TagOn("a=1", OLA.id, NOON)))

        assert [f"Change: {told}"] == [event.description for event in edit(incident, wanted).events]

    def test_cuts_what_it_tells_but_not_what_it_keeps(self):
        long = "🔥" * (DESCRIPTION_BYTES // 4)

        change = edit(incident_of(description=long[:-1]), Edit(description=long))

        (event,) = change.events
        assert f'Change: "description": {"🔥" * 8_000} → {"🔥" * 8_000}' == event.description
        assert len(event.description.encode()) < DESCRIPTION_BYTES
        assert Replaced(long[:-1], long) == event.changes.description
        assert long == change.incident.description

    @given(st.lists(st.tuples(tag_sets, st.sampled_from([OLA, KARI])), max_size=3), tag_sets)
    def test_replaces_tags_and_leaves_those_that_stay_as_they_were_added(self, before, wanted):
        incident = incident_of()
        for tags, actor in before:
            incident = edit(incident, Edit(tags=tuple(Tag.parse(tag.tag) for tag in incident.tags) + tags), actor=actor).incident
        later = NOON + HOUR

        edited = edit(incident, Edit(tags=wanted), actor=ROOT, now=later).incident

        old = {tag.tag: tag for tag in incident.tags}
        assert {str(tag): old.get(str(tag), TagOn(str(tag), ROOT.id, later)) for tag in wanted} == {tag.tag: tag for tag in edited.tags}
        assert len(set(wanted)) == len(edited.tags)

    @given(actors.filter(lambda actor: not actor.superuser))
    def test_removes_tags_of_others_for_superusers_only(self, actor):
        mine, foreign = TagOn("mine=1", actor.id, NOON), TagOn("foreign=1", 999, NOON)
        incident = incident_of(tags=(mine, foreign))

        with pytest.raises(ForeignTags) as refusal:
            edit(incident, Edit(description="also this", tags=()), actor=actor)

        assert ("foreign=1",) == refusal.value.tags
        assert (foreign,) == edit(incident, Edit(tags=(Tag("foreign", "1"),)), actor=actor).incident.tags
        assert () == edit(incident, Edit(tags=()), actor=ROOT).incident.tags

    @given(metadata, metadata)
    @example({"a": True}, {"a": 1})
    @example([0], [False])
    @example([{}], ({},))
    def test_tells_json_apart_as_json_does(self, old, new):
        assume(new is not None)
        same = json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
        assume(same or not json_equal_numbers(old, new))

        change = edit(incident_of(metadata=old), Edit(metadata=new))

        assert same == (change.events == ())

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("description", TOO_LONG),
            ("description", "\0"),
            ("details_url", "d" * (URL_BYTES + 1)),
            ("ticket_url", "javascript:alert(1)"),
            ("metadata", ["\0"]),
            ("tags", tuple(Tag("n", str(n)) for n in range(TAGS + 1))),
        ],
    )
    def test_is_refused_for_what_cannot_be_stored(self, field, value):
        with pytest.raises(Invalid) as refusal:
            edit(incident_of(), Edit(**{field: value}))

        assert [field] == list(refusal.value.errors)

    @given(incidents, urls, actors)
    def test_a_ticket_is_removed_by_an_empty_url(self, incident, url, actor):
        with_ticket = edit(incident, Edit(ticket_url=url), actor=actor).incident

        assert edit(with_ticket, Edit(ticket_url=""), actor=actor).incident.ticket_url == ""


def json_equal_numbers(old, new):
    """Whether they differ only in how numbers are written, as 1 and 1.0 do."""
    return old == new and json.dumps(old, sort_keys=True).replace("true", "1").replace("false", "0") != json.dumps(new, sort_keys=True)


class TestTime:
    @given(histories(), moves())
    def test_a_timer_is_set_for_each_future_end_and_expiration(self, history, move):
        try:
            change = move(history.incident, history.now, ids())
        except DomainError:
            return

        before = set(set_times(history.incident))
        expected = {timer for timer in set_times(change.incident) if timer not in before and timer.due > change.incident.received}
        assert expected <= set(change.timers)
        assert {timer for timer in set_times(change.incident) if timer.due > change.incident.received} >= set(change.timers)

    @given(reports, actors)
    def test_an_incident_reported_with_an_end_in_the_future_has_a_timer(self, report, poster):
        change = begin(report, poster=poster)

        due = report.end_time
        expected = [Timer(change.incident.id, TimerKind.END_REACHED, 0, due)] if due and due > NOON else []
        assert expected == list(change.timers)

    @given(spans.filter(bool))
    def test_whatever_sets_a_time_in_the_future_sets_a_timer(self, span):
        due = NOON + span
        acked = acknowledge(incident_of(), expiration=NOON + 1_000 * DAY).incident
        changes = [
            post(incident_of(), EventType.CLOSE, at=due),
            post(incident_of(), EventType.END, actor=ROBOT, at=due),
            acknowledge(incident_of(), expiration=due),
            move_expiration(acked, due),
        ]

        kinds = [(TimerKind.END_REACHED, 0)] * 2 + [(TimerKind.ACK_EXPIRED, NEW)] * 2
        assert [(Timer(1, kind, subject, due),) for kind, subject in kinds] == [change.timers for change in changes]

    def test_what_lies_in_the_past_needs_no_timer(self):
        changes = [
            post(incident_of(), EventType.CLOSE, at=NOON),
            acknowledge(incident_of(), at=NOON - DAY, expiration=NOON),
            acknowledge(incident_of()),
        ]

        assert [()] * 3 == [change.timers for change in changes]

    @given(histories(), spans)
    def test_is_noted_once_when_it_has_come(self, history, span):
        now = history.now + span
        for timer in set_times(history.incident):
            change = pass_time(history.incident, timer, now, history.journal)

            noted = any(
                (event.type.value == timer.kind.value and event.timestamp == timer.due)
                or (timer.subject_id, timer.due) in [(ack.id, ack.new) for ack in event.changes.acks_ended]  # by what happened
                for event in history.journal
            )
            if timer.due > now:
                assert change.events == ()
                continue
            if not noted:
                (event,) = change.events
                assert (timer.kind.value, None, timer.due) == (event.type.value, event.actor, event.timestamp)
                assert (now, True) == (event.received, event.effect)
            again = pass_time(change.incident, timer, now + DAY, [*history.journal, *change.events])
            assert Change(incident=change.incident, events=()) == again

    @given(histories(), spans)
    def test_changes_nothing_but_what_was_known_to_come(self, history, span):
        now = history.now + span
        for timer in set_times(history.incident):
            change = pass_time(history.incident, timer, now, history.journal)

            resolved = timer.kind is TimerKind.END_REACHED and bool(change.events)
            ended = ends_with(history.incident, now, resolved=resolved)
            assert replace(state(history.incident), acks=with_ended(history.incident, ended)) == state(change.incident)
            assert () == change.timers

    @given(st.none() | near_moments.filter(lambda moment: moment != NOON))
    def test_does_nothing_when_the_end_was_moved(self, end_time):
        incident = incident_of(end_time=end_time)

        change = pass_time(incident, Timer(incident.id, TimerKind.END_REACHED, 0, NOON), NOON + 1_000 * DAY)

        assert Change(incident=incident, events=()) == change

    @given(st.none() | near_moments.filter(lambda moment: moment != NOON))
    def test_does_nothing_when_the_expiration_was_moved(self, expiration):
        incident = incident_of(acks=(Acknowledgement(NEW, expiration),))

        change = pass_time(incident, Timer(incident.id, TimerKind.ACK_EXPIRED, NEW, NOON), NOON + 1_000 * DAY)

        assert Change(incident=incident, events=()) == change

    def test_does_nothing_to_an_acknowledgement_that_is_not_there(self):
        incident = incident_of()

        change = pass_time(incident, Timer(incident.id, TimerKind.ACK_EXPIRED, NEW, NOON), NOON)

        assert change.events == ()

    def test_expires_each_of_two_acknowledgements_that_end_together(self):
        twins = (Acknowledgement(EventId(7), NOON), Acknowledgement(EventId(8), NOON))
        incident, journal = incident_of(acks=twins), []
        for timer in set_times(incident):
            change = pass_time(incident, timer, NOON, journal)
            incident, journal = change.incident, [*journal, *change.events]

        assert [7, 8] == [event.changes.ack.id for event in journal]
        assert twins == incident.acks
