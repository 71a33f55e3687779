"""What is kept of lists looks as if it had just been made."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.http import listed
from adapters.http.listed import Listed
from adapters.http.v1.shapes import Shapes as Shapes1
from adapters.http.v2.shapes import Shapes as Shapes2
from argus_core.domain.incidents import FOREVER
from argus_core.ports.incidents import IncidentRow

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SOON, LATE = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
OSLO = ZoneInfo("Europe/Oslo")


def row(id_=1, *, end=None, stateful=True, acked_until=None, description="a \"text\" with 'open'"):
    metadata = {"open": True, "of": '"open":true'}
    source, tags, people, added = (1, "source", "type", 2, ""), ["a=b", "c=d"], [5, 5], [NOW, NOW]
    told = ("key", "/details", description, 3, "", metadata)
    return IncidentRow(id_, 1, NOW, end, stateful, *source, *told, tags, people, added, acked_until)


ROWS = [
    row(1),
    row(2, end=SOON),
    row(3, stateful=False),
    row(4, acked_until=SOON),
    row(5, acked_until=FOREVER, end=SOON),
]


@pytest.fixture(params=[Shapes1, Shapes2], ids=["v1", "v2"])
def shape(request):
    return request.param(OSLO).incidents


def encoded(shown):
    return msgspec.json.encode(shown)


def test_a_list_looks_the_same_at_any_moment_kept_or_not(shape):
    shown = Listed(shape)

    for moment in (NOW, SOON, LATE, NOW):
        assert encoded(shape(ROWS, moment)) == encoded(shown(ROWS, moment))


def test_another_row_of_the_same_incident_is_shown_anew(shape):
    shown = Listed(shape)
    shown(ROWS, NOW)

    assert encoded(shape([row(1, description="new")], NOW)) == encoded(shown([row(1, description="new")], NOW))


def test_nothing_is_made_again_of_the_very_same_row(shape):
    made = []
    shown = Listed(lambda rows, now: made.extend(rows) or shape(rows, now))

    shown(ROWS[:2], NOW)
    shown(ROWS[:3], LATE)

    assert ROWS[:3] == made


def test_no_more_is_kept_than_there_is_room_for(shape, monkeypatch):
    monkeypatch.setattr(listed, "MOST", 3)
    shown = Listed(shape)

    assert encoded(shape(ROWS, NOW)) == encoded(shown(ROWS, NOW))
    assert [3, 4, 5] == list(shown._kept)
