from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http import queries
from adapters.http.errors import Refused
from adapters.http.queries import ABOUT_SOURCES, MOST_SOUGHT, NOTHING, Query, Setting, condition
from argus_core.domain.filters import (
    EVERYTHING,
    All,
    EndsSince,
    EndsUntil,
    HasTag,
    HasTicket,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceTyped,
    StartedSince,
    StartedUntil,
)

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
SETTING = Setting(ZoneInfo("Europe/Oslo"), NOON, ("nav", "zabbix"))
NAMES = [*queries._CLAUSES, "cursor", "page_size"]


def meant(query_string, ignoring=()):
    return condition(Query(query_string.encode()), SETTING, ignoring)


def refused(query_string):
    with pytest.raises(Refused) as caught:
        meant(query_string)
    assert caught.value.status == 400
    return caught.value.body


@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        ("", EVERYTHING),
        ("nonsense=1", EVERYTHING),
        ("acked=true", IsAcked()),
        ("acked=0", Not(IsAcked())),
        ("acked=TRUE", IsAcked()),
        ("acked=maybe", EVERYTHING),
        ("open=true", IsOpen()),
        ("open=False", IsClosed()),
        ("stateful=1", IsStateful()),
        ("stateful=false", Not(IsStateful())),
        ("end_time__isnull=true", Not(IsStateful())),
        ("end_time__isnull=false", IsStateful()),
        ("ticket=true", HasTicket()),
        ("ticket=false", Not(HasTicket())),
        ("level__lte=2.5", LevelAtMost(2.5)),
        ("level__lte=0", LevelAtMost(0)),
        ("source__id__in=1,%202%20,", SourceIn(frozenset({1, 2}))),
        ("source__id__in=99999999999999999999", SourceIn(frozenset())),
        ("source__id__in=,", EVERYTHING),
        ("source__name__in=%20nav-oslo%20,b", SourceNamed(frozenset({"nav-oslo", "b"}))),
        ("source__type__in=nav", SourceTyped(frozenset({"nav"}))),
        ("source_incident_id=a,b", KeyIs("a,b")),
        ("start_time__gte=2024-03-01+13:00:00", StartedSince(NOON)),
        ("start_time__lte=2024-03-01T12:00:00Z", StartedUntil(NOON)),
        ("end_time__gte=2024-03-01T13:00:00%2B01:00", EndsSince(NOON)),
        ("end_time__lte=2024-03-01", EndsUntil(datetime(2024, 2, 29, 23, tzinfo=UTC))),
        ("duration__gte=10", LastedAtLeast(timedelta(minutes=10))),
        ("duration__gte=10.9", LastedAtLeast(timedelta(minutes=10))),
        ("duration__gte=0", EVERYTHING),
        ("duration__gte=1e300", NOTHING),
        ("tags=a%3D1,a%3D2", All((HasTag(frozenset({"a=1", "a=2"})),))),
        ("tags=a%3D1,%20b%20%3D%202,", All((HasTag(frozenset({"a=1"})), HasTag(frozenset({"b=2"}))))),
        ("tags=", EVERYTHING),
        ("open=true&open=false", IsClosed()),
        ("acked=false&open=true", All((Not(IsAcked()), IsOpen()))),
    ],
)
def test_parameters_become_conditions(query_string, expected):
    assert expected == meant(query_string)


@pytest.mark.parametrize(
    "query_string",
    [
        "level__lte=high",
        "level__lte=nan",
        "level__lte=inf",
        "level__lte=1e999",
        "level__lte=1_0",
        "duration__gte=abc",
        "source__id__in=1,abc",
        "source__type__in=nav,unknown",
        "source__name__in=%00",
        "source_incident_id=a%00",
        "start_time__gte=yesterday",
        "start_time__lte=0001-01-01T00:00:00%2B14:00",
        "end_time__gte=infinity",
        "tags=foo",
        "tags=%3Dx",
        "tags=Upper%3Dx",
        "tags=a%3D",
        "tags=a%3D%00",
        "search=" + ",".join(map(str, range(MOST_SOUGHT + 1))),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(query_string):
    assert {query_string.partition("=")[0]} == set(refused(query_string))


def test_a_text_is_looked_for_once_however_often_it_is_asked_for():
    assert meant("search=a,b") == meant("search=" + "a,b," * MOST_SOUGHT)


def test_every_bad_parameter_is_told_at_once():
    assert {"level__lte": ["Enter a number."], "start_time__gte": ["Enter a valid date/time."]} == refused(
        "level__lte=x&start_time__gte=y&open=1"
    )


def test_the_list_of_ones_own_ignores_what_is_about_sources():
    assert IsOpen() == meant("open=1&source__id__in=x&source__type__in=x&source__name__in=x&level__lte=x", ABOUT_SOURCES)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("", 100),
        ("0", 100),
        ("-1", 100),
        ("abc", 100),
        ("1.5", 100),
        ("1", 1),
        (" 7 ", 7),
        ("+7", 7),
        ("99999", 10_000),
        ("9" * 5000, 10_000),
    ],
)
def test_a_page_size_without_sense_is_the_default(written, size):
    assert size == Query(urlencode({"page_size": written}).encode()).page_size(10_000)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text() | st.decimals().map(str) | st.from_regex(r"[a-z]=[0-9,]*"))))
def test_any_query_is_understood_or_refused_by_name(pairs):
    query = Query(urlencode([(name, value.encode("utf-8", "surrogatepass")) for name, value in pairs]).encode())

    wrong = {}
    try:
        condition(query, SETTING)
    except Refused as error:
        wrong = error.body

    assert set(wrong) <= {name for name, _ in pairs}
    assert 1 <= query.page_size(10_000) <= 10_000


@given(st.binary())
def test_any_bytes_are_a_query(query_string):
    Query(query_string).page_size(10_000)
