"""What Alembic runs: the steps, each in a transaction of its own, on the connection that `migrate` holds."""

from collections.abc import Iterable

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.db.tables import metadata


def number(_: MigrationContext, __: str | Iterable[str | None] | Iterable[str], scripts: list[MigrationScript]) -> None:
    """Steps are numbered, so that a folder listing tells their order."""
    head = ScriptDirectory.from_config(context.config).get_current_head()
    scripts[0].rev_id = f"{int(head or 0) + 1:04}"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    process_revision_directives=number,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
