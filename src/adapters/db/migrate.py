"""
Bring a database up to date.

Steps are written so that the version before and the one after run on either schema; hence a database that is ahead of us needs nothing.
Each is taken whole or not at all, while others use the database.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

NAME = "argus migrate"
FOLDER = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x61726775735F6462
"""Whoever migrates holds it: several processes may start at once."""

LOCK_TIMEOUT = "500ms"
"""A step waits so long for a table that somebody uses, and whoever comes later waits behind it. Then it lets them pass, and tries again."""

TRIES = 120
PAUSE = 1.0
STATEMENT_TIMEOUT = "30min"

BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)

logger = logging.getLogger(__name__)


def upgrade(dsn: str) -> None:
    """Take all steps that the database lacks, one after the other. When one fails, those before it stay."""
    with alone(dsn) as (config, connection):
        if lacking(config, connection):
            _patiently(connection, partial(command.upgrade, config, "head"))


def downgrade(dsn: str, revision: str = "base") -> None:
    """
    Take steps back, until the one with this number is the last; what the others kept is gone.

    Raises:
        UnknownStep: there is none, or the database has not got it.
    """
    with alone(dsn) as (config, connection):
        steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
        last = revision_of(connection)
        taken = steps[steps.index(last) :] if last in steps else []
        if revision not in (*taken, "base"):
            raise UnknownStep(revision)
        _patiently(connection, partial(command.downgrade, config, revision))


class UnknownStep(Exception):
    """The database has no such step."""


def pending(dsn: str) -> list[str]:
    """The steps that the database lacks, in order: number and what it does."""
    with connected(dsn) as connection:
        return [named(step) for step in lacking(config_for(connection), connection)]


def current(dsn: str) -> str | None:
    """The number of the step taken last; None for an empty database."""
    with connected(dsn) as connection:
        return revision_of(connection)


def revise(dsn: str, what: str) -> Path:
    """Write a new step that leads from this database, which has all others, to the tables as the code knows them."""
    with alone(dsn) as (config, _):
        step = command.revision(config, what, autogenerate=True)
    if not isinstance(step, Script):
        raise TypeError(f"Alembic wrote {step!r} instead of one step.")
    return Path(step.path)


def named(step: Script) -> str:
    """The number of a step, and what it does."""
    return f"{step.revision} {step.doc.rstrip('.')}"


def lacking(config: Config, connection: sa.Connection) -> list[Script]:
    """The steps that the database lacks, in order."""
    steps = list(ScriptDirectory.from_config(config).walk_revisions())  # latest first
    known = [*(step.revision for step in steps), None]
    taken = revision_of(connection)
    missing = steps[: known.index(taken)] if taken in known else []  # one we have never heard of: the database is ahead
    return missing[::-1]


def _patiently(connection: sa.Connection, take: Callable[[], None]) -> None:
    """Take steps; while the tables that one needs are in use, let others pass and go on with that one."""
    for tries in range(1, TRIES + 1):
        try:
            take()
        except sa.exc.DBAPIError as error:
            connection.rollback()
            if tries == TRIES or not isinstance(error.orig, BUSY):
                raise
            logger.warning("Others use the tables that a step needs; it is tried again.")
            time.sleep(PAUSE)
        else:
            return


def revision_of(connection: sa.Connection) -> str | None:
    """The number of the step taken last."""
    revision = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return revision


@contextmanager
def alone(dsn: str) -> Iterator[tuple[Config, sa.Connection]]:
    """A connection, while nobody else migrates."""
    with psycopg.connect(dsn, autocommit=True, application_name=NAME) as lock, connected(dsn) as connection:
        # By trying: a statement that waits would be waited for by `create index concurrently`.
        while not (lock.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone() or (False,))[0]:
            time.sleep(PAUSE / 10)
        for name, value in (("lock_timeout", LOCK_TIMEOUT), ("statement_timeout", STATEMENT_TIMEOUT)):
            connection.execute(sa.select(sa.func.set_config(name, value, False)))
        connection.commit()
        yield config_for(connection), connection


@contextmanager
def connected(dsn: str) -> Iterator[sa.Connection]:
    """A connection that is in no transaction."""
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn, application_name=NAME), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def config_for(connection: sa.Connection) -> Config:
    """What Alembic has to know to work on this connection."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "m%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
