"""What the steps that a database lacks would do to it: found out by taking them, there and back, where nobody is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import Script

from adapters.db.migrate import alone, config_for, connected, lacking, named, revision_of
from adapters.db.migrations.online import TABLES_IN_USE

STRONG = ("ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Locks that get in the way of somebody, weakest first; only the first lets others read and write."""

TABLES = "select table_name::text, '' from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'"
COLUMNS = "select table_name::text, column_name::text from information_schema.columns where table_schema = current_schema()"
LOCKS = "select relation::regclass::text, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """
    A step that would be taken: the strongest lock on each table that is there before, and what is forgotten when it is taken back.

    `lost` is None when it cannot be taken back.
    """

    step: str
    locks: Mapping[str, str]
    lost: Sequence[str] | None


def plan(dsn: str, scratch: str) -> list[Planned]:
    """What bringing the database up to date would do to it. It is found out by doing it to `scratch`, an empty database."""
    with connected(dsn) as connection:
        before, steps = revision_of(connection), lacking(config_for(connection), connection)
    with alone(scratch) as (config, connection):
        config.attributes[TABLES_IN_USE] = True
        if steps and before is not None:
            command.upgrade(config, before)
        return [_tried(config, connection, step) for step in steps]


def _tried(config: Config, connection: sa.Connection, step: Script) -> Planned:
    before = _asked(connection, TABLES)
    locks: dict[str, str] = {}

    def note(found: Iterable[tuple[str, str]]) -> None:
        for table, lock in found:
            if (table, "") in before and table != "alembic_version" and lock in STRONG:
                locks[table] = max(lock, locks.get(table, lock), key=STRONG.index)

    def at_commit(connection: sa.Connection) -> None:
        note(connection.connection.cursor().execute(LOCKS).fetchall())

    def before_statement(*told: object) -> None:
        note((table, STRONG[0]) for table in re.findall(r"index concurrently \w+ on (\w+)", str(told[2])))

    for name, listener in (("commit", at_commit), ("before_cursor_execute", before_statement)):
        sa.event.listen(connection, name, listener)
    command.upgrade(config, step.revision)
    for name, listener in (("commit", at_commit), ("before_cursor_execute", before_statement)):
        sa.event.remove(connection, name, listener)
    return Planned(step=named(step), locks=locks, lost=_lost(config, connection, step))


def _lost(config: Config, connection: sa.Connection, step: Script) -> Sequence[str] | None:
    after = _asked(connection, COLUMNS)
    try:
        command.downgrade(config, str(step.down_revision or "base"))
    except NotImplementedError:  # what a step raises that cannot be taken back
        connection.rollback()
        return None
    gone = after - _asked(connection, COLUMNS)
    left = {table for table, _ in _asked(connection, TABLES)}
    command.upgrade(config, step.revision)
    return sorted({f"{table}.{column}" if table in left else table for table, column in gone if table != "alembic_version"})


def _asked(connection: sa.Connection, query: str) -> set[tuple[str, str]]:
    found = {(one, other) for one, other in connection.execute(sa.text(query))}
    connection.rollback()  # Alembic begins transactions of its own
    return found
