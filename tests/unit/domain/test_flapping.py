"""What flaps, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.budgets import most_within
from argus_core.domain.errors import Invalid
from argus_core.domain.flapping import LOOKED_FOR, Flaps, Threshold, Thresholds, check_threshold, flap_key, parse_threshold
from argus_core.domain.holds import Keeper
from strategies import NOON, incidents

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

thresholds = st.builds(Threshold, st.integers(1, 3), st.integers(1, 100).map(lambda seconds: seconds * SECOND))
histories = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=20)


@given(thresholds, histories)
def test_it_begins_above_the_threshold_and_ends_when_it_is_quiet(threshold, history):
    """
    What has not ended so often within a span does not flap; what has does, as long as every pause is shorter than the span.
    """
    flaps, now, ends, flapping = Flaps(), NOON, [], False
    for seconds, ended in history:
        now += seconds * SECOND
        flapping = flapping and seconds * SECOND < threshold.within
        ends += [now] if ended else []
        recent = [end for end in ends if end + threshold.within > now]
        flapping = flapping or (ended and most_within(recent, threshold.within) > threshold.most)
        flaps = threshold.after(flaps, now, ended=ended)

        assert flapping == flaps.flaps(now)
        assert not flaps.flaps(now + threshold.within)
        assert now == flaps.changed
        assert len(flaps.ended) <= threshold.most + 1


@given(thresholds, histories)
def test_what_was_held_to_flap_is_what_shows(threshold, history):
    """
    One rule for both: what keeps messages back at some moment is what has flapped when one looks back at its ends.
    """
    flaps, now, ends, flapping = Flaps(), NOON, [], False
    for seconds, ended in history:
        now += seconds * SECOND
        ends += [now] if ended else []
        flaps = threshold.after(flaps, now, ended=ended)
        flapping = flapping or flaps.flaps(now)

    assert flapping == threshold.was_exceeded(ends)


def test_where_nothing_is_held_to_flap_it_shows_all_the_same():
    usual = Threshold(5, 30 * MINUTE)
    some = Thresholds.spelled(usual, {1: "1/30m", 2: "off"})
    nothing = Thresholds.spelled(None, {2: "off"})

    assert [Threshold(1, 30 * MINUTE), LOOKED_FOR, usual] == [some.to_show(number) for number in (1, 2, 3)]
    assert [LOOKED_FOR, LOOKED_FOR] == [nothing.to_show(number) for number in (1, 2)]
    assert (1, LOOKED_FOR.most) == (some.fewest, nothing.fewest)


@given(incidents, incidents)
def test_what_flaps_is_a_source_with_a_set_of_tags(one, other):
    tagged = replace(one, tags=other.tags)

    assert (flap_key(tagged) == flap_key(replace(other, source=one.source))) == bool(other.tags or one.id == other.id)
    assert flap_key(one) == flap_key(replace(one, tags=tuple(reversed(one.tags)), description="Another", level=other.level))
    assert 0 <= flap_key(one) < 2**63


@pytest.mark.parametrize(("text", "threshold"), [("off", None), ("5/30m", Threshold(5, 30 * MINUTE))])
def test_thresholds_are_spelled(text, threshold):
    assert threshold == parse_threshold(text)


def test_a_source_has_its_own_threshold_or_none_or_the_usual_one():
    usual = Threshold(2, MINUTE)
    thresholds = Thresholds.spelled(usual, {1: "5/30m", 2: "off"})

    assert [Threshold(5, 30 * MINUTE), None, usual] == [thresholds.of(number) for number in (1, 2, 3)]
    assert None is Thresholds().of(1)


@pytest.mark.parametrize("text", ["5", "0/5m", "5/8d", "never", "off "])
def test_what_is_no_threshold_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        check_threshold(text)

    assert ["flapping"] == list(refusal.value.errors)


@pytest.mark.parametrize("text", ["", "off", "5/30m"])
def test_what_is_a_threshold_is_none_to_complain_of(text):
    check_threshold(text)


def test_a_hold_says_why_and_until_when():
    hold = Threshold(5, 30 * MINUTE).hold(7, NOON)

    assert (Keeper.FLAPPING, 7, NOON) == (hold.keeper, hold.subject, hold.due)
    assert "5 times in 30 minutes" in hold.reason
