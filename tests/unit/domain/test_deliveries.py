"""Lanes, pauses and breakers, without a store."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain import breakers
from argus_core.domain.breakers import FAILURES, LONGEST, Breaker
from argus_core.domain.deliveries import (
    AT_MOST_EVERY,
    PAUSES,
    SPREAD,
    Delivery,
    DeliveryStatus,
    Outcome,
    Report,
    first_lane,
    pause_after,
    settled,
    urgent_share,
)
from strategies import NOON, SECOND

LEASE = timedelta(minutes=2)
chances = st.floats(0, 1)


def delivery(id_):
    return Delivery(
        id=id_, incident_id=1, event_id=id_, version=id_, destination_id=1, owner=1, medium="email", address="", profiles=(),
        created=NOON, since=NOON,
    )  # fmt: skip


@given(st.integers(1, 100), chances)
def test_pauses_grow_to_half_an_hour_give_or_take_a_fifth(failures, chance):
    pause = pause_after(failures, chance)

    assert PAUSES[min(failures, 5) - 1] * (1 - SPREAD) <= pause <= PAUSES[min(failures, 5) - 1] * (1 + SPREAD)


def test_a_new_lane_is_due():
    assert first_lane(NOON).may_be_claimed(NOON)


def test_one_at_a_time():
    lane = first_lane(NOON).claimed(5, NOON, LEASE)

    assert not lane.may_be_claimed(NOON + LEASE - SECOND)
    assert lane.may_be_claimed(NOON + LEASE)


def test_news_hurry_a_lane_but_not_more_than_once_a_minute():
    failed = first_lane(NOON).claimed(5, NOON, LEASE).failed(NOON + SECOND, timedelta(minutes=30), unknown=False)

    assert NOON + AT_MOST_EVERY == failed.heard(NOON + 2 * SECOND).due
    assert NOON + 2 * AT_MOST_EVERY == failed.heard(NOON + 2 * AT_MOST_EVERY).due
    assert NOON + 5 * SECOND == replace(failed, due=NOON + 5 * SECOND).heard(NOON + 3 * SECOND).due


def test_a_lane_stays_urgent():
    """
    Whatever comes after it, and whatever becomes of it.
    """
    lane = first_lane(NOON).heard(NOON, urgent=True).heard(NOON)

    assert lane.urgent
    assert lane.claimed(5, NOON, LEASE).failed(NOON, SECOND, unknown=False).urgent
    assert not first_lane(NOON).heard(NOON).urgent


@given(st.integers(-9, 10_000))
def test_of_all_room_a_quarter_is_not_for_what_is_urgent(room):
    """
    And of any room some is.
    """
    share = urgent_share(room)

    assert (share > 0) == (room > 0)
    assert 0 <= share <= max(room, 0)
    assert room <= 1 or 4 * (room - share) >= room
    assert room <= 4 or 3 * room <= 4 * share + 4


def test_what_may_have_arrived_is_remembered_until_it_is_known():
    lane = first_lane(NOON).claimed(5, NOON, LEASE)

    assert 5 == lane.failed(NOON, SECOND, unknown=True).claimed(9, NOON, LEASE).upto
    assert 9 == lane.failed(NOON, SECOND, unknown=False).claimed(9, NOON, LEASE).upto
    assert 9 == lane.succeeded(NOON).claimed(9, NOON, LEASE).upto
    assert 5 == lane.released(NOON, repeats=True).upto
    assert lane.released(NOON, repeats=False).upto is None
    assert lane.cleared().upto is None


@pytest.mark.parametrize(("outcome", "status"), [(Outcome.SENT, DeliveryStatus.SENT), (Outcome.REFUSED, DeliveryStatus.GIVEN_UP)])
def test_the_newest_carries_the_others(outcome, status):
    first, second, third = settled([delivery(1), delivery(2), delivery(3)], Report(outcome=outcome, answer="no", seconds=1), NOON)

    assert [(DeliveryStatus.MERGED, 3)] * 2 == [(one.status, one.merged_into) for one in (first, second)]
    assert (status, None, NOON) == (third.status, third.merged_into, third.finished)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNKNOWN])
def test_what_goes_on_is_not_settled(outcome):
    with pytest.raises(ValueError, match="goes on"):
        settled([delivery(1)], Report(outcome=outcome, answer="", seconds=1), NOON)


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try_later():
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker = breaker.after(worked=False, now=0)
    assert breaker.is_closed

    opened = breaker.after(worked=False, now=0)

    assert not opened.is_closed
    assert not opened.lets_pass(breakers.PAUSE - 1)
    assert opened.lets_pass(breakers.PAUSE)
    assert opened.after(worked=True, now=40) == Breaker()


@given(st.integers(0, 2_000))
def test_a_breaker_stays_open_for_minutes_at_most(failures):
    breaker = Breaker(failures).after(worked=False, now=0)

    assert breaker.lets_pass(LONGEST)
