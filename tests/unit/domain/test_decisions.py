"""Who hears of an event, found by the plain rules and by the index, and explained."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.audience import Audience, marks_of
from argus_core.domain.decisions import fires, gathered, judge, who_hears
from argus_core.domain.destinations import Destination
from argus_core.domain.filters import All, Either, EventTypeIn, HasTag, IsOpen, LevelAtMost, Not, SourceIn, SourceTyped, TextHas
from argus_core.domain.ids import DestinationId
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.profiles import Belongings, Profile, WholeProfile
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.domain.transitions import IncidentReport
from strategies import NOON, begin, belongings, happenings

ALWAYS = Timeslot(id=1, owner=1, name="always", zone="UTC", recurrences=(Recurrence(days=EVERY_DAY),))
NEVER = replace(ALWAYS, recurrences=())
MAIL = Destination(id=DestinationId(7), owner=1, medium="email", settings={})
START = begin(IncidentReport(start_time=NOON))
NEW = Happening(START.incident, START.events[0])


def wanting(*definitions, timeslot=ALWAYS, destinations=(MAIL,), **fields):
    filters = tuple(SavedFilter(id=n, owner=1, name=f"{n}", definition=definition) for n, definition in enumerate(definitions))
    profile = Profile(id=3, owner=1, name="p", timeslot_id=timeslot.id, filter_ids=tuple(filter_.id for filter_ in filters), **fields)
    return WholeProfile(profile=profile, timeslot=timeslot, filters=filters, destinations=destinations)


OPEN = FilterDefinition(open=True)


@pytest.mark.parametrize(
    ("fired", "profile"),
    [
        (True, wanting(OPEN)),
        (False, wanting(OPEN, active=False)),
        (False, wanting(OPEN, timeslot=NEVER)),
        (False, wanting(OPEN, FilterDefinition(open=False))),
        (False, wanting(OPEN, FilterDefinition())),
        (False, wanting(FilterDefinition())),
        (False, wanting()),
        (True, wanting(FilterDefinition(event_type=EventType.START))),
        (False, wanting(FilterDefinition(event_type=EventType.END))),
    ],
)
def test_a_profile_fires_when_it_is_active_all_its_filters_match_and_it_is_its_time(fired, profile):
    assert (fired, fired) == (fires(profile, NEW), judge(profile, NEW).fired)


def test_a_destination_hears_once_however_many_profiles_ask():
    first, second = wanting(OPEN), wanting(OPEN, destinations=(MAIL, replace(MAIL, id=DestinationId(5))))
    second = replace(second, profile=replace(second.profile, id=9))

    told = who_hears([second, first], NEW)

    assert [(5, [9]), (7, [3, 9])] == [(one.destination.id, [profile.id for profile in one.profiles]) for one in told]


def test_the_verdict_shows_what_decided():
    verdict = judge(wanting(OPEN, FilterDefinition(), timeslot=NEVER), NEW)

    assert not verdict.in_timeslot
    assert [(True, True), (False, False)] == [(one.held, one.explanation is not None) for one in verdict.filters]


@given(st.data())
def test_the_verdict_says_what_the_rules_say(data):
    happening, texts = data.draw(happenings())
    owned = data.draw(belongings(happening, texts))
    for profile in map(owned.whole, owned.profiles):
        assert fires(profile, happening, texts) == judge(profile, happening, texts).fired


@given(st.data())
def test_the_index_finds_whom_the_rules_find(data):
    """
    Whatever people had before, changed and gave up.
    """
    happening, texts = data.draw(happenings())
    audience = Audience()
    present = {}
    for owner in data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=5)):
        present[owner] = data.draw(st.just(Belongings()) | belongings(happening, texts, owner))
        audience.know(owner, present[owner])
    everybodys = [owned.whole(profile) for owned in present.values() for profile in owned.profiles]

    singly = [whole for whole, fired in audience.judged_singly(happening, texts) if fired]

    assert who_hears(everybodys, happening, texts) == audience.who_hears(happening, texts) == gathered(singly, happening)


@given(st.data())
def test_who_gives_up_everything_leaves_nothing_behind(data):
    happening, texts = data.draw(happenings())
    audience = Audience()
    audience.know(1, data.draw(belongings(happening, texts)))

    audience.know(1, Belongings())

    assert () == audience.who_hears(happening, texts)
    assert not audience.reads_texts
    assert ({}, {}, {}) == (audience._of, audience._wishes, audience._found)


def test_texts_matter_if_somebody_reads_them():
    audience = Audience()
    filter_ = SavedFilter(id=1, owner=1, name="f", definition=FilterDefinition(expression=TextHas("down")))
    profile = Profile(id=3, owner=1, name="p", timeslot_id=1, filter_ids=(1,), destination_ids=(7,))
    audience.know(1, Belongings(timeslots=(ALWAYS,), filters=(filter_,), destinations=(MAIL,), profiles=(profile,)))

    assert audience.reads_texts
    assert () == audience.who_hears(NEW, ["", "up"])
    assert [MAIL] == [told.destination for told in audience.who_hears(NEW, ["", "Router DOWN"])]


@pytest.mark.parametrize(
    ("condition", "marks"),
    [
        (HasTag(frozenset({"a=b", "c=d"})), {("tag", "a=b"), ("tag", "c=d")}),
        (SourceIn(frozenset({1})), {("source", 1)}),
        (SourceTyped(frozenset({"nav"})), {("type", "nav")}),
        (EventTypeIn(frozenset({EventType.END})), {("event", EventType.END)}),
        (LevelAtMost(2), {("level", 1), ("level", 2)}),
        (All((SourceIn(frozenset({1})), HasTag(frozenset({"a=b"})), IsOpen())), {("tag", "a=b")}),
        (Either((SourceIn(frozenset({1})), HasTag(frozenset({"a=b"})))), {("source", 1), ("tag", "a=b")}),
        (Either((SourceIn(frozenset({1})), IsOpen())), None),
        (Either(()), set()),
        (Not(HasTag(frozenset({"a=b"}))), None),
        (All(()), None),
    ],
)
def test_a_condition_is_kept_where_it_is_seldom_met(condition, marks):
    assert marks == marks_of(condition)


def test_what_can_never_fire_has_no_place():
    audience = Audience()

    with pytest.raises(ValueError, match="never fire"):
        audience._add(wanting(FilterDefinition()))


def test_profiles_that_ask_for_the_same_come_and_go_one_by_one():
    audience = Audience()
    filter_ = SavedFilter(id=1, owner=1, name="f", definition=OPEN)
    slots = (ALWAYS, replace(ALWAYS, id=2, name="later", recurrences=(Recurrence(days=frozenset({1})),)))
    profiles = tuple(
        Profile(id=n, owner=1, name=None, timeslot_id=slot, filter_ids=(1,), destination_ids=(7,)) for n, slot in ((3, 1), (4, 1), (5, 2))
    )
    all_of_them = Belongings(timeslots=slots, filters=(filter_,), destinations=(MAIL,), profiles=profiles)
    closed = replace(filter_, definition=FilterDefinition(open=False))
    for owner in (1, 2):
        audience.know(owner, all_of_them)
    audience.know(4, replace(all_of_them, filters=(closed,)))
    audience.know(4, Belongings())

    audience.know(1, replace(all_of_them, profiles=profiles[1:2]))
    audience.know(2, Belongings())

    assert [[4]] == [[profile.id for profile in told.profiles] for told in audience.who_hears(NEW)]


def test_hours_are_looked_at_once_for_all_who_share_them():
    audience = Audience()
    slots = (ALWAYS, replace(NEVER, id=2, name="never"))
    filters = (
        SavedFilter(id=1, owner=1, name="open", definition=OPEN),
        SavedFilter(id=2, owner=1, name="all", definition=FilterDefinition(max_level=5)),
    )
    profiles = tuple(
        Profile(id=10 * slot + filter_, owner=1, name=None, timeslot_id=slot, filter_ids=(filter_,), destination_ids=(7,))
        for slot in (1, 2)
        for filter_ in (1, 2)
    )
    audience.know(1, Belongings(timeslots=slots, filters=filters, destinations=(MAIL,), profiles=profiles))

    assert [[11, 12]] == [[profile.id for profile in told.profiles] for told in audience.who_hears(NEW)]
