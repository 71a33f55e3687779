"""What PostgreSQL looks at to read a page: an index that fits, never all incidents."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from adapters.db import outbox_statements
from adapters.db.database import Database
from adapters.db.journal import PgIncidents
from adapters.db.sorting import to_read_list
from argus_core.domain.filters import (
    EVERYTHING,
    All,
    Either,
    EndsUntil,
    HasTag,
    IsAcked,
    IsClosed,
    IsOpen,
    IsStateful,
    KeyIs,
    LastedAtLeast,
    LevelAtMost,
    Not,
    SourceIn,
    SourceOf,
    TextHas,
)
from argus_core.domain.incidents import FOREVER
from argus_core.ports.incidents import NEWEST, By, Order, Position
from integration.postgres import fresh_database

NOW = datetime(2030, 3, 3, 12, tzinfo=UTC)

# One a minute; one in a hundred is open, and a few more end within the next hours. Ten sources, fifty sites, one host each.
LOAD = """
    insert into account select id, 'robot' || id, '', '', '', '', true, false, false from generate_series(1, 10) id;
    insert into source_type values ('nav');
    insert into source select id, id, 'nav', 'source' || id, '' from generate_series(1, 10) id;
    insert into incident (id, version, source_id, source_incident_id, start_time, end_time, stateful, level, description, details_url,
        ticket_url, metadata, tags, tags_by, tags_at, acked_until, ended, received)
    select id, 1, 1 + id % 10, 'key-' || id, start, case when id % 100 > 0 then least(start + interval '5 hours', {now}) end, true,
        1 + id % 5, 'alarm ' || id || ' of h' || id % 500 || ' raised ' || repeat('x', 70), '', '',
        '{{}}', array['host=h' || id, 'site=s' || id % 50], '{{1,1}}', array[start, start],
        case when id % 3 = 0 then start + interval '1 hour' end, false, start
    from (select id, {now}::timestamptz - (20000 - id) * interval '1 minute' as start from generate_series(1, 20000) id) made;
    insert into event (id, incident_id, timestamp, received, version, effect, type, description, changes)
    select id, id, start_time, start_time, 1, true, 'STA', description, '{{}}' from incident;
    insert into event (id, incident_id, timestamp, received, version, effect, type, description, changes)
    select 100000 + id, id, start_time, start_time, 2, true, 'OTH', 'note ' || id, '{{}}' from incident where id % 2 = 0;
    update incident set end_time = {now}::timestamptz + interval '2 hours' where id % 4001 = 0;
    analyze;
"""


@pytest.fixture(scope="module")
def loaded(postgres, migrated):
    with fresh_database(postgres, template=migrated) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(LOAD.format(now=f"'{NOW.isoformat()}'"))
        yield dsn


def plans(dsn, condition, explain, positions, order=NEWEST):
    """What PostgreSQL would do for the pages at these positions."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set random_page_cost = 1.1")  # that of the embedded server, and of every other that has no turning disk
        for position in positions:
            [[[explained]]] = explain(connection, *to_read_list(condition, NOW, 101, position, order)).fetchall()
            yield explained["Plan"]


def planned(connection, statement, values):
    """The plan for these values."""
    return connection.execute(f"explain (format json) {statement}", values)


def kept(connection, statement, values):
    """The plan for any values, as a prepared statement has it."""
    connection.execute("set plan_cache_mode = force_generic_plan; deallocate all")
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    connection.execute("prepare page as " + re.sub(r"%\((\w+)\)s", lambda found: f"${1 + names.index(found[1])}", statement))
    literals = sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(values[name]) for name in names)) if names else sql.SQL("")
    return connection.execute(sql.SQL("explain (format json) execute page {}").format(literals))


def scanned(node):
    # A bitmap scan of the table is fed by bitmap scans of its indexes.
    if node.get("Relation Name") != "source" and node["Node Type"] != "Bitmap Heap Scan":
        yield from [node[name] for name in ("Index Name", "Relation Name") if name in node][:1]
    for part in node.get("Plans", []):
        yield from scanned(part)


def scans(plans):
    """What is scanned to get at incidents: indexes, or the table itself."""
    return set().union(*map(scanned, plans))


@pytest.mark.parametrize(
    ("condition", "indexes"),
    [
        (EVERYTHING, {"incident_start"}),
        (LevelAtMost(2), {"incident_start"}),
        (IsOpen(), {"incident_open", "incident_end_start"}),
        (All((IsOpen(), Not(IsAcked()))), {"incident_open", "incident_end_start"}),
        (All((All((Not(IsAcked()), IsOpen())), SourceIn(frozenset({1, 2})))), {"incident_open", "incident_end_start"}),
        (HasTag(frozenset({"host=h777"})), {"incident_tags"}),
        (KeyIs("key-777"), {"incident_source_key"}),
        (SourceOf(3), {"incident_source_start"}),
        (All((SourceOf(3), KeyIs("key-777"))), {"incident_source_key"}),
        (EndsUntil(NOW - timedelta(days=10)), {"incident_start", "incident_ended_early"}),
        (All((IsClosed(), LastedAtLeast(timedelta(hours=1)))), {"incident_start"}),
        (TextHas("alarm 777 "), {"incident_text", "event_later_text", "pk_incident"}),
        (TextHas("raised"), {"incident_start", "event_later_text", "pk_incident"}),
        (Not(TextHas("777")), {"incident_start", "uq_event_incident_id_version"}),
        (
            Either((HasTag(frozenset({"host=h777"})), TextHas("alarm 777 "))),
            {"incident_tags", "incident_text", "event_later_text", "pk_incident"},
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_page_is_read_by_index(loaded, condition, indexes):
    """
    First pages, deep pages and ways back alike.
    """
    deep = NOW - timedelta(days=5)
    positions = [None, Position(deep, 12_000), Position(deep, 12_000, backwards=True)]

    assert indexes == scans(plans(loaded, condition, planned, positions))


BY_LEVEL = {"incident_level_endless", "incident_level_other"}
BY_END = {"incident_open", "incident_stateless", "incident_end_start"}
RANKS = {By.START: [None], By.END: [NOW - timedelta(days=5), FOREVER], By.LEVEL: [-3]}


def read(dsn, condition, order, position):
    """How many rows PostgreSQL looks at to read a page there."""

    def analyzed(connection, statement, values):
        return connection.execute(f"explain (analyze, format json) {statement}", values)

    def looked_at(node):
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] if "Scan" in node["Node Type"] else 0
        return own + sum(map(looked_at, node.get("Plans", [])))

    (plan,) = plans(dsn, condition, analyzed, [position], order)
    return looked_at(plan)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("by", "condition", "indexes"),
    [
        (By.START, EVERYTHING, {"incident_start"}),
        (By.START, IsOpen(), {"incident_open", "incident_end_start"}),
        (By.LEVEL, EVERYTHING, BY_LEVEL),
        (By.LEVEL, IsOpen(), {"incident_level_endless", "incident_end_start"}),
        (By.LEVEL, All((IsOpen(), Not(IsAcked()))), {"incident_level_endless", "incident_end_start"}),
        (By.LEVEL, IsClosed(), {"incident_level_other"}),
        (By.LEVEL, LevelAtMost(2), BY_LEVEL),
        (By.LEVEL, All((IsOpen(), LevelAtMost(4), Not(LevelAtMost(3)))), {"incident_level_endless", "incident_end_start"}),
        (By.END, EVERYTHING, BY_END),
        (By.END, IsOpen(), {"incident_open", "incident_end_start"}),
        (By.END, IsClosed(), {"incident_end_start"}),
        (By.END, EndsUntil(NOW - timedelta(days=10)), {"incident_end_start"}),
        (By.END, IsStateful(), {"incident_open", "incident_end_start"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_page_in_any_order_is_a_bounded_part_of_an_index(loaded, by, condition, indexes, reverse):
    """
    First pages, deep pages and ways back alike: of twenty thousand incidents a few pages are looked at.
    """
    order = Order(by, reverse)
    deep = [Position(NOW - timedelta(days=5), 12_000, backwards, rank) for rank in RANKS[by] for backwards in (False, True)]

    used = scans(plans(loaded, condition, planned, [None, *deep], order))

    assert used <= indexes
    assert indexes == scans(plans(loaded, condition, planned, [None], order)) or by is By.LEVEL
    assert max(read(loaded, condition, order, position) for position in [None, *deep]) < 2_000


# Ten thousand of each wait, of which every hundredth is urgent; the urgent ones came last.
STORM = """
    insert into outbox (incident_id, version, urgent) select id, 1, id > 9900 from generate_series(1, 10000) id;
    insert into lane (incident_id, destination_id, newest, route, due, urgent)
    select id, 1 + id % 500, id, 'email:', now() - (10000 - id) * interval '1 second', id > 9900 from generate_series(1, 10000) id;
    analyze outbox, lane;
"""


@pytest.fixture
def stormy(postgres, migrated):
    with fresh_database(postgres, template=migrated) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(STORM)
        yield dsn


@pytest.mark.parametrize(
    ("statement", "values", "most"),
    [
        (outbox_statements.CLAIM, {"urgent": 150, "most": 200}, 2_000),
        (outbox_statements.TAKE, {"routes": ["email:"], "rooms": [16], "shares": [12], "spares": [8], "lease": timedelta(minutes=5)}, 200),
        (outbox_statements.CANDIDATES, {"routes": ["email:"], "rooms": [16], "shares": [12], "spares": [8]}, 400),
    ],
    ids=["claim", "take", "candidates"],
)
def test_a_storm_is_not_looked_through_for_what_is_urgent(stormy, statement, values, most):
    """
    Of all that waits about as much is looked at as is taken, in the plan for any values, too.
    """

    def looked_at(node):
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        own = own if node.get("Relation Name") in ("outbox", "lane") else 0
        return own + sum(map(looked_at, node.get("Plans", [])))

    for mode in ("force_custom_plan", "force_generic_plan"):
        with psycopg.connect(stormy) as connection:
            connection.execute(f"set plan_cache_mode = {mode}; set random_page_cost = 1.1")
            [[[explained]]] = connection.execute(f"explain (analyze, format json) {statement}", values, prepare=True).fetchall()
            connection.rollback()

        assert looked_at(explained["Plan"]) < most, mode


USUAL = [
    (EVERYTHING, {"incident_start"}),
    (IsAcked(), {"incident_start"}),
    (IsOpen(), {"incident_open", "incident_end_start"}),
    (All((IsOpen(), IsAcked())), {"incident_open", "incident_end_start"}),
    (All((IsOpen(), Not(IsAcked()))), {"incident_open", "incident_end_start"}),
]


@pytest.mark.parametrize(("condition", "indexes"), USUAL, ids=lambda value: str(value)[:50])
def test_a_usual_first_page_is_read_by_index_with_a_plan_for_any_moment(loaded, condition, indexes):
    assert indexes == scans(plans(loaded, condition, kept, [None]))


@pytest.mark.parametrize(("condition", "indexes"), USUAL, ids=lambda value: str(value)[:50])
def test_a_usual_first_page_is_read_by_index_however_dear_it_seems_to_sort(loaded, condition, indexes):
    """
    The more incidents there are, the more seem to end in the future, and to have to be sorted: of five million, looking for them among all,
    from the newest on, seemed the faster.
    """

    def kept_unsorted(connection, statement, values):
        connection.execute("set enable_sort = off")
        return kept(connection, statement, values)

    assert indexes == scans(plans(loaded, condition, kept_unsorted, [None]))


@pytest.mark.parametrize("condition", [condition for condition, _ in USUAL], ids=lambda value: str(value)[:50])
def test_a_usual_first_page_is_expected_to_cost_the_same_at_any_moment(loaded, condition):
    """
    Otherwise PostgreSQL may plan it anew each time.
    """
    for_this, for_any = (next(plans(loaded, condition, explain, [None]))["Total Cost"] for explain in (planned, kept))

    assert for_this == for_any


@pytest.mark.anyio
async def test_a_usual_page_is_planned_a_few_times_and_never_again(loaded):
    async with Database(loaded, connections=1).opened() as database:
        incidents = PgIncidents(database)
        for minutes in range(10):
            await incidents.page(IsOpen(), NOW + timedelta(minutes=minutes), 100)

        cursor = await database.run(
            lambda connection, _: connection.execute("select custom_plans from pg_prepared_statements where statement ~ 'as written'")
        )

    [(custom_plans,)] = await cursor.fetchall()
    assert custom_plans <= 5
