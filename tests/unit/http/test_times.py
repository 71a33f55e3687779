from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.http import times
from adapters.http.times import NotAMoment
from argus_core.domain.limits import EARLIEST, LATEST

OSLO = ZoneInfo("Europe/Oslo")
moments = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moments, offsets, st.sampled_from("T "))
def test_a_moment_is_the_same_in_every_spelling(moment, offset, between):
    written = moment.astimezone(offset).isoformat(sep=between)

    assert moment == times.moment(written, OSLO)
    assert moment == times.moment(written[:-3] + written[-2:], OSLO)


@given(moments)
def test_what_is_shown_can_be_sent_back(moment):
    assert moment == times.moment(moment.astimezone(OSLO).isoformat(), ZoneInfo("UTC"))


@given(st.text() | st.integers() | st.none() | st.booleans() | st.lists(st.text(), max_size=2))
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59.999999-14:00")
@example("2024-06-01T10:00:00+99:00")
@example("\u0662\u0660\u0662\u0664-\u0660\u0666-\u0660\u0661")
def test_anything_is_a_moment_or_is_refused(written):
    zone = UTC
    with suppress(NotAMoment):
        zone = times.moment(written, OSLO).tzinfo

    assert zone is UTC


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-06-01 10:00:00", "2024-06-01T08:00:00+00:00"),
        ("2024-01-01T10:00:00", "2024-01-01T09:00:00+00:00"),
        ("2024-06-01T10:00", "2024-06-01T08:00:00+00:00"),
        ("2024-06-01", "2024-05-31T22:00:00+00:00"),
        ("2011-11-11 11:11:11.11111", "2011-11-11T10:11:11.111110+00:00"),
        ("2024-06-01T10:00:00.1234567Z", "2024-06-01T10:00:00.123456+00:00"),
        ("2024-06-01t10:00:00z", "2024-06-01T10:00:00+00:00"),
        ("2024-06-01T10:00:00+02", "2024-06-01T08:00:00+00:00"),
        ("2024-03-31 02:30:00", "2024-03-31T01:30:00+00:00"),  # in the gap of spring: the offset from before it
        ("2024-10-27 02:30:00", "2024-10-27T00:30:00+00:00"),  # in the overlap of autumn: the first passing
    ],
)
def test_times_without_offset_are_those_of_the_zone(written, meant):
    assert datetime.fromisoformat(meant) == times.moment(written, OSLO)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "infinity",
        "01.06.2024 10:00",
        "2024-13-01",
        "2024-02-30",
        "2024-06-01T25:00:00Z",
        "2024-06-01T24:00",
        "2024-W01-1",
        "20240601",
    ],
)
def test_other_formats_are_refused(written):
    with pytest.raises(NotAMoment, match="wrong format"):
        times.moment(written, OSLO)


@pytest.mark.parametrize("written", ["infinity", "9999-12-31T23:59:59.999999", "9999-12-31 23:59:59.999999"])
def test_what_never_ends_is_said_in_several_ways(written):
    assert times.end(written, OSLO) is None


def test_the_last_moment_with_an_offset_is_an_ordinary_end():
    assert datetime.max.replace(tzinfo=UTC) == times.end("9999-12-31T23:59:59.999999Z", OSLO)


def test_an_end_before_all_time_is_before_every_start():
    assert EARLIEST == times.end("-infinity", OSLO)


def test_infinity_is_a_word_in_lower_case():
    with pytest.raises(NotAMoment, match="or 'infinity'"):
        times.end("Infinity", OSLO)
