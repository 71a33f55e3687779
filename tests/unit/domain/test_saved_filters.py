"""What people's filters amount to."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as some
from argus_core.domain.filters import (
    All,
    Either,
    EventTypeIn,
    HasTag,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    LevelAtMost,
    Not,
    SourceIn,
    TextHas,
    about_incidents,
    explain,
    folded,
    holds,
    reads_texts,
)
from argus_core.domain.incidents import EventType, Incident
from argus_core.domain.saved_filters import FilterDefinition
from argus_core.domain.tags import TagOn

NOON = datetime(2030, 3, 3, 12, tzinfo=UTC)
STARTS = EventTypeIn(frozenset({EventType.START}))

trees = st.recursive(
    some.conditions() | st.sampled_from([STARTS, TextHas("down"), TextHas("Ærlig")]),
    lambda parts: st.lists(parts, max_size=3).map(tuple).map(All) | st.lists(parts, max_size=3).map(tuple).map(Either) | parts.map(Not),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("definition", "condition"),
    [
        (FilterDefinition(), None),
        (FilterDefinition(source_ids=(), tags=(), event_types=()), None),
        (FilterDefinition(source_ids=(1, 2)), SourceIn(frozenset({1, 2}))),
        (FilterDefinition(open=True), IsOpen()),
        (FilterDefinition(open=False), IsClosed()),
        (FilterDefinition(acked=False), Not(IsAcked())),
        (FilterDefinition(stateful=True), IsStateful()),
        (FilterDefinition(max_level=2), LevelAtMost(2)),
        (FilterDefinition(event_type=EventType.START), STARTS),
        (FilterDefinition(event_types=(EventType.START,)), STARTS),
        (FilterDefinition(expression=TextHas("x")), TextHas("x")),
        (FilterDefinition(tags=("a=1", "b=1", "a=2")), All((HasTag(frozenset({"a=1", "a=2"})), HasTag(frozenset({"b=1"}))))),
    ],
)
def test_each_part_of_a_definition_is_a_clause(definition, condition):
    """
    A filter asks for exactly what was given; one that asks for nothing matches nothing.
    """
    assert (None if condition is None else All((condition,))) == definition.condition


def test_all_parts_must_hold():
    """
    The clauses of one filter are a conjunction.
    """
    definition = FilterDefinition(open=True, acked=False, max_level=3)

    assert All((IsOpen(), Not(IsAcked()), LevelAtMost(3))) == definition.condition


def test_previews_ignore_events():
    """
    What is said of events is left out of a preview, and a filter that says nothing else matches nothing there.
    """
    assert None is FilterDefinition().incident_condition
    assert None is FilterDefinition(event_type=EventType.START, event_types=(EventType.END,)).incident_condition
    assert All((IsOpen(),)) == FilterDefinition(open=True, event_type=EventType.START).incident_condition
    assert None is about_incidents(Not(STARTS))
    assert Either((IsOpen(),)) == about_incidents(Either((STARTS, IsOpen(), Not(STARTS))))
    assert All(()) == about_incidents(All(()))


@given(trees)
def test_what_is_left_for_previews_says_nothing_of_events(tree):
    """
    The part about incidents is its own part about incidents.
    """
    left = about_incidents(tree)

    assert left is None or left == about_incidents(left)


@given(trees, some.histories(), st.booleans())
def test_an_explanation_agrees_with_the_decision(tree, history, with_event):
    """
    The whole explanation holds exactly when the condition does, and so does each of its parts.
    """
    event = history.journal[-1] if with_event else None
    texts = [told.description for told in history.journal]
    told = explain(tree, history.incident, history.now, event, texts)

    def check(explanation):
        assert explanation.held == holds(explanation.clause, history.incident, history.now, event, texts)
        for part in explanation.parts:
            check(part)

    assert told.clause == tree
    check(told)


@given(some.histories())
def test_an_event_type_is_about_the_event(history):
    """
    A clause on event types holds of an event of such a type, and of no incident alone.
    """
    event = history.journal[-1]
    clause = EventTypeIn(frozenset({event.type}))

    assert holds(clause, history.incident, history.now, event)
    assert not holds(clause, history.incident, history.now)
    assert not holds(EventTypeIn(frozenset()), history.incident, history.now, event)


@given(some.histories(), st.data())
def test_text_is_found_in_the_incident_and_its_events_in_any_case(history, data):
    """
    Any stretch of any description is found, in capitals or not, wherever these are one letter each.
    """
    texts = [event.description for event in history.journal]
    text = data.draw(st.sampled_from([history.incident.description, *texts]))
    start = data.draw(st.integers(0, len(text)))
    wanted = text[start : start + 5]

    assert holds(TextHas(wanted), history.incident, history.now, texts=texts)
    assert holds(TextHas(folded(wanted)), history.incident, history.now, texts=texts)
    assert reads_texts(Not(All((IsOpen(), TextHas(wanted)))))
    assert not reads_texts(Either((IsOpen(), STARTS)))


def test_a_saved_tag_without_delimiter_matches_nothing_and_says_so():
    """
    It was accepted once, so it is kept; the explanation names it.
    """
    incident = Incident(id=1, version=1, source=some.CAST.sources[0], start_time=NOON, received=NOON, tags=(TagOn("abc=1", 1, NOON),))
    condition = FilterDefinition(tags=("abc",)).condition

    told = explain(condition, incident, NOON)

    assert not told.held
    assert "abc" in told.parts[0].parts[0].note
    assert "" == explain(FilterDefinition(tags=("abc=1",)).condition, incident, NOON).parts[0].parts[0].note


@given(
    st.lists(
        some.conditions()
        | st.sampled_from(
            [IsOpen(), IsClosed(), IsAcked(), Not(IsAcked()), Not(IsStateful()), LevelAtMost(2), LevelAtMost(2.5), LevelAtMost(9)]
        ),
        min_size=1,
        max_size=4,
    ),
    some.incidents,
    some.near_moments,
)
def test_a_definition_asks_for_what_the_condition_does(parts, incident, now):
    """
    Whatever of it has a field of its own, and whatever has not.
    """
    for condition in (All(tuple(parts)), parts[0]):
        asked = FilterDefinition.of(condition).condition or All(())

        assert holds(condition, incident, now) == holds(asked, incident, now)


def test_what_has_a_field_of_its_own_is_said_there():
    condition = All((IsOpen(), Not(IsAcked()), IsStateful(), LevelAtMost(2), SourceIn(frozenset({2, 1})), IsClosed(), TextHas("down")))

    expected = FilterDefinition(
        open=True, acked=False, stateful=True, max_level=2, source_ids=(1, 2), expression=All((IsClosed(), TextHas("down")))
    )
    assert expected == FilterDefinition.of(condition)
    assert FilterDefinition(expression=TextHas("down")) == FilterDefinition.of(TextHas("down"))
