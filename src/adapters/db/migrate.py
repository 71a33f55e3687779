"""
Bring a database up to date.

Steps are written so that the version before and the one after run on either schema; hence a database that is ahead of us needs nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x61726775735F6462
"""Whoever migrates holds it: several processes may start at once."""

# A step waits so long for a table that somebody else uses; everybody who comes later would wait behind it.
LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "30min"


def upgrade(dsn: str) -> None:
    """Take all steps that the database lacks: all of them or, when one fails, none."""
    with _alone(dsn) as (config, connection):
        if _pending(config, connection):
            command.upgrade(config, "head")


def downgrade(dsn: str, revision: str = "base") -> None:
    """Take steps back; what they kept is gone."""
    with _alone(dsn) as (config, _):
        command.downgrade(config, revision)


def pending(dsn: str) -> list[str]:
    """The steps that the database lacks, in order: number and what it does."""
    with _connected(dsn) as connection:
        return _pending(_config(connection), connection)


def current(dsn: str) -> str | None:
    """The number of the step taken last; None for an empty database."""
    with _connected(dsn) as connection:
        return _revision(connection)


def _pending(config: Config, connection: sa.Connection) -> list[str]:
    steps = list(ScriptDirectory.from_config(config).walk_revisions())  # latest first
    known = [*(step.revision for step in steps), None]
    taken = _revision(connection)
    lacking = steps[: known.index(taken)] if taken in known else []  # one we have never heard of: the database is ahead
    return [f"{step.revision} {step.doc.rstrip('.')}" for step in reversed(lacking)]


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(dsn: str) -> Iterator[tuple[Config, sa.Connection]]:
    """A transaction in which nobody else migrates."""
    with _connected(dsn) as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        for name, value in (("lock_timeout", LOCK_TIMEOUT), ("statement_timeout", STATEMENT_TIMEOUT)):
            connection.execute(sa.select(sa.func.set_config(name, value, True)))
        yield _config(connection), connection


@contextmanager
def _connected(dsn: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn, application_name="argus migrate"), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        yield connection


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "m%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
