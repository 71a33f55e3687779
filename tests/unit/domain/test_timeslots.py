"""When a timeslot covers a moment."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.errors import Invalid
from argus_core.domain.timeslots import EVERY_DAY, MOST_RECURRENCES, Recurrence, Timeslot, all_the_time, check_recurrences, check_zone

MINUTE = timedelta(minutes=1)
ZONES = ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC"]
CHANGES = [
    ("Europe/Oslo", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Oslo", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)),
]
clocks = st.times() | st.sampled_from([time.min, time(2, 30), time(8), time(23, 59), time.max])
days = st.frozensets(st.integers(1, 7))
moments = st.integers(0, 15 * 366 * 24 * 60).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + MINUTE * minutes)


@st.composite
def recurrences(draw):
    recurrence = Recurrence(days=draw(days), start=draw(clocks), end=draw(clocks), ends_next_day=draw(st.booleans()))
    return recurrence if recurrence.ends_next_day or recurrence.start < recurrence.end else Recurrence(days=recurrence.days)


def slot(*recurrences, zone="UTC"):
    return Timeslot(id=1, owner=1, name="slot", zone=zone, recurrences=recurrences)


@given(recurrences(), moments, st.sampled_from(ZONES))
def test_a_recurrence_within_a_day_is_a_stretch_of_the_local_clock(recurrence, moment, zone):
    """
    It holds exactly when the local weekday is one of its days and start <= local time < end, an end of 23:59:59.999999 being midnight.
    """
    local = moment.astimezone(ZoneInfo(zone))
    end = timedelta(days=1) if recurrence.end == time.max else since_midnight(recurrence.end)
    here = since_midnight(local.time())
    today = local.isoweekday() in recurrence.days and since_midnight(recurrence.start) <= here
    yesterday = (local.date() - timedelta(days=1)).isoweekday() in recurrence.days and here < end
    expected = (today or yesterday) if recurrence.ends_next_day else (today and here < end)

    assert expected == slot(recurrence, zone=zone).covers(moment)


def since_midnight(clock):
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


@given(st.integers(1, 7), clocks, clocks, moments, st.sampled_from(ZONES))
def test_a_slot_and_its_complement_partition_time(day, one, other, moment, zone):
    """
    Some hours of a day, and the rest of that day with all other days: every moment lies in exactly one of them.
    """
    start, end = sorted((one, other))
    inside = Recurrence(days=frozenset({day}), start=start, end=end) if start < end else Recurrence(days=frozenset())
    rest = [Recurrence(days=EVERY_DAY - {day})]
    if start == end:
        rest.append(Recurrence(days=frozenset({day})))
    else:
        rest += [Recurrence(days=frozenset({day}), start=time.min, end=start)] if start != time.min else []
        rest += [Recurrence(days=frozenset({day}), start=end)] if end != time.max else []

    assert slot(inside, zone=zone).covers(moment) != slot(*rest, zone=zone).covers(moment)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_minute_of_a_day_on_which_clocks_change(zone, day):
    """
    A night shift and the day after it cover every minute exactly once, in the hour that comes twice and beside the one that is missing.
    """
    night = slot(Recurrence(days=EVERY_DAY, start=time(22), end=time(6), ends_next_day=True), zone=zone)
    work = slot(Recurrence(days=EVERY_DAY, start=time(6), end=time(22)), zone=zone)
    minutes = [day - timedelta(hours=14) + MINUTE * minute for minute in range(60 * 52)]

    assert all(night.covers(minute) != work.covers(minute) for minute in minutes)
    covered = {minute.astimezone(ZoneInfo(zone)).time() for minute in minutes if night.covers(minute)}
    assert all(clock >= time(22) or clock < time(6) for clock in covered)


def test_both_passes_of_an_autumn_hour_count_and_a_spring_hour_never_comes():
    """
    From 02:00 to 03:00 in Oslo is two hours long in October and none in March.
    """
    wee = slot(Recurrence(days=EVERY_DAY, start=time(2), end=time(3)), zone="Europe/Oslo")

    def covered(day):
        return sum(wee.covers(day + MINUTE * minute) for minute in range(60 * 24))

    assert [120, 0, 60] == [covered(datetime(2026, month, day, tzinfo=UTC)) for month, day in ((10, 25), (3, 29), (6, 15))]


@given(moments, st.sampled_from(ZONES))
def test_all_the_time_is_always(moment, zone):
    """
    The timeslot that everybody has covers every moment, wherever they are.
    """
    everything = all_the_time(1, 1, zone)

    assert everything.covers(moment)
    assert everything.recurrences[0].all_day


def test_what_is_wrong_with_recurrences_is_told_by_place():
    """
    Days that do not exist and ends before starts are refused with the path to them; an end on the next day may be earlier on the clock.
    """
    late = Recurrence(days=EVERY_DAY, start=time(22), end=time(6))
    overnight = Recurrence(days=EVERY_DAY, start=time(22), end=time(6), ends_next_day=True)
    strange = Recurrence(days=frozenset({0, 8}))

    with pytest.raises(Invalid) as refused:
        check_recurrences([overnight, late, strange])
    with pytest.raises(Invalid) as crowded:
        check_recurrences([overnight] * (MOST_RECURRENCES + 1))
    check_recurrences([overnight] * MOST_RECURRENCES)

    assert {"time_recurrences/1/", "time_recurrences/2/days"} == refused.value.errors.keys()
    assert {"time_recurrences"} == crowded.value.errors.keys()


@pytest.mark.parametrize("zone", ["", "Europe/Bergen", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 300])
def test_unknown_zones_are_refused(zone):
    """
    Only names of the time zone database are zones, whatever else may look like a path to one.
    """
    with pytest.raises(Invalid, match="not a known time zone"):
        check_zone(zone)


@pytest.mark.parametrize("zone", ZONES)
def test_known_zones_are_accepted(zone):
    """
    Names of the time zone database pass.
    """
    check_zone(zone)
