"""A timeslot as a week, by the clock on the wall."""

# ruff: noqa: RUF001 - spans are written with the dash that people read

from datetime import UTC, datetime, time

import pytest

from adapters.web.notifications.week import week_of
from argus_core.domain.timeslots import EVERY_DAY, Recurrence

WINTER = datetime(2024, 1, 15, 12, tzinfo=UTC)


def words(*recurrences, zone="Europe/Oslo", now=WINTER):
    return week_of(recurrences, zone, now).words


@pytest.mark.parametrize(
    ("recurrences", "said"),
    [
        ([], "Never"),
        ([Recurrence(days=EVERY_DAY)], "Monday to Sunday all day"),
        ([Recurrence(days=frozenset({1, 2, 3, 4, 5}), start=time(8), end=time(16))], "Monday to Friday 08:00–16:00"),
        ([Recurrence(days=frozenset({7}), start=time(22), end=time(6), ends_next_day=True)], "Monday 00:00–06:00; Sunday 22:00–24:00"),
        (
            [Recurrence(days=frozenset({3}), start=time(8), end=time(12)), Recurrence(days=frozenset({3}), start=time(11), end=time(13))],
            "Wednesday 08:00–13:00",
        ),
        (
            [Recurrence(days=frozenset({3}), start=time(8), end=time(9)), Recurrence(days=frozenset({3}), start=time(11), end=time(13))],
            "Wednesday 08:00–09:00, 11:00–13:00",
        ),
    ],
)
def test_hours_are_said_in_words(recurrences, said):
    assert said == words(*recurrences)


def test_hours_are_drawn_in_their_row():
    (block,) = week_of([Recurrence(days=frozenset({2}), start=time(6), end=time(18))], "UTC", WINTER).blocks

    assert (1, 25.0, 50.0, "slot") == (block.day, block.x, block.width, block.kind)


def test_most_weeks_the_clock_just_goes_on():
    assert () == week_of([], "Europe/Oslo", WINTER).changes


@pytest.mark.parametrize(
    ("zone", "now", "said", "kind", "place"),
    [
        ("Europe/Oslo", datetime(2024, 3, 27, 12, 34, tzinfo=UTC), "Sunday, 2024-03-31, the clock skips 02:00–03:00", "missing", 6),
        ("Europe/Oslo", datetime(2024, 10, 26, 12, tzinfo=UTC), "Sunday, 2024-10-27, the clock has 02:00–03:00 twice", "twice", 6),
        ("Australia/Lord_Howe", datetime(2024, 10, 3, tzinfo=UTC), "Sunday, 2024-10-06, the clock skips 02:00–02:30", "missing", 6),
    ],
)
def test_what_happens_to_the_clock_is_said_and_drawn(zone, now, said, kind, place):
    week = week_of([], zone, now)

    assert said in week.changes[0]
    assert [(kind, place)] == [(block.kind, block.day) for block in week.blocks]
