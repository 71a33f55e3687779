"""
Steps on large tables that others go on using.

Both happen outside any transaction, so they come first in a step, and a step that broke off after them can be taken again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from adapters.db.migrate import LOCK_TIMEOUT, STATEMENT_TIMEOUT

TABLES_IN_USE = "tables_in_use"
"""The attribute of a configuration under which steps shall think so, though the tables are empty."""


def build_index(name: str, on: str) -> None:
    """Build an index while the table is read and written; `on` begins with the table."""
    context = op.get_context()
    if not _in_use(on.partition(" ")[0]):
        op.execute(f"create index if not exists {name} on {on}")
        return
    with context.autocommit_block(), _patience():
        op.execute(f"drop index concurrently if exists {name}")  # one that broke off is there, and of no use
        op.execute(f"create index concurrently {name} on {on}")


def drop_index(name: str) -> None:
    """Drop an index while its table is read and written."""
    with op.get_context().autocommit_block(), _patience():
        op.execute(f"drop index concurrently if exists {name}")


def _in_use(table: str) -> bool:
    """Whether anybody would notice that the table is locked: making a new database shall not take long."""
    config = op.get_context().config
    asked = config is not None and config.attributes.get(TABLES_IN_USE, False)
    return bool(asked or op.get_bind().execute(sa.text(f"select exists (select from {table})")).scalar())  # noqa: S608 - our own words


@contextmanager
def _patience() -> Iterator[None]:
    """It waits for everybody who has begun something, however long that takes; nobody waits for it."""
    op.execute("set lock_timeout = 0")
    op.execute("set statement_timeout = 0")
    try:
        yield
    finally:
        op.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
        op.execute(f"set statement_timeout = '{STATEMENT_TIMEOUT}'")
