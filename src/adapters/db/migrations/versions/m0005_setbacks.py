"""Remember of undecided events how often deciding has failed, why, and when it is tried again."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table outbox add column due timestamptz, add column failures integer not null default 0, add column reason text")


def downgrade() -> None:
    op.execute("alter table outbox drop column due, drop column failures, drop column reason")
