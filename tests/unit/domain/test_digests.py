"""When a digest is due, and what it leaves out."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.digests import Digest, Gathers, gathered_by, is_left_out, parse_digest
from argus_core.domain.errors import Invalid
from argus_core.domain.holds import Keeper
from strategies import NOON, incidents

zones = st.sampled_from(["UTC", "Europe/Oslo", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"])
moments = st.integers(0, 10 * 366 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
digests = st.one_of(st.builds(Digest, minutes=st.integers(1, 1440)), st.builds(Digest, at=times))


@given(digests, moments, zones)
def test_a_digest_comes_soon_and_never_before_what_it_tells(digest, received, zone):
    """
    It comes later than what it tells, within its minutes or within a day; a day on which clocks change may have some hours more.
    """
    due = digest.due(received, zone)

    assert received < due <= received + (timedelta(minutes=digest.minutes) if digest.at is None else timedelta(hours=26))


@given(times, moments)
def test_a_digest_comes_when_a_local_clock_shows_the_time(at, received):
    due = Digest(at=at).due(received, "Asia/Tokyo")

    assert at == due.astimezone(ZoneInfo("Asia/Tokyo")).time()
    assert due - received <= timedelta(days=1)


def test_a_time_that_a_spring_night_lacks_comes_as_soon_as_it_is_over():
    received = datetime(2030, 3, 31, 0, 30, tzinfo=UTC)  # 01:30; at 02:00 it is 03:00

    assert datetime(2030, 3, 31, 1, 30, tzinfo=UTC) == Digest(at=time(2, 30)).due(received, "Europe/Oslo")


@given(digests)
def test_what_is_spelled_can_be_read(digest):
    assert digest == parse_digest(str(digest))


@pytest.mark.parametrize("text", ["0m", "1441m", "5", "m", "24:00", "8:00", "08:60", "08:00:00", "5h", "\u0665m", "off"])
def test_what_is_no_digest_is_refused(text):
    with pytest.raises(Invalid) as refused:
        parse_digest(text)

    assert ["digest"] == list(refused.value.errors)


def test_none_is_none():
    assert (None, None) == (parse_digest(""), gathered_by((), NOON))


gatherings = st.builds(Gathers, st.integers(1, 9), st.sampled_from(["A", None]), digests, zones)


@given(st.lists(gatherings, min_size=1, unique_by=lambda one: one.profile_id))
def test_the_digest_that_comes_first_gathers(gathering):
    hold = gathered_by(gathering, NOON)

    assert (Keeper.DIGEST, min(one.digest.due(NOON, one.zone) for one in gathering)) == (hold.keeper, hold.due)
    (chosen,) = [one for one in gathering if one.profile_id == hold.subject]
    assert hold.due == chosen.digest.due(NOON, chosen.zone)
    assert (chosen.name or str(chosen.profile_id)) in hold.title


@given(incidents, moments)
def test_only_what_began_and_is_over_is_left_out(incident, now):
    assert not is_left_out(incident, now, started=False)
    assert (incident.stateful and not incident.is_open(now)) == is_left_out(incident, now, started=True)
