"""Who may do what, by role and by scope."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.actors import Actor, Scope
from argus_core.domain.errors import (
    MayNotNameSource,
    NotAllowed,
    NotFound,
    OnlyEndUsersAcknowledge,
    OnlySourcesBeat,
    OnlySourcesReport,
    ScopeTooNarrow,
)
from argus_core.domain.permissions import RULES, Act, Role, allows, confined_to, covers, keeping, require, require_within, roles_of
from argus_core.domain.sources import Source

NAV = Source(id=1, name="oslo", type="nav", user_id=1)
actors = st.builds(
    Actor,
    id=st.just(1),
    username=st.just("ola"),
    source=st.none() | st.just(NAV),
    staff=st.booleans(),
    superuser=st.booleans(),
    scope=st.sampled_from(Scope),
)


@given(actors, st.sampled_from(Act))
def test_whoever_has_a_role_and_a_scope_that_an_act_takes_may_do_it(actor, act):
    """
    One of the roles and one of the scopes is enough, and both are needed.
    """
    may = bool(RULES[act].roles & roles_of(actor)) and actor.scope in RULES[act].scopes

    try:
        require(actor, act)
    except NotAllowed:
        assert not may
    else:
        assert may


@given(actors)
def test_everybody_is_an_end_user_or_else_a_source(actor):
    assert 1 == len({Role.END_USER, Role.SOURCE} & roles_of(actor))


def test_scopes_lie_within_each_other():
    order = [Scope.READ, Scope.INCIDENTS, Scope.ALL]

    assert [[covers(one, other) for other in order] for one in order] == [[True, False, False], [True, True, False], [True, True, True]]


def test_reading_changes_nothing_and_writing_is_about_incidents():
    assert {Act.READ, Act.KEEP_TOKEN, Act.READ_METRICS} == {act for act in Act if allows(Scope.READ, act)}
    assert {Act.REPORT, Act.NAME_SOURCE, Act.POST, Act.CHANGE, Act.ACKNOWLEDGE, Act.BEAT} == {
        act for act in Act if allows(Scope.INCIDENTS, act) and not allows(Scope.READ, act)
    }


def test_a_scope_that_is_too_narrow_is_told_with_those_that_are_not():
    with pytest.raises(ScopeTooNarrow) as refusal:
        require(Actor(id=1, username="ola", scope=Scope.READ), Act.POST)

    assert refusal.value.message == 'This token has the scope "read"; that needs one with the scope "incidents:write" or "all".'


@pytest.mark.parametrize(
    ("act", "source", "refusal"),
    [
        (Act.REPORT, None, OnlySourcesReport),
        (Act.NAME_SOURCE, NAV, MayNotNameSource),
        (Act.ACKNOWLEDGE, NAV, OnlyEndUsersAcknowledge),
        (Act.BEAT, None, OnlySourcesBeat),
        (Act.MANAGE_SOURCES, None, NotAllowed),
        (Act.READ_AUDIT, NAV, NotAllowed),
    ],
)
def test_a_role_that_is_missing_is_told_in_a_sentence(act, source, refusal):
    with pytest.raises(refusal) as raised:
        require(Actor(id=1, username="ola", source=source), act)

    assert (refusal, True) == (type(raised.value), raised.value.message.endswith((".", "leave `source` out.")))


def test_whoever_keeps_something_keeps_what_is_their_own():
    assert keeping(Actor(id=7, username="ola")) == 7


def test_sources_are_confined_when_that_is_wished_and_superusers_never():
    robot, root = Actor(id=1, username="oslo", source=NAV), Actor(id=1, username="oslo", source=NAV, superuser=True)

    assert [NAV, None, None] == [
        confined_to(robot, own_only=True),
        confined_to(robot, own_only=False),
        confined_to(root, own_only=True),
    ]
    assert confined_to(Actor(id=2, username="ola"), own_only=True) is None


def test_what_lies_outside_is_not_there():
    require_within(None, 2)
    require_within(NAV, 1)
    with pytest.raises(NotFound):
        require_within(NAV, 2)
