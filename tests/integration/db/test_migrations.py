"""The steps lead to the tables that the code knows, there and back, whoever else takes them at the same time."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.db import migrate, planning
from adapters.db.tables import metadata
from integration.postgres import fresh_database
from integration.serving import process

# Everything that can be told of a schema, in words of PostgreSQL's own.
SHAPE = """
    select 'column', table_name || '.' || column_name,
        concat_ws(' ', data_type, udt_name, is_nullable, column_default, is_identity, generation_expression)
    from information_schema.columns where table_schema = 'public'
    union all select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
    union all select 'options', oid::regclass::text, reloptions::text from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace
    union all select 'statistics', attrelid::regclass || '.' || attname, attstattarget::text from pg_attribute
    where attstattarget > 0 and attrelid::regclass::text in (select tablename from pg_tables where schemaname = 'public')
    union all select 'sequence', sequencename, concat_ws(' ', data_type, start_value, increment_by, cache_size)
    from pg_sequences where schemaname = 'public'
    order by 1, 2, 3"""


@pytest.fixture
def empty(postgres):
    with fresh_database(postgres) as dsn:
        yield dsn


def shape(dsn):
    with psycopg.connect(dsn) as connection:
        return [row for row in connection.execute(SHAPE) if "alembic_version" not in row[1]]


def create_all(dsn):
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=sa.NullPool)
    with engine.begin() as connection:
        metadata.create_all(connection)


def test_the_steps_lead_to_the_tables(empty, postgres):
    """
    A migrated database and one made from `tables` are the same, down to the definition of each index.
    """
    with fresh_database(postgres) as made:
        create_all(made)

        migrate.upgrade(empty)

        assert shape(made) == shape(empty)


def test_alembic_would_add_nothing(empty):
    migrate.upgrade(empty)

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty), poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata)


def test_steps_can_be_taken_back(empty):
    """
    Down to nothing and up again leads to the same.
    """
    migrate.upgrade(empty)
    before = shape(empty)

    migrate.downgrade(empty)

    assert [] == shape(empty)
    assert migrate.current(empty) is None
    migrate.upgrade(empty)
    assert before == shape(empty)


def test_it_is_told_what_is_missing(empty):
    missing = migrate.pending(empty)

    assert ["0001 Keep incidents, their journal and accounts"] == missing[:1]
    migrate.upgrade(empty)
    assert [] == migrate.pending(empty)
    assert missing[-1].startswith(migrate.current(empty))
    migrate.upgrade(empty)
    assert [] == migrate.pending(empty)


def test_a_newer_database_is_left_alone(empty):
    """
    While a new version is rolled out, old processes find steps they have never heard of.
    """
    migrate.upgrade(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("update alembic_version set version_num = '9999'")

    migrate.upgrade(empty)

    assert [] == migrate.pending(empty)
    assert "9999" == migrate.current(empty)


def test_processes_that_start_together_do_not_disturb_each_other(empty):
    """
    Several upgrades at the same time: all succeed, and the steps are taken once.
    """
    command = [sys.executable, "-c", "import sys; from adapters.db.migrate import upgrade; upgrade(sys.argv[1])", empty]

    with ExitStack() as stack:
        together = [stack.enter_context(process(*command, stderr=subprocess.PIPE, text=True)) for _ in range(4)]
        said = [one.communicate(timeout=60)[1] for one in together]

    assert [0] * 4 == [one.returncode for one in together], said
    assert [] == migrate.pending(empty)


def test_a_step_that_fails_leaves_nothing_behind(empty):
    with psycopg.connect(empty) as connection:
        connection.execute("create table destination (id int)")

    with pytest.raises(sa.exc.ProgrammingError, match="already exists"):
        migrate.upgrade(empty)

    with psycopg.connect(empty) as connection:
        assert [("destination",)] == connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()


def test_a_step_is_written_from_what_is_missing(empty, tmp_path, monkeypatch):
    """
    The next number, a name that tells what it does, and code that leads to the tables.
    """
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, folder)
    monkeypatch.setattr(migrate, "FOLDER", folder)
    migrate.upgrade(empty)
    complete = shape(empty)
    number = int(max(step.name for step in folder.glob("versions/m*.py"))[1:5]) + 1
    with psycopg.connect(empty) as connection:
        connection.execute("alter table account drop column email; drop index timer_due")

    step = migrate.revise(empty, "Find out who it is")

    assert f"m{number:04}_find_out_who_it_is.py" == step.name
    assert [f"{number:04} Find out who it is"] == migrate.pending(empty)
    migrate.upgrade(empty)
    assert {row[1] for row in complete} == {row[1] for row in shape(empty)}


# While others use the database

INCIDENT = """
    insert into incident values (
        nextval('incident_ids'), 1, now(), null, now(), null, 1, 3, true, false, '', 'Router down', '', '', '{}', '{}', '{}', '{}')"""
CHANGE = "delete from source where false"
WAITING = """
    select count(*) from pg_stat_activity
    where application_name = %s and wait_event_type = 'Lock' and datname = current_database()"""


@pytest.fixture
def upgrading(empty, monkeypatch):
    """Begins to upgrade the database; gives the future."""
    monkeypatch.setattr(migrate, "PAUSE", 0.2)
    with ThreadPoolExecutor(1) as pool:
        yield lambda: pool.submit(migrate.upgrade, empty)


def back_to(dsn, step):
    """A database that was used before the steps after this one were written."""
    migrate.upgrade(dsn)
    migrate.downgrade(dsn, step)
    with psycopg.connect(dsn) as connection:
        connection.execute(INCIDENT)


def writes(dsn, statement, count=1):
    """Do something as often as people would, each time within a second."""
    with psycopg.connect(dsn, autocommit=True, options="-c statement_timeout=1000") as connection:
        for _ in range(count):
            connection.execute(statement)


def waits(dsn):
    """Whether the upgrade waits for a lock, or for others to end."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(WAITING, [migrate.NAME]).fetchone() > (0,)


def until(true):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_indexes_are_built_while_incidents_are_written(empty, upgrading):
    """
    Somebody who has begun to write and does not end keeps the upgrade waiting, and the upgrade keeps nobody waiting.
    """
    back_to(empty, "0003")
    with psycopg.connect(empty) as dawdler:
        dawdler.execute(INCIDENT)
        upgrade = upgrading()
        until(lambda: waits(empty))

        writes(empty, INCIDENT, count=50)

        assert not upgrade.done()
        dawdler.commit()
        upgrade.result(30)
    assert [] == migrate.pending(empty)


def test_an_index_whose_building_broke_off_is_built_again(empty):
    back_to(empty, "0003")
    building = "create index concurrently incident_text on incident using gin (description gin_trgm_ops)"
    with psycopg.connect(empty) as dawdler, psycopg.connect(empty, autocommit=True) as broken:
        dawdler.execute(INCIDENT)
        with pytest.raises(psycopg.errors.QueryCanceled):
            broken.execute("set statement_timeout = 300") and broken.execute(building)

    migrate.upgrade(empty)

    with psycopg.connect(empty) as connection:
        assert [] == connection.execute("select indexrelid::regclass from pg_index where not indisvalid").fetchall()


def test_a_step_lets_others_pass_when_it_has_to_wait_for_a_table(empty, upgrading, monkeypatch):
    """
    It waits for its lock for a moment only, then those behind it have their turn, and it tries again.
    """
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
    back_to(empty, "0005")
    with psycopg.connect(empty) as dawdler:
        dawdler.execute(CHANGE)
        upgrade = upgrading()
        until(lambda: waits(empty))

        writes(empty, CHANGE, count=20)

        assert not upgrade.done()
        dawdler.commit()
        upgrade.result(30)
    assert [] == migrate.pending(empty)


def test_a_step_gives_up_in_the_end_and_changes_nothing(empty, monkeypatch):
    for name, value in (("LOCK_TIMEOUT", "50ms"), ("TRIES", 2), ("PAUSE", 0.01)):
        monkeypatch.setattr(migrate, name, value)
    back_to(empty, "0005")
    before = shape(empty)
    with psycopg.connect(empty) as dawdler:
        dawdler.execute(CHANGE)

        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            migrate.upgrade(empty)

    assert "0005" == migrate.current(empty)
    assert before == shape(empty)


# What is going to happen


def test_a_plan_tells_of_each_step_what_is_locked_and_what_is_lost_when_it_is_taken_back(empty, postgres):
    back_to(empty, "0003")
    before = shape(empty)

    with fresh_database(postgres) as scratch:
        texts, setbacks, hearts = planning.plan(empty, scratch)[:3]

    assert ("0004", {"incident": "ShareUpdateExclusiveLock", "event": "ShareUpdateExclusiveLock"}) == (texts.step[:4], texts.locks)
    assert ({"outbox": "AccessExclusiveLock"}, ["outbox.due", "outbox.failures", "outbox.reason"]) == (setbacks.locks, setbacks.lost)
    assert ({"source": "ShareRowExclusiveLock"}, ["heart"]) == (hearts.locks, hearts.lost)
    assert before == shape(empty)


def test_no_step_keeps_anybody_from_incidents_and_events_and_each_can_be_taken_back(empty, postgres):
    migrate.upgrade(empty)
    migrate.downgrade(empty, "0001")

    with fresh_database(postgres) as scratch:
        steps = planning.plan(empty, scratch)

    weakest = {None, planning.STRONG[0]}
    assert [] == [step.step for step in steps if not {step.locks.get("incident"), step.locks.get("event")} <= weakest]
    assert [] == [step.step for step in steps if step.lost is None]


def test_a_database_goes_back_to_a_step_it_has_taken_and_to_no_other(empty):
    migrate.upgrade(empty)
    migrate.downgrade(empty, "0006")

    with pytest.raises(migrate.UnknownStep):
        migrate.downgrade(empty, "0007")

    assert "0006" == migrate.current(empty)
