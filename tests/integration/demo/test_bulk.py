"""Loading by COPY stores what appending would, but for the outbox."""

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from adapters.db.bulk import Loaded, NotEmpty, batches, load, packed
from argus_core.domain import transitions
from argus_core.domain.ids import EventId, IncidentId
from argus_core.domain.incidents import EventType
from argus_core.domain.tags import Tag
from argus_core.domain.transitions import Change, IncidentReport
from integration.journals import assert_whole, journals
from strategies import CAST, histories

NOW = datetime(2030, 3, 14, 12, tzinfo=UTC)
REPORTER = CAST.robots[0]


@pytest.fixture
def peopled(database_url):
    """A database in which everybody of the cast exists."""
    with psycopg.connect(database_url) as connection:
        for actor in CAST.actors:
            connection.execute(
                "insert into account (id, username, password, first_name, last_name, email, active, staff, superuser)"
                " values (%s, %s, '', '', '', '', true, %s, %s)",
                (actor.id, actor.username, actor.staff, actor.superuser),
            )
        for source in CAST.sources:
            connection.execute("insert into source_type (name) values (%s) on conflict do nothing", (source.type,))
            connection.execute(
                "insert into source (id, user_id, type, name, base_url) values (%s, %s, %s, %s, %s)",
                (source.id, source.user_id, source.type, source.name, source.base_url),
            )
    return database_url


def begun(number, *, key="", end_time=None, description=""):
    report = IncidentReport(
        start_time=NOW - timedelta(hours=1),
        end_time=end_time,
        source_incident_id=key,
        description=description,
        tags=(Tag("text", description),),
    )
    return transitions.start(
        report,
        source=REPORTER.source,
        reporter=REPORTER.person,
        poster=REPORTER,
        incident_id=IncidentId(number),
        event_id=EventId(number),
        now=NOW - timedelta(minutes=59),
    )


def acknowledged(change, event_id, *, now, expiration):
    acked = transitions.acknowledge(
        change.incident, actor=CAST.people[0], event_id=EventId(event_id), at=now, now=now, expiration=expiration
    )
    return Change(incident=acked.incident, events=(*change.events, *acked.events))


def loaded(url, changes):
    with psycopg.connect(url) as connection:
        return load(connection, map(packed, batches(changes)))


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


@given(history=histories())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_any_incident_is_loaded_as_it_is_with_its_journal(peopled, history):
    with psycopg.connect(peopled) as connection:
        connection.execute("truncate incident")

    loaded(peopled, [Change(incident=history.incident, events=tuple(history.journal))])

    found = journals(peopled)
    assert {history.incident.id: (history.incident, tuple(history.journal))} == found
    assert_whole(found)


def test_it_counts_what_it_has_loaded(peopled):
    changes = [begun(1), acknowledged(begun(2), 3, now=NOW, expiration=None)]

    assert Loaded(incidents=2, events=3, acks=1) == loaded(peopled, changes)


def test_nobody_is_told(peopled):
    loaded(peopled, [begun(1)])

    assert [(0,)] == rows(peopled, "select count(*) from outbox")


def test_later_ids_come_after_those_that_were_loaded(peopled):
    loaded(peopled, [begun(41)])

    assert [(42, 42)] == rows(peopled, "select nextval('incident_ids'), nextval('event_ids')")


def test_ids_that_were_given_already_are_not_given_again(peopled):
    rows(peopled, "select nextval('incident_ids') from generate_series(1, 100)")

    loaded(peopled, [begun(41)])

    assert [(101,)] == rows(peopled, "select nextval('incident_ids')")


def test_the_planner_knows_what_there_is(peopled):
    loaded(peopled, map(begun, range(1, 51)))

    assert [(50.0,)] == rows(peopled, "select reltuples from pg_class where relname = 'incident'")


def test_what_is_still_to_come_is_waited_for(peopled):
    end = NOW + timedelta(days=1)
    expiration = NOW + timedelta(days=2)

    loaded(peopled, [acknowledged(begun(1, end_time=end), 2, now=NOW, expiration=expiration)])

    assert [(1, "ack-expired", 2, expiration), (1, "end-reached", 0, end)] == rows(peopled, "select * from timer order by kind")


def test_what_has_come_already_is_not(peopled):
    expiration = NOW + timedelta(hours=1)
    change = acknowledged(begun(1), 2, now=NOW, expiration=expiration)
    (timer,) = change.timers
    expired = transitions.time_passes(
        change.incident, timer, journal=change.events, event_ids=map(EventId, itertools.count(3)), now=expiration
    )
    assert [EventType.ACK_EXPIRED] == [event.type for event in expired.events]

    loaded(peopled, [Change(incident=expired.incident, events=(*change.events, *expired.events))])

    assert [(0,)] == rows(peopled, "select count(*) from timer")


@pytest.mark.parametrize("twice", [[begun(1), begun(1)], [begun(1, key="a"), begun(2, key="a")]], ids=["id", "key"])
def test_all_are_loaded_or_none(peopled, twice):
    with pytest.raises(psycopg.errors.UniqueViolation):
        loaded(peopled, twice)

    assert [(0, 0)] == rows(peopled, "select (select count(*) from incident), (select count(*) from event)")


def test_what_was_due_before_a_moment_is_not_waited_for(peopled):
    changes = [begun(1, end_time=NOW - timedelta(minutes=30)), begun(2, end_time=NOW + timedelta(hours=1))]

    with psycopg.connect(peopled) as connection:
        load(connection, [packed(changes, since=NOW)])

    assert [(2,)] == rows(peopled, "select incident_id from timer")


def test_a_journal_that_is_not_empty_is_left_alone(peopled):
    loaded(peopled, [begun(1)])

    with pytest.raises(NotEmpty):
        loaded(peopled, [begun(2)])

    assert [(1,)] == rows(peopled, "select id from incident")


def test_indexes_are_as_they_were(peopled):
    query = "select indexdef from pg_indexes where schemaname = 'public' order by indexname"
    constraints = "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint order by 1, 2"
    before = rows(peopled, query), rows(peopled, constraints)

    loaded(peopled, [begun(1)])

    assert before == (rows(peopled, query), rows(peopled, constraints))


def test_what_was_loaded_needs_no_vacuum(peopled):
    loaded(peopled, map(begun, range(1, 51)))

    visible = "select bool_and(relpages = relallvisible) from pg_class where relname in ('incident', 'event')"
    assert [(True,)] == rows(peopled, visible)


@pytest.mark.parametrize("text", ["tab\there", "back\\slash", "new\nline", "\\N", "\r\b\f\v", "\u00a0\u2028", '{"q"}', "\\."])
def test_texts_are_stored_as_they_are(peopled, text):
    change = begun(1, description=text)

    loaded(peopled, [change])

    assert_whole(journals(peopled))
    assert [(text,)] == rows(peopled, "select description from incident")


def test_a_change_of_an_incident_that_exists_is_refused(peopled):
    incident = begun(1).incident
    ended = transitions.end(incident, actor=REPORTER, event_id=EventId(2), at=NOW, now=NOW)

    with pytest.raises(ValueError, match="not whole"):
        loaded(peopled, [ended])
