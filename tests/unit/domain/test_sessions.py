"""A session is over when it was not used for long, or has lasted long enough."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from argus_core.domain.ids import SessionId, UserId
from argus_core.domain.sessions import MOST_GRAIN, Device, Lifetime, Session
from strategies import MICROSECOND, NOON

spans = st.timedeltas(timedelta(seconds=1), timedelta(days=30))


@given(spans, spans, spans)
def test_a_session_is_over_as_soon_as_one_of_its_spans_is(idle, whole, since):
    session = Session(id=SessionId(1), user_id=UserId(1), begun=NOON, used=NOON + since, device=Device())
    end = min(session.used + idle, session.begun + whole)

    assert Lifetime(idle, whole).is_over(session, end)
    assert not Lifetime(idle, whole).is_over(session, end - MICROSECOND)


@given(spans)
def test_use_is_noted_well_before_a_session_would_end(idle):
    assert timedelta() < Lifetime(idle, idle).grain <= min(MOST_GRAIN, idle / 10)
