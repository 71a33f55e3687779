"""When planned maintenance runs, what it keeps back, and what may become of it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.calendars import Calendar
from argus_core.domain.errors import Invalid, MaintenanceIsOver
from argus_core.domain.expressions import parse
from argus_core.domain.filters import holds
from argus_core.domain.incidents import EventType, Happening
from argus_core.domain.maintenance import (
    SETTLING,
    WEEKS,
    Maintenance,
    Phase,
    Window,
    arranged,
    cancelled,
    changed,
    check,
    ends,
    planned,
)
from argus_core.domain.profiles import MOST_FILTERS
from argus_core.domain.saved_filters import FilterDefinition, SavedFilter
from argus_core.domain.tags import Tag
from argus_core.domain.timeslots import EVERY_DAY, Recurrence, Timeslot
from argus_core.domain.transitions import IncidentReport
from strategies import NOON, begin, definitions, happenings, recurrences

HOUR = timedelta(hours=1)
ZONES = ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]
moments = st.integers(0, 15 * 366 * 24 * 60).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
weeks = st.frozensets(st.sampled_from(sorted(WEEKS)))
windows = st.builds(Window, hours=recurrences(), weeks=weeks)


def kept(**asked):
    return SavedFilter(id=1, owner=1, name="f", definition=FilterDefinition(**asked))


EVERYTHING = kept(max_level=5)


def maintenance(**other):
    made = Maintenance(
        id=7, created_by=1, created=NOON, description="", start=NOON, end=NOON + 24 * HOUR, filters=(EVERYTHING,), windows=(), zone="UTC"
    )
    return replace(made, **other)


@given(moments, moments, st.none() | moments)
def test_without_windows_it_runs_from_start_up_to_but_not_including_the_end(moment, start, end):
    assert (start <= moment and (end is None or moment < end)) == maintenance(start=start, end=end).runs(moment)


@given(moments, st.lists(windows, min_size=1, max_size=3), st.sampled_from(ZONES))
def test_with_windows_it_runs_in_those_and_nowhere_else(moment, some, zone):
    """
    A window is hours of a timeslot, on those days that are one of its weeks: both passes of an autumn hour count, and days are the start's.
    """
    local = moment.astimezone(ZoneInfo(zone))

    def begins(window, day):
        last = (day + timedelta(days=7)).month != day.month
        return not window.weeks or (day.day + 6) // 7 in window.weeks or (last and -1 in window.weeks)

    def covers(window):
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        of = {day.isoweekday(): day for day in (today, yesterday)}
        days = frozenset(number for number in window.hours.days if number in of and begins(window, of[number]))
        hours = Timeslot(id=1, owner=1, name="", zone=zone, recurrences=(replace(window.hours, days=days),))
        return hours.covers(moment)

    runs = maintenance(start=datetime(2019, 1, 1, tzinfo=UTC), end=None, windows=tuple(some), zone=zone).runs(moment)

    assert any(map(covers, some)) == runs


@pytest.mark.parametrize(
    ("weeks", "days"),
    [({2}, [13]), ({-1}, [27]), ({1, 3}, [6, 20]), ({4, -1}, [27]), ({5}, []), ((), [6, 13, 20, 27])],
)
def test_it_runs_on_the_nth_weekdays_of_a_month(weeks, days):
    window = Window(hours=Recurrence(days=frozenset({1}), start=time(2), end=time(4)), weeks=frozenset(weeks))
    one = maintenance(start=datetime(2026, 4, 1, tzinfo=UTC), end=datetime(2026, 5, 1, tzinfo=UTC), windows=(window,), zone="Europe/Oslo")

    assert days == [day for day in range(1, 31) if one.runs(datetime(2026, 4, day, 1, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=UTC), 1), (datetime(2026, 10, 24, 23, tzinfo=UTC), 3), (datetime(2026, 10, 31, 23, tzinfo=UTC), 2)],
    ids=["spring", "autumn", "any"],
)
def test_a_window_over_the_change_of_clocks_is_as_long_as_local_clocks_say(day, hours):
    """
    From one to three: an hour of a spring night never comes, one of an autumn night comes twice.
    """
    window = Window(hours=Recurrence(days=frozenset({7}), start=time(1), end=time(3)))
    one = maintenance(start=day - 24 * HOUR, end=None, windows=(window,), zone="Europe/Oslo")

    assert hours * 60 == sum(one.runs(day + timedelta(minutes=minute)) for minute in range(-60, 6 * 60))


def test_a_window_that_begins_on_the_last_day_of_a_month_goes_on_into_the_next():
    night = Recurrence(days=EVERY_DAY, start=time(22), end=time(6), ends_next_day=True)
    one = maintenance(start=datetime(2026, 1, 1, tzinfo=UTC), end=None, windows=(Window(hours=night, weeks=frozenset({-1})),))

    last = datetime(2026, 4, 30, 22, tzinfo=UTC)

    assert [False, True, True, False] == [one.runs(last + span) for span in (-HOUR, HOUR, 7 * HOUR, 8 * HOUR)]


@given(happenings(), definitions(), st.sampled_from([-HOUR, timedelta(), HOUR]))
def test_it_keeps_back_what_its_filters_match_while_it_runs(told, definition, lag):
    """
    What counts is the moment of receipt, and what the incident is then like; clauses about events do not.
    """
    happening, texts = told
    received = happening.event.received
    asked = kept()
    asked = replace(asked, definition=definition)
    condition = definition.incident_condition
    one = maintenance(start=received + lag, end=received + lag + HOUR, filters=(asked, EVERYTHING))
    if condition is None:
        with pytest.raises(Invalid):
            check(one)
        return

    expected = lag == timedelta() and holds(condition, happening.incident, received, happening.event, texts)

    assert (one if expected else None) == Calendar([maintenance(end=NOON, start=NOON), one]).keeping_back(happening, texts)


@given(happenings())
def test_what_ends_is_stateful_and_not_open_any_more(told):
    happening, _ = told
    incident = happening.incident

    assert ends(happening) == (incident.stateful and incident.end_time is not None and incident.end_time <= happening.event.received)


def test_whether_it_reads_texts_is_known():
    reading = kept(expression=parse({"text": "drill"}))

    assert [False, True] == [Calendar([maintenance(), maintenance(filters=filters)]).reads_texts for filters in ((EVERYTHING,), (reading,))]


def test_it_is_settled_a_moment_after_its_end_and_before_it_begins():
    one = maintenance()
    end = one.end

    assert [True, False, False, False, True] == [one.has_settled(moment) for moment in (NOON - HOUR, NOON, end - HOUR, end, end + SETTLING)]


def test_the_first_of_several_is_named():
    by_tag = kept(tags=("host=a",), max_level=5)
    change = begin(IncidentReport(start_time=NOON, tags=(Tag.parse("host=a"),)))
    happening = Happening(change.incident, change.events[0])
    some = [maintenance(id=number, filters=(filter_,)) for number, filter_ in ((8, by_tag), (9, EVERYTHING), (10, EVERYTHING))]

    assert some[0] == Calendar(reversed(some)).keeping_back(happening)
    assert None is Calendar().keeping_back(happening)


def test_its_title_is_one_line():
    assert 'Planned maintenance 7 "New switch, no power"' == maintenance(description="New switch,\n no power").title
    assert "Planned maintenance 7" == maintenance().title


def test_a_new_one_begins_now_at_the_earliest():
    assert NOON + HOUR == planned(maintenance(), NOON + HOUR).start
    assert NOON == planned(maintenance(), NOON - HOUR).start


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"end": NOON}, "end_time"),
        ({"end": NOON - HOUR}, "end_time"),
        ({"end": datetime(9999, 1, 1, tzinfo=UTC)}, "end_time"),
        ({"start": NOON + 25 * HOUR}, "end_time"),
        ({"start": datetime(9999, 1, 1, tzinfo=UTC), "end": None}, "start_time"),
        ({"description": "\0"}, "description"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"filters": ()}, "filters"),
        ({"filters": (EVERYTHING,) * (MOST_FILTERS + 1)}, "filters"),
        ({"filters": (kept(event_type=EventType.END),)}, "filters"),
        ({"windows": (Window(hours=Recurrence(days=EVERY_DAY, start=time(2), end=time(1))),)}, "time_recurrences/0/"),
        ({"windows": (Window(hours=Recurrence(days=EVERY_DAY), weeks=frozenset({6})),)}, "time_recurrences/0/weeks"),
    ],
)
def test_what_cannot_be_is_refused(wrong, field):
    with pytest.raises(Invalid) as refusal:
        planned(maintenance(**wrong), NOON)

    assert [field] == list(refusal.value.errors)


@given(st.lists(windows, max_size=3))
def test_any_windows_will_do(some):
    one = maintenance(windows=tuple(some))

    assert one == planned(one, NOON)


def test_what_is_over_stays_as_it_was():
    one = maintenance()

    for act in (lambda: changed(one, replace(one, description="b"), one.end), lambda: cancelled(one, one.end)):
        with pytest.raises(MaintenanceIsOver):
            act()


def test_before_it_begins_everything_may_change():
    one = maintenance()
    wanted = replace(one, start=NOON + HOUR, end=None, description="later")

    assert wanted == changed(one, wanted, NOON - HOUR)


def test_once_it_has_begun_its_start_stays():
    one = maintenance()

    assert None is changed(one, replace(one, end=None), NOON).end
    for wrong, field in (({"start": NOON + HOUR}, "start_time"), ({"end": NOON + HOUR}, "end_time"), ({"filters": ()}, "filters")):
        with pytest.raises(Invalid) as refusal:
            changed(one, replace(one, **wrong), NOON + HOUR)
        assert [field] == list(refusal.value.errors)


def test_what_is_called_off_ends_now_or_is_gone():
    one = maintenance()

    assert Phase.PAST == cancelled(one, NOON + HOUR).phase(NOON + HOUR)
    assert [NOON, None] == [cancelled(one, NOON).end, cancelled(one, NOON - HOUR)]


@given(
    st.lists(
        st.tuples(moments, st.none() | st.timedeltas(HOUR, 9000 * HOUR), st.sampled_from(["New switch", "new SWITCH 12", ""])), max_size=8
    ),
    moments,
    st.none() | st.sampled_from(Phase),
    st.sampled_from(["", "switch", " Switch ", "f", "12", "3"]),
)
def test_a_list_has_all_that_fit_and_what_is_soonest_first(some, now, phase, text):
    """
    None is lost or doubled; current, future, past; within them by what begins soonest, began last, ended last.
    """
    all_ = [
        maintenance(id=number, start=start, end=None if span is None else start + span, description=words)
        for number, (start, span, words) in enumerate(some)
    ]
    sought = text.strip().lower()

    listed = arranged(all_, now, phase, text)

    fits = [
        one
        for one in all_
        if phase in (None, one.phase(now)) and (sought in one.description.lower() or sought in one.filters[0].name or sought == str(one.id))
    ]
    assert sorted(one.id for one in fits) == sorted(one.id for one in listed)
    phases = [one.phase(now) for one in listed]
    assert phases == sorted(phases, key=[Phase.CURRENT, Phase.FUTURE, Phase.PAST].index)
    begins = {each: [one.start for one in listed if one.phase(now) is each] for each in Phase}
    assert begins[Phase.FUTURE] == sorted(begins[Phase.FUTURE])
    assert begins[Phase.CURRENT] == sorted(begins[Phase.CURRENT], reverse=True)
    ends_ = [one.end for one in listed if one.phase(now) is Phase.PAST]
    assert ends_ == sorted(ends_, reverse=True)
