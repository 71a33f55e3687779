"""Expressions survive their form, and grow and shrink by its buttons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.web.forms import Form
from adapters.web.notifications import builder
from adapters.web.notifications.builder import EMPTY, Node, condition_of, node_of
from adapters.web.wording import say
from argus_core.domain.errors import Invalid
from argus_core.domain.expressions import parse
from argus_core.domain.filters import All, Condition, Either, IsOpen, LevelAtMost, Not, TextHas, holds
from strategies import incidents, moments


def leaves():
    return st.one_of(
        st.tuples(st.sampled_from(builder.SWITCHES), st.booleans()),
        st.tuples(st.just("maxlevel"), st.integers(1, 5)),
        st.tuples(st.just("tags"), st.lists(st.sampled_from(["a=1", "b=2", "c=x y"]), min_size=1, max_size=3)),
        st.tuples(st.just("sources"), st.lists(st.integers(1, 9), min_size=1, max_size=3)),
        st.tuples(st.just("sourceTypes"), st.lists(st.sampled_from(["nav", "zabbix"]), min_size=1, max_size=2)),
        st.tuples(st.just("eventTypes"), st.lists(st.sampled_from(["STA", "END"]), min_size=1, max_size=2)),
        st.tuples(st.just("text"), st.sampled_from(["down", "link up"])),
        st.tuples(st.just("minDuration"), st.integers(1, 90)),
    ).map(lambda pair: dict([pair]))


expressions = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda of: {"all": of}),
        st.lists(inner, min_size=1, max_size=3).map(lambda of: {"any": of}),
        inner.map(lambda of: {"not": of}),
    ),
    max_leaves=8,
).map(parse)


def filled_in(node: Node, **more) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in [*node.named(), *more.items()]:
        values.setdefault(name, []).append(value)
    return Form(values)


def test_a_group_within_a_group_that_has_nothing_else_is_no_group():
    alone = parse({"open": False})

    assert alone == condition_of(builder.read(filled_in(node_of(All((All((alone,)),))))))


@given(expressions, incidents, moments)
def test_an_expression_survives_its_form(expression: Condition, incident, now):
    """
    What comes back means the same, and is the same from then on.
    """
    once = condition_of(builder.read(filled_in(node_of(expression))))
    again = condition_of(builder.read(filled_in(node_of(once))))

    assert holds(expression, incident, now) == holds(once, incident, now)
    assert again == once


@given(expressions)
def test_every_expression_can_be_said(expression: Condition):
    assert say(expression, {}).words


def test_without_anything_in_it_there_is_no_expression():
    assert condition_of(builder.read(Form())) is None
    assert EMPTY == node_of(None)


def test_buttons_add_and_remove():
    node = EMPTY
    for path, kind in (("e", "any"), ("e.0", "open"), ("e.0", "text")):
        node = builder.after(node, filled_in(node, do=f"add:{path}", **{f"{path}.add": kind}))
    grown = [part.kind for part in node.parts[0].parts]
    node = builder.after(node, filled_in(node, do="drop:e.0.0"))

    assert ["open", "text"] == grown
    assert ["text"] == [part.kind for part in node.parts[0].parts]


@pytest.mark.parametrize("do", ["", "add:e", "add:e.7", "drop:e", "drop:e.7", "drop:x", "explode"])
def test_buttons_that_are_not_there_change_nothing(do):
    node = Node("all", parts=(Node("open", ("yes",)),))

    assert node == builder.after(node, filled_in(node, do=do, **{"e.add": "nonsense", "e.7.add": "open"}))


def test_what_is_wrong_is_said_where_it_is():
    node = Node("all", parts=(Node("any"), Node("tags", ("lame",)), Node("none", parts=(Node("minDuration", ("soon",)),))))

    with pytest.raises(Invalid) as caught:
        condition_of(node)

    assert {
        "e.0": "Put something into this group, or remove it.",
        "e.1": "The tag does not have its delimiter: =.",
        "e.2.0": caught.value.errors["e.2.0"],
    } == caught.value.errors


def test_a_group_in_none_of_these_stays_a_group():
    node = Node("none", parts=(Node("any", parts=(Node("open", ("no",)),)),))

    assert (node,) == node_of(condition_of(Node("all", parts=(node,)))).parts


def test_none_of_several_is_not_at_least_one():
    node = Node("none", parts=(Node("open", ("yes",)), Node("maxlevel", ("1",))))

    assert Not(Either((IsOpen(), LevelAtMost(1)))) == condition_of(node)


def test_one_condition_alone_needs_no_group():
    assert TextHas("down") == condition_of(Node("all", parts=(Node("text", (" down ",)),)))


def test_what_is_too_deep_is_cut():
    values = {f"e{'.0' * depth}.kind": ["all"] for depth in range(40)}

    assert builder.read(Form(values))


def test_words_nest():
    said = say(All((IsOpen(), Not(Either((LevelAtMost(1), IsOpen()))))), {})

    assert ["is open", "does not meet this:"] == [part.words for part in said.parts]
    assert ["is of level 1 critical", "is open"] == [part.words for part in said.parts[1].parts[0].parts]
