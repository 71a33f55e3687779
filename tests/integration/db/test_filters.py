"""The SQL side of filters, held to the Python side."""

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.db.accounts import PgAccounts
from adapters.db.belongings import definition_columns, definition_from
from adapters.db.database import Database
from adapters.db.filters import Where
from adapters.db.journal import PgIncidents
from argus_core.domain.filters import (
    All,
    DescriptionHas,
    Either,
    EndsSince,
    HasTag,
    IdIn,
    IsOpen,
    KeyIs,
    LastedAtLeast,
    LaterTextHas,
    LevelAtMost,
    Not,
    SourceIn,
    SourceNamed,
    SourceOf,
    SourceTyped,
    StartedSince,
    StartedUntil,
    folded,
    holds,
)
from argus_core.ports.incidents import Position
from integration.db.population import TAGS, TEXTS, populate
from integration.postgres import fresh_database
from strategies import NOON, conditions, definitions, kept_conditions, signed_spans

MANY = 1_000

# Letters that got their small ones from Unicode 15 or later: what Pythons and servers know of them depends on their age.
NEW_LETTERS = frozenset(map(chr, (0x1C89, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DC, *range(0x10D50, 0x10D66))))

letters = st.text(
    "aAiIsSkK%_\\*.'\n\u00e5\u00c5\u212b\u0130\u0131\u0307\u00df\u1e9e\u03a3\u03c3\u03c2\u03a9\u2126\u212a\u01c5\ufb01\U0001f525",
    max_size=5,
)


class Store:
    """A store with 150 incidents, for synchronous callers."""

    def __init__(self, runner, incidents, population):
        self._runner = runner
        self._incidents = incidents
        self._texts = population.texts
        self.known = population.incidents
        self.conditions = conditions(self.known[:20], TEXTS)
        source_ids = st.sampled_from([source.id for source in population.cast.sources])
        types = st.sampled_from([source.type for source in population.cast.sources])
        tags = st.sampled_from(list(map(str, TAGS)))
        self.definitions = definitions(source_ids, tags, kept_conditions(source_ids, types, tags, TEXTS))

    def page(self, condition, now=NOON, size=MANY, position=None):
        return self._runner.run(self._incidents.page(condition, now, size, position))

    def places(self, condition, now=NOON):
        matching = [incident for incident in self.known if holds(condition, incident, now, texts=self._texts[incident.id])]
        return sorted(((incident.start_time, incident.id) for incident in matching), reverse=True)

    def expected(self, condition, now=NOON):
        return [id_ for _, id_ in self.places(condition, now)]

    def count(self, condition, now=NOON):
        return self._runner.run(self._incidents.count(condition, now))


@pytest.fixture(scope="module")
def store(postgres, migrated):
    with fresh_database(postgres, template=migrated) as dsn, asyncio.Runner() as runner:
        database = Database(dsn)
        runner.run(database.open())
        try:
            incidents = PgIncidents(database)
            population = runner.run(populate(incidents, PgAccounts(database), 150))
            yield Store(runner, incidents, population)
        finally:
            runner.run(database.close())


@settings(max_examples=2_000)
@given(data=st.data(), span=signed_spans)
def test_sql_and_python_agree(store, data, span):
    """
    A page shows those incidents of which the condition holds, and so many are counted, whatever the condition and whenever it is asked.
    """
    condition = data.draw(store.conditions)
    condition = data.draw(st.sampled_from([condition, Not(condition), All((IsOpen(), condition)), All((All((condition, IsOpen())),))]))

    page = store.page(condition, NOON + span)

    expected = store.expected(condition, NOON + span)
    assert expected == [row.id for row in page.rows]
    assert page.next is None
    assert page.previous is None
    assert len(expected) == store.count(condition, NOON + span)


@settings(max_examples=500)
@given(data=st.data(), size=st.integers(1, 200), backwards=st.booleans())
def test_a_page_begins_behind_any_incident(store, data, size, backwards):
    """
    Be it one that is not, or no longer, in the list: the page and the links to its neighbours are as if it were.
    """
    condition, here = data.draw(store.conditions), data.draw(st.sampled_from(store.known))
    place = (here.start_time, here.id)

    page = store.page(condition, size=size, position=Position(*place, backwards=backwards))

    places = store.places(condition)
    newer, older = [one for one in places if one > place], [one for one in places if one < place]
    at = [place] if place in places else []
    shown = newer[-size:] if backwards else older[:size]
    behind, ahead = (older + at, len(newer) > size) if backwards else (newer + at, len(older) > size)
    next_, previous = (behind, ahead) if backwards else (ahead, behind)
    assert [id_ for _, id_ in shown] == [row.id for row in page.rows]
    assert page.next == (Position(*shown[-1]) if shown and next_ else None)
    assert page.previous == (Position(*shown[0], backwards=True) if shown and previous else None)


@settings(max_examples=300)
@given(data=st.data(), span=signed_spans)
def test_a_saved_filter_shows_what_it_asks_for(store, data, span):
    """
    The preview of a filter, kept and read again, shows those incidents of which its clauses on incidents hold; without any it is empty.
    """
    definition = data.draw(store.definitions)
    kept = definition_from(json.loads(json.dumps(definition_columns(definition))))

    shown = [] if kept.incident_condition is None else [row.id for row in store.page(kept.incident_condition, NOON + span).rows]

    asked = definition.incident_condition
    assert shown == ([] if asked is None else store.expected(asked, NOON + span))


@pytest.mark.parametrize("has", [DescriptionHas, LaterTextHas])
@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(letters, letters), min_size=20, max_size=60))
def test_texts_are_compared_alike(postgres, has, pairs):
    """
    A text is in another for PostgreSQL exactly when it is for Python, whatever capitals and signs of patterns they hold.
    """
    where = Where(NOON)
    found = " or ".join(f"(i.id = {n} and {where.sql(has(wanted))})" for n, (_, wanted) in enumerate(pairs))
    statement = f"""
        with i (id, description) as (select * from unnest(%(ids)s::bigint[], %(texts)s::text[])),
            event (incident_id, version, description) as (select id, 2, description from i)
        select i.id from i where {found}"""  # noqa: S608 - our own words
    values = where.values | {"ids": list(range(len(pairs))), "texts": [text for text, _ in pairs]}

    with psycopg.connect(postgres) as connection:
        rows = connection.execute(statement, values).fetchall()

    assert [n for n, (text, wanted) in enumerate(pairs) if folded(wanted) in folded(text)] == sorted(n for (n,) in rows)


def test_every_letter_has_the_same_small_one(postgres):
    """
    Where PostgreSQL and Python differ, one of them is too old to know the letter: Unicode adds a few now and then.
    """
    with psycopg.connect(postgres) as connection:
        rows = connection.execute(
            "select chr(n), lower(chr(n)) from generate_series(1, 1114111) n where n not between 55296 and 57343"
        ).fetchall()

    differing = [(letter, small) for letter, small in rows if small != folded(letter)]

    assert all(letter in (small, folded(letter)) for letter, small in differing)
    assert {letter for letter, _ in differing} <= NEW_LETTERS


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
        All((SourceIn(frozenset({1})), SourceIn(frozenset({1, 2**15})), SourceIn(frozenset({1, 2**62})))),
        All((IdIn(frozenset({1})), SourceIn(frozenset({2**15, 2**31})))),  # lists of numbers of different sizes
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
