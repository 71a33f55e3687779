"""No more than so many attempts fit into any window, and nobody waits longer than needed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.throttle import WINDOW, login_limits, reset_limits, wait
from strategies import MICROSECOND, NOON

spans = st.integers(0, 40).map(lambda minutes: minutes * timedelta(minutes=1))
moments = st.lists(spans.map(lambda span: NOON - span))


@given(moments, st.integers(1, 5))
def test_one_may_try_exactly_when_fewer_attempts_than_the_limit_lie_within_the_window(tried, most):
    recent = [moment for moment in tried if NOON - WINDOW < moment <= NOON]

    assert (len(recent) < most) == (wait(tried, most, NOON) == timedelta())


@given(moments, st.integers(1, 5))
def test_after_waiting_one_may_try_and_not_a_moment_before(tried, most):
    pause = wait(tried, most, NOON)

    assert timedelta() <= pause <= WINDOW
    assert wait(tried, most, NOON + pause) == timedelta()
    assert not pause or wait(tried, most, NOON + pause - MICROSECOND) > timedelta()


@given(st.lists(st.integers(1, 300).map(lambda seconds: seconds * timedelta(seconds=1)), max_size=60), st.integers(1, 5))
def test_whoever_keeps_to_it_never_makes_more_attempts_in_a_window(pauses, most):
    now, made = NOON, []
    for pause in pauses:
        now += pause
        if not wait(made, most, now):
            made.append(now)

    assert all(len([one for one in made if last - WINDOW < one <= last]) <= most for last in made)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("a socket", "a socket", True),
    ],
)
def test_an_address_stands_for_whoever_can_choose_it(one, other, same):
    assert same == (login_limits("ola", one)[1] == login_limits("ola", other)[1])


def test_what_comes_from_nowhere_is_limited_by_account_only():
    assert [["log in as ola"], ["reset for ola@example.org"]] == [
        [limit.subject for limit in limits] for limits in (login_limits("ola", ""), reset_limits("OLA@example.org", ""))
    ]
