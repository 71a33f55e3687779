"""The SQL side of filters, held to the Python side."""

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.db.accounts import PgAccounts
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from argus_core.domain.filters import (
    All,
    Either,
    EndsSince,
    HasTag,
    IsOpen,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    holds,
)
from argus_core.ports.incidents import Position
from integration.db.population import populate
from integration.postgres import fresh_database
from strategies import NOON, conditions, signed_spans

MANY = 1_000


class Store:
    """A store with 150 incidents, for synchronous callers."""

    def __init__(self, runner, incidents, known):
        self._runner = runner
        self._incidents = incidents
        self.known = known
        self.conditions = conditions(known[:20])

    def page(self, condition, now=NOON, size=MANY, position=None):
        return self._runner.run(self._incidents.page(condition, now, size, position))

    def expected(self, condition, now=NOON):
        matching = [incident for incident in self.known if holds(condition, incident, now)]
        return [i.id for i in sorted(matching, key=lambda i: (i.start_time, i.id), reverse=True)]


@pytest.fixture(scope="module")
def store(postgres, migrated):
    with fresh_database(postgres, template=migrated) as dsn, asyncio.Runner() as runner:
        database = Database(dsn)
        runner.run(database.open())
        try:
            incidents = PgIncidents(database)
            population = runner.run(populate(incidents, PgAccounts(database), 150))
            yield Store(runner, incidents, population.incidents)
        finally:
            runner.run(database.close())


@settings(max_examples=300)
@given(data=st.data(), span=signed_spans)
def test_sql_and_python_agree(store, data, span):
    """
    A page shows those incidents of which the condition holds, whatever the condition and whenever it is asked.
    """
    condition = data.draw(store.conditions)
    condition = data.draw(st.sampled_from([condition, Not(condition), All((IsOpen(), condition)), All((All((condition, IsOpen())),))]))

    page = store.page(condition, NOON + span)

    assert store.expected(condition, NOON + span) == [row.id for row in page.rows]
    assert page.next is None
    assert page.previous is None


@given(data=st.data(), size=st.integers(1, 40))
def test_pages_show_everything_once_both_ways(store, data, size):
    """
    Whoever follows the pages to the end, and back again, sees each incident once in each direction, and the same pages where they align.
    """
    condition = data.draw(store.conditions | st.sampled_from([All(()), IsOpen(), All((IsOpen(), Not(IsOpen())))]))

    forwards, position = [], None
    while position or not forwards:
        page = store.page(condition, size=size, position=position)
        forwards.append([row.id for row in page.rows])
        assert (page.previous is None) == (len(forwards) == 1)
        position = page.next
    backwards, position = [forwards[-1]], page.previous
    while position:
        page = store.page(condition, size=size, position=position)
        backwards.insert(0, [row.id for row in page.rows])
        position = page.previous

    expected = store.expected(condition)
    assert expected == [id_ for page in forwards for id_ in page]
    assert expected == [id_ for page in backwards for id_ in page]
    assert [size] * (len(forwards) - 1) == [len(page) for page in forwards[:-1]]


def test_what_cannot_be_stored_matches_nothing(store):
    """
    Clients ask for anything: what no incident can have is no error.
    """
    nonsense = ["\0", "\ud800", "a=\0", "a=\ud800", "x" * 100_000]
    for text in nonsense:
        for condition in (KeyIs(text), HasTag(frozenset({text})), SourceNamed(frozenset({text})), SourceTyped(frozenset({text}))):
            assert [] == list(store.page(condition).rows)
            assert len(store.known) == len(store.page(Not(condition)).rows)


@pytest.mark.parametrize(
    "condition",
    [
        *(LevelAtMost(level) for level in (math.nan, math.inf, -math.inf, 0, -0.0, 2.9999999, 10**400, -(10**400))),
        *(LastedAtLeast(span) for span in (timedelta.min, timedelta.max, timedelta(0), timedelta(microseconds=1))),
        *(clause(datetime.min.replace(tzinfo=UTC)) for clause in (StartedSince, StartedUntil, EndsSince)),
        *(clause(datetime.max.replace(tzinfo=UTC)) for clause in (StartedSince, StartedUntil, EndsSince)),
        *(SourceIn(frozenset(ids)) for ids in ([], [0], [-1], [2**63 - 1])),
        SourceOf(0),
        HasTag(frozenset()),
        HasTag(frozenset({'odd="\\{},'})),
        Either(()),
        All(()),
        Not(All(())),
        Not(Not(SourceOf(0))),
    ],
    ids=lambda condition: repr(condition)[:50],
)
def test_the_ends_of_all_scales(store, condition):
    assert store.expected(condition) == [row.id for row in store.page(condition).rows]
    assert store.expected(Not(condition)) == [row.id for row in store.page(Not(condition)).rows]


def test_a_position_need_not_be_an_incident(store):
    """
    Whoever comes back to a place whose incident no longer matches goes on from there.
    """
    everything = store.expected(All(()))
    middle = next(i for i in store.known if i.id == everything[70])

    after = store.page(All(()), size=5, position=Position(middle.start_time, middle.id))
    before = store.page(All(()), size=5, position=Position(middle.start_time, middle.id, backwards=True))

    assert everything[71:76] == [row.id for row in after.rows]
    assert everything[65:70] == [row.id for row in before.rows]
    assert everything[66:71] == [row.id for row in store.page(All(()), size=5, position=after.previous).rows]
    assert everything[70:75] == [row.id for row in store.page(All(()), size=5, position=before.next).rows]
    nowhere = store.page(All(()), size=5, position=Position(NOON - timedelta(days=9), 1))
    assert ([], None, None) == (list(nowhere.rows), nowhere.next, nowhere.previous)
