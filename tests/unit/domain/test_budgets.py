"""What a budget lets go, puts off and holds."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.budgets import Budget, Goes, Held, Message, Purse, Waits, most_within, parse_budget
from argus_core.domain.holds import Hold, Keeper
from strategies import NOON

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

budgets = st.builds(Budget, st.integers(1, 4), st.integers(1, 60).map(lambda seconds: seconds * SECOND))
messages = st.builds(Message, free=st.booleans(), whole=st.booleans(), follows=st.booleans())
turns = st.lists(st.tuples(st.integers(0, 40), st.lists(messages, max_size=6)), max_size=12)


@given(budgets, turns)
def test_never_more_goes_than_the_budget_allows(budget, turns):
    """
    However messages come, no span has more that count than the budget; what is free always goes, and never counts.
    """
    purse, now, counted = Purse(), NOON, []
    for seconds, due in turns:
        now += seconds * SECOND
        purse, judgements = budget.judge(purse, due, now)
        counted += [now for verdict in judgements if verdict == Goes(counted=True)]
        for message, verdict in zip(due, judgements, strict=True):
            assert message.free == (verdict == Goes(counted=False))
            assert message.whole or not isinstance(verdict, Waits)
            assert not (message.whole and isinstance(verdict, Held))

    assert most_within(counted, budget.within) <= budget.most


@given(budgets, turns)
def test_what_is_kept_back_is_told_soon_and_there_is_room_for_it(budget, turns):
    """
    The roundup is due within the span, and nothing that could go one by one takes its room until then.
    """
    purse, now = Purse(), NOON
    for seconds, due in turns:
        now += seconds * SECOND
        before, (purse, judgements) = purse, budget.judge(purse, [Message(follows=one.follows) for one in due], now)
        for verdict in judgements:
            if isinstance(verdict, Held):
                assert now < verdict.until <= now + budget.within
        if purse.closed_until is not None and purse.closed_until > now:
            assert [Goes(counted=True)] == budget.judge(purse, [Message(whole=True)], purse.closed_until)[1]
            assert before.closed_until is None or before.closed_until <= purse.closed_until


def test_a_storm_is_its_beginning_and_one_roundup():
    budget = Budget(2, 5 * MINUTE)

    purse, judgements = budget.judge(Purse(), [Message()] * 4, NOON)
    later, silent = budget.judge(purse, [Message(), Message(whole=True)], NOON + MINUTE)
    _, over = budget.judge(later, [Message(), Message(whole=True), Message()], NOON + 5 * MINUTE)

    assert [Goes(True), Goes(True), Held(NOON + 5 * MINUTE), Held(NOON + 5 * MINUTE)] == judgements
    assert [Held(NOON + 5 * MINUTE), Waits(NOON + 5 * MINUTE)] == silent
    assert [Goes(True), Goes(True), Held(NOON + 10 * MINUTE)] == over


def test_what_began_in_a_roundup_goes_on_in_one_though_there_is_room():
    purse, judgements = Budget(2, MINUTE).judge(Purse(), [Message(follows=True), Message()], NOON)

    assert [Held(NOON + MINUTE), Goes(True)] == judgements
    assert Purse((NOON,)) == purse


def test_a_smaller_span_ends_what_a_longer_one_has_closed():
    before, after = Budget(1, timedelta(days=1)), Budget(60, timedelta(minutes=5))
    purse, _ = before.judge(Purse(), [Message()] * 2, NOON)
    later = NOON + timedelta(hours=1)

    purse, (verdict,) = after.judge(purse, [Message()], later)

    assert Held(later + after.within) == verdict
    assert [Goes(counted=True)] == after.judge(purse, [Message()], later + after.within)[1]


def test_what_did_not_go_is_taken_out_once():
    purse = Purse((NOON, NOON, NOON + MINUTE))

    assert (NOON, NOON + MINUTE) == purse.without(NOON).sent
    assert purse == purse.without(NOON + SECOND)


@given(st.lists(st.integers(0, 300), max_size=30).map(sorted), budgets)
def test_what_would_be_above_is_what_is_held(seconds, budget):
    moments = [NOON + second * SECOND for second in seconds]

    above = budget.above(moments)

    assert (above == 0) == (most_within(moments, budget.within) <= budget.most)


@pytest.mark.parametrize(
    ("text", "budget", "spoken"),
    [
        ("20/5m", Budget(20, 5 * MINUTE), "20 messages in 5 minutes"),
        ("1/1h", Budget(1, 60 * MINUTE), "1 message in 1 hour"),
        ("100/90s", Budget(100, 90 * SECOND), "100 messages in 90 seconds"),
        ("9/1d", Budget(9, timedelta(days=1)), "9 messages in 1 day"),
    ],
)
def test_budgets_are_spelled(text, budget, spoken):
    assert (budget, spoken) == (parse_budget(text), str(budget))


@pytest.mark.parametrize("text", ["", "20", "20/m", "0/5m", "20/0m", "-1/5m", "20/5w", "10001/1m", "20/8d", "OFF", "2 0/5m", "٢/5m"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match="budget"):
        parse_budget(text)


def test_a_budget_can_be_off():
    assert parse_budget("off") is None


def test_roundups_come_earlier_or_later_by_their_keeper():
    """
    What comes later puts a roundup off only where it waits for quiet; what says no time changes none.
    """

    def put_off(keeper, due):
        return Hold(keeper=keeper, reason="", due=due).put_off(NOON)

    assert [NOON - MINUTE, NOON] == [put_off(Keeper.BUDGET, NOON + shift) for shift in (-MINUTE, MINUTE)]
    assert [NOON, NOON + MINUTE] == [put_off(Keeper.FLAPPING, NOON + shift) for shift in (-MINUTE, MINUTE)]
    assert NOON == put_off(Keeper.MAINTENANCE, None)
    assert {Keeper.BUDGET, Keeper.FLAPPING} == {keeper for keeper in Keeper if keeper.spares_critical}
