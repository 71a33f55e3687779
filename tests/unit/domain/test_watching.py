"""Which concerns there are, and which incidents of Argus's own follow from them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.accounts import Token
from argus_core.domain.incidents import Level
from argus_core.domain.sources import Source
from argus_core.domain.watching import Concern, Heart, MediumSigns, Signs, concerns, expiring, failing, overdue, plan, silent

NOW = datetime(2030, 3, 3, 12, tzinfo=UTC)
MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)
OSLO = Source(id=7, name="oslo", type="nav", user_id=1)

moments = st.integers(0, 1_000).map(lambda hours: NOW - timedelta(hours=hours))
worries = st.lists(st.builds(Concern, name=st.sampled_from("abcdef"), since=moments, level=st.sampled_from(Level), description=st.text()))


def applied(todo, opened):
    """The keys of the open incidents afterwards."""
    left = {id_: key for id_, key in opened.items() if id_ not in todo.close}
    return left | {max(opened, default=0) + number: concern.key for number, concern in enumerate(todo.open, 1)}


@given(worries, worries)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do_and_one_incident_of_each_concern(before, now):
    opened = applied(plan(before, {}), {})

    after = applied(plan(now, opened), opened)

    assert ([], []) == (plan(now, after).open, plan(now, after).close)
    assert sorted({concern.name for concern in now}) == sorted(key.split(" since ")[0] for key in after.values())


def test_what_began_anew_meanwhile_goes_on_as_one_incident():
    earlier, later = (
        Concern(name="heartbeat 7", since=NOW + span, level=Level.HIGH, description="") for span in (timedelta(), timedelta(hours=1))
    )

    assert ([], []) == (plan([later], {1: earlier.key}).open, plan([later], {1: earlier.key}).close)
    assert earlier.key != later.key


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (89, 0), (90, 0), (91, 1)])
def test_a_source_is_silent_after_one_interval_and_a_half(seconds, expected):
    last = NOW - timedelta(seconds=seconds)

    found = list(silent([Heart(source=OSLO, every=MINUTE, last=last)], NOW))

    assert expected == len(found)
    assert all((last, "silent_source=oslo" in one.tags, "every 1 min" in one.description) == (one.since, True, True) for one in found)


def test_short_intervals_are_told_in_seconds():
    (found,) = silent([Heart(source=OSLO, every=timedelta(seconds=10), last=NOW - MINUTE)], NOW)

    assert "oslo (nav) is silent: no heartbeat since 2030-03-03 11:59:00 UTC, one was due every 10 s." == found.description


def token(id_=1, name="glue", user=1, **left):
    expires = NOW + timedelta(**left) if left else None
    return Token(id=id_, user_id=user, name=name, prefix="abc", digest=b"", created=NOW, expires=expires)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (token(days=6), Level.MODERATE),
        (token(days=8), None),
        (token(days=-1), Level.HIGH),
        (token(days=-8), None),
        (token(), None),
        (token(name="", days=6), None),
    ],
)
def test_named_tokens_are_spoken_of_a_while_before_and_after_they_expire(key, expected):
    found = list(expiring([("ola", key)], NOW, WEEK))

    assert [expected] * bool(expected) == [one.level for one in found]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (token(id_=2, days=90), 0),
        (token(id_=2), 0),
        (token(id_=2, name="other", days=90), 1),
        (token(id_=2, user=2, days=90), 1),
        (token(id_=2, days=6), 2),
    ],
)
def test_a_token_that_has_a_successor_needs_no_care(other, expected):
    assert expected == len(list(expiring([("ola", token(days=5)), ("ola", other)], NOW, WEEK)))


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ((False, 3, 0, False), 1),
        ((False, 0, 3, False), 1),
        ((False, 2, 2, False), 0),
        ((True, 30, 30, False), 0),
        ((False, 30, 30, True), 0),
    ],
)
def test_a_medium_fails_when_nothing_gets_through(signs, expected):
    worked, failed, retried, alone = signs

    found = list(failing([MediumSigns(slug="email", worked=worked, failed=failed, retried=retried, since=NOW, alone=alone)]))

    assert expected == len(found)
    assert all(Level.CRITICAL is one.level and "medium=email" in one.tags for one in found)


@pytest.mark.parametrize(("since", "expected"), [(None, 0), (NOW - 15 * MINUTE, 0), (NOW - 16 * MINUTE, 1)])
def test_what_waits_too_long_is_a_concern(since, expected):
    found = list(overdue(since, NOW, 15 * MINUTE, ["There is no mail server."]))

    assert expected == len(found)
    assert all(one.description.endswith("There is no mail server.") for one in found)


def test_everything_is_looked_at():
    signs = Signs(
        now=NOW,
        hearts=[Heart(source=OSLO, every=MINUTE, last=NOW - timedelta(hours=1))],
        media=[MediumSigns(slug="email", worked=False, failed=3, retried=3, since=NOW)],
        undelivered=NOW - timedelta(hours=1),
    )

    found = concerns(signs, [("ola", token(days=1))], warning=WEEK, limit=MINUTE)

    assert ["heartbeat 7", "token 1", "medium email", "undelivered"] == [one.name for one in found]
