"""Who is ready, and what an operator is told."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.db.vitals import Vitals
from adapters.http.services import State
from adapters.readiness import judged

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LIMIT = timedelta(minutes=15)


def found(**more):
    return Vitals(**{"now": NOON, "step": "0006", "worker": timedelta(seconds=1), "undelivered": None, **more})


def test_everything_that_is_looked_at_has_a_name():
    checks = judged(found(), NOON, "0006", LIMIT)

    assert ["process", "database", "migrations", "clock", "worker", "undelivered"] == [check.name for check in checks]
    assert {State.OK} == {check.state for check in checks}


@pytest.mark.parametrize(
    ("wrong", "name", "state"),
    [
        ({"step": "0005"}, "migrations", State.FAILED),
        ({"step": None}, "migrations", State.FAILED),
        ({"now": NOON - timedelta(seconds=5.1)}, "clock", State.FAILED),
        ({"now": NOON + timedelta(seconds=5.1)}, "clock", State.FAILED),
        ({"worker": None}, "worker", State.WARNING),
        ({"worker": timedelta(seconds=61)}, "worker", State.WARNING),
        ({"undelivered": timedelta(minutes=16)}, "undelivered", State.WARNING),
    ],
)
def test_what_is_wrong_is_named_and_only_what_hinders_requests_fails(wrong, name, state):
    unwell = [check for check in judged(found(**wrong), NOON, "0006", LIMIT) if check.state is not State.OK]

    assert [(name, state)] == [(check.name, check.state) for check in unwell]
    assert unwell[0].message


def test_a_database_that_is_ahead_is_ready():
    assert {State.OK} == {check.state for check in judged(found(step="0007"), NOON, "0006", LIMIT)}
