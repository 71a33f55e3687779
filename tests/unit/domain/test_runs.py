"""When planned maintenance runs next, in zones whose clocks skip hours, have some twice, and do so at midnight."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argus_core.domain.maintenance import WEEKS, Maintenance, Window
from argus_core.domain.runs import HORIZON, Run, runs_after
from argus_core.domain.timeslots import EVERY_DAY, Recurrence
from strategies import NOON, recurrences

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
# A change of clocks in each: by an hour at night, by half an hour, at midnight forward, at midnight backward; and one without any.
CHANGES = [
    ("Europe/Oslo", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Oslo", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 10, 24, 21, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 10, 25, 1, tzinfo=UTC)),
]
minutes = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
nights = st.builds(Recurrence, days=st.just(EVERY_DAY), start=minutes, end=minutes, ends_next_day=st.just(True))
windows = st.builds(Window, hours=nights | recurrences(), weeks=st.frozensets(st.sampled_from(sorted(WEEKS))))


def maintenance(windows=(), zone="UTC", start=NOON, end=None):
    return Maintenance(
        id=7, created_by=1, created=NOON, description="", start=start, end=end, filters=(), windows=tuple(windows), zone=zone
    )


def covered(moment, runs):
    return any(run.begin <= moment and (run.end is None or moment < run.end) for run in runs)


@given(
    st.lists(windows, min_size=1, max_size=3),
    st.sampled_from(CHANGES),
    st.timedeltas(-DAY, DAY),
    st.none() | st.timedeltas(MINUTE, 4 * DAY),
)
@example([Window(hours=Recurrence(days=EVERY_DAY, start=time(2, 30), end=time(4)))], CHANGES[0], -DAY, None)
@example([Window(hours=Recurrence(days=EVERY_DAY, start=time(2, 30), end=time(2, 45)))], CHANGES[1], -DAY, None)
def test_it_runs_in_these_spans_and_at_no_other_time(some, change, before, lasts):
    """
    Over every kind of change of clocks: minute by minute it runs exactly within the spans that are foretold.
    """
    zone, moment = change
    begin = moment + before
    one = maintenance(some, zone, start=begin, end=None if lasts is None else begin + lasts)

    runs = list(islice(runs_after(one, begin), 60))

    # Minutes around each boundary, and minutes everywhere else.
    looked_at = [begin + step * MINUTE for step in range(0, 2 * 24 * 60, 7)]
    looked_at += [
        edge + nudge for run in runs[:20] for edge in (run.begin, run.end or begin) for nudge in (-MINUTE / 60, timedelta(), MINUTE)
    ]
    seen_until = runs[-1].begin if len(runs) == 60 else begin + HORIZON
    for at in looked_at:
        if begin <= at < seen_until:
            assert one.runs(at) == covered(at, runs), at.astimezone(ZoneInfo(zone))


@given(st.lists(windows, max_size=3), st.sampled_from(CHANGES))
def test_spans_are_in_order_and_apart(some, change):
    runs = list(islice(runs_after(maintenance(some, change[0], start=change[1] - DAY), change[1]), 20))

    assert all(run.end is None or run.begin < run.end for run in runs)
    assert all(earlier.end is not None and earlier.end < later.begin for earlier, later in pairwise(runs))


@pytest.mark.parametrize(
    ("day", "hours"), [(datetime(2026, 3, 28, 23, tzinfo=UTC), 1), (datetime(2026, 10, 24, 22, tzinfo=UTC), 3)], ids=["spring", "autumn"]
)
def test_a_night_over_the_change_of_clocks_is_foretold_as_long_as_it_will_be(day, hours):
    window = Window(hours=Recurrence(days=frozenset({7}), start=time(1), end=time(3)))

    run = next(runs_after(maintenance([window], "Europe/Oslo", start=day - 2 * DAY), day))

    assert timedelta(hours=hours) == run.end - run.begin


def test_without_windows_it_runs_once_and_what_runs_already_begins_now():
    assert [Run(NOON, NOON + DAY)] == list(runs_after(maintenance(end=NOON + DAY), NOON - DAY))
    assert [Run(NOON + DAY / 2, NOON + DAY)] == list(runs_after(maintenance(end=NOON + DAY), NOON + DAY / 2))
    assert [Run(NOON, NOON + 2 * HORIZON)] == list(runs_after(maintenance(end=NOON + 2 * HORIZON), NOON))
    assert [Run(NOON, None)] == list(runs_after(maintenance(), NOON))
    assert [] == list(runs_after(maintenance(end=NOON + DAY), NOON + DAY))


def test_hours_without_an_end_are_followed_as_far_as_anybody_looks():
    always = Window(hours=Recurrence(days=EVERY_DAY))

    assert [Run(NOON, None)] == list(runs_after(maintenance([always], end=NOON + 2 * HORIZON), NOON))
    assert [Run(NOON, NOON + DAY)] == list(runs_after(maintenance([always], end=NOON + DAY), NOON))
