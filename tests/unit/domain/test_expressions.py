"""Conditions as JSON."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as some
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import DEPTH, MEMBERS, MOST_CLAUSES, parse, written
from argus_core.domain.filters import (
    All,
    Either,
    EventTypeIn,
    HasTag,
    IsOpen,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceTyped,
    TextHas,
)
from argus_core.domain.incidents import EventType

words = some.texts.filter(str.strip)
tags = st.tuples(st.sampled_from(["a", "host"]), some.texts).map("=".join)
clauses = st.one_of(
    st.sampled_from(["open", "closed", "acked", "stateful", "ticket"]).flatmap(lambda name: st.booleans().map(lambda on: {name: on})),
    st.integers(1, 5).map(lambda level: {"maxlevel": level}),
    st.integers(1, 10**6).map(lambda minutes: {"minDuration": minutes}),
    st.lists(tags, min_size=1, max_size=3).map(lambda found: {"tags": found}),
    st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=3).map(lambda ids: {"sources": ids}),
    st.lists(words, min_size=1, max_size=3).map(lambda names: {"sourceTypes": names}),
    st.lists(st.sampled_from([type_.value for type_ in EventType if not type_.internal]), min_size=1).map(
        lambda types: {"eventTypes": types}
    ),
    words.map(lambda text: {"text": text}),
)
expressions = st.recursive(
    clauses,
    lambda parts: (
        st.lists(parts, min_size=1, max_size=3).map(lambda of: {"all": of})
        | st.lists(parts, min_size=1, max_size=3).map(lambda of: {"any": of})
        | parts.map(lambda part: {"not": part})
    ),
    max_leaves=6,
)


@given(expressions)
def test_what_is_parsed_can_be_written_and_parsed_again(expression):
    """
    parse(written(condition)) is the condition, also after the JSON has been stored as text.
    """
    condition = parse(expression)

    assert condition == parse(json.loads(json.dumps(written(condition))))


def test_each_key_means_its_clause():
    """
    An example that holds every kind of clause.
    """
    expression = {
        "all": [
            {"any": [{"tags": ["a=1", "b=2"]}, {"sources": [3]}, {"sourceTypes": ["nav"]}]},
            {"not": {"text": "planned"}},
            {"open": True},
            {"eventTypes": ["STA", "END"]},
            {"maxlevel": 2},
            {"minDuration": 90},
            {"open": False},
        ]
    }
    tree = All(
        (
            Either((HasTag(frozenset({"a=1", "b=2"})), SourceIn(frozenset({3})), SourceTyped(frozenset({"nav"})))),
            Not(TextHas("planned")),
            IsOpen(),
            EventTypeIn(frozenset({EventType.START, EventType.END})),
            LevelAtMost(2),
            LastedAtLeast(timedelta(minutes=90)),
            Not(IsOpen()),
        )
    )

    assert tree == parse(expression)


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ({}, "expression"),
        ([], "expression"),
        ("open", "expression"),
        (None, "expression"),
        ({"open": True, "acked": True}, "expression"),
        ({"closed": 1}, "expression/closed"),
        ({"level": 3}, "expression/level"),
        ({"all": []}, "expression/all"),
        ({"any": "x"}, "expression/any"),
        ({"any": [{"open": True}, {"maxlevel": 6}]}, "expression/any/1/maxlevel"),
        ({"not": {"all": [{"tags": ["ab"]}]}}, "expression/not/all/0/tags/0"),
        ({"tags": [1]}, "expression/tags/0"),
        ({"text": " "}, "expression/text"),
        ({"text": "\0"}, "expression/text"),
        ({"sources": [0]}, "expression/sources/0"),
        ({"sources": [True]}, "expression/sources/0"),
        ({"sources": ["1"]}, "expression/sources/0"),
        ({"eventTypes": ["end-reached"]}, "expression/eventTypes/0"),
        ({"eventTypes": [{}]}, "expression/eventTypes/0"),
        ({"minDuration": 0}, "expression/minDuration"),
        ({"tags": ["a=b"] * (MEMBERS + 1)}, "expression/tags"),
    ],
)
def test_what_is_wrong_is_told_by_place(expression, place):
    """
    The key of the error is the path to what is wrong.
    """
    with pytest.raises(Invalid) as refused:
        parse(expression)

    assert [place] == list(refused.value.errors)


def test_nesting_is_bounded():
    """
    A tree may be so deep and no deeper, so that nobody's filter can exhaust a stack.
    """
    expression = {"open": True}
    for _ in range(DEPTH):
        expression = {"not": expression}
    parse(expression)

    with pytest.raises(Invalid, match="nested"):
        parse({"not": expression})


@given(some.json_values)
def test_any_json_is_parsed_or_refused(value):
    """
    Whatever somebody sends is a condition or a refusal, never anything else.
    """
    with suppress(Invalid):
        parse(value)


def test_there_are_only_so_many_clauses():
    """All of them together, however they are nested: a store takes a bounded number of values."""
    half = {"any": [{"not": {"open": True}}] * (MOST_CLAUSES // 4 - 1)}

    parse({"all": [half, half]})
    with pytest.raises(Invalid) as refusal:
        parse({"all": [half, half, {"acked": True}, {"acked": True}, {"acked": True}, {"acked": True}]})

    assert ["expression"] == list(refusal.value.errors)


def test_clauses_of_queries_cannot_be_kept():
    """
    What only query parameters can say has no JSON, and says so.
    """
    with pytest.raises(ValueError, match="KeyIs"):
        written(KeyIs("12345"))
