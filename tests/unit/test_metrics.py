"""What Prometheus is told, as Prometheus reads it."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters import metrics
from adapters.counts import note_attempt, note_request, written
from adapters.db.figures import Figures, Pile
from adapters.http.services import Check, State
from adapters.metrics import Metrics, of_checks, of_figures, of_this_program
from argus_core.domain.deliveries import Outcome
from argus_core.domain.errors import Unavailable
from argus_core.ports.media import Media

FOUND = Figures(
    open={("nav", 'nav "oslo"\\\n', 1): 3, ("zabbix", "z", 5): 1},
    undecided=Pile(number=7, oldest=timedelta(seconds=1.5)),
    stuck=2,
    waiting={"sms": Pile(number=4, oldest=timedelta(minutes=1))},
)


def samples(text):
    """Every sample: its name, its labels, its value."""
    families = text_string_to_metric_families(text.decode())
    return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}


def read(*told):
    return samples(written(told))


def test_what_the_database_knows_is_told_whatever_sources_are_called():
    seen = read(*of_figures(FOUND, ("email", "sms")))

    assert 3 == seen["argus_open_incidents", ("level", "1"), ("source", 'nav "oslo"\\\n'), ("source_type", "nav")]
    assert 1 == seen["argus_open_incidents", ("level", "5"), ("source", "z"), ("source_type", "zabbix")]
    assert (7, 1.5, 2) == (seen["argus_outbox_events",], seen["argus_outbox_oldest_seconds",], seen["argus_outbox_stuck_events",])
    assert (4, 60) == (seen["argus_waiting_deliveries", ("medium", "sms")], seen["argus_waiting_oldest_seconds", ("medium", "sms")])


def test_a_medium_by_which_nothing_waits_has_a_nought():
    assert 0 == read(*of_figures(FOUND, ("email",)))["argus_waiting_deliveries", ("medium", "email")]


def test_each_check_is_well_or_not():
    seen = read(*of_checks([Check("database"), Check("worker", State.WARNING, "!"), Check("clock", State.FAILED, "!")]))

    assert [1, 0, 0] == [seen["argus_check_ok", ("check", name)] for name in ("database", "worker", "clock")]


def test_the_version_is_told():
    _, *labels = next(key for key in read(*of_this_program()) if key[0] == "argus_build_info")

    assert {"version", "python"} == set(dict(labels))


def test_requests_and_attempts_are_counted():
    def counted():
        seen = samples(written())
        labels = ("method", "GET"), ("route", "/a/"), ("status", "2xx")
        return [
            seen.get(key, 0)
            for key in (
                ("argus_http_request_duration_seconds_count", *labels),
                ("argus_http_request_duration_seconds_bucket", ("le", "0.25"), *labels),
                ("argus_http_request_duration_seconds_bucket", ("le", "0.1"), *labels),
                ("argus_delivery_attempts_total", ("medium", "email"), ("outcome", "sent")),
            )
        ]

    before = counted()
    note_request("/a/", "GET", 204, 0.2)
    note_attempt("email", Outcome.SENT)

    assert [1, 1, 0, 1] == [after - first for after, first in zip(counted(), before, strict=True)]


class Container:
    def media(self):
        return Media(())

    def database(self):
        return None


class Ready:
    async def checks(self):
        return [Check("database", State.FAILED, "away")]


@pytest.mark.parametrize("trouble", [Unavailable(), TimeoutError()])
def test_while_the_database_is_away_the_rest_is_told(monkeypatch, trouble):
    async def away(_):
        raise trouble

    monkeypatch.setattr(metrics, "figures", away)

    seen = samples(asyncio.run(Metrics(Container(), Ready()).text()))

    assert 0 == seen["argus_check_ok", ("check", "database")]
    assert not [name for name, *_ in seen if name == "argus_outbox_events"]


def test_the_database_is_asked_once_whoever_asks(monkeypatch):
    asked = []

    async def look(_):
        asked.append(1)
        return FOUND

    async def many():
        collected = Metrics(Container(), Ready())
        return await asyncio.gather(*(collected.text() for _ in range(5)))

    monkeypatch.setattr(metrics, "figures", look)

    answers = asyncio.run(many())

    assert [1] == asked
    assert all(b"argus_outbox_events 7" in answer for answer in answers)
