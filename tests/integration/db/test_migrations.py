"""The steps lead to the tables that the code knows, there and back, whoever else takes them at the same time."""

import shutil
import subprocess
import sys
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.db import migrate
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
