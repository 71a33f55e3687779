"""Plan maintenance, and let the ledger say what it kept back."""

import sqlalchemy as sa
from alembic import op

from adapters.db.migrations.online import build_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


# Of large tables first, each for itself: what broke off can be taken again.
COLUMNS = "alter table delivery add column if not exists maintenance_id bigint, add column if not exists title text not null default ''"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(COLUMNS)
    build_index("delivery_kept_back", "delivery (maintenance_id) where status = 'suppressed' and merged_into is null")
    build_index("delivery_rounded_up", "delivery (merged_into) where status = 'suppressed'")
    op.create_table(
        "maintenance",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True)),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance"),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name="fk_maintenance_created_by"),
    )
    op.create_index("maintenance_end", "maintenance", ["end_time"])
    op.create_index("maintenance_created_by", "maintenance", ["created_by"])


def downgrade() -> None:
    op.execute("delete from delivery where status = 'suppressed' or title <> ''")
    op.execute("delete from lane where incident_id < 0")
    for index in ("delivery_rounded_up", "delivery_kept_back"):
        op.drop_index(index, "delivery")
    for column in ("title", "maintenance_id"):
        op.drop_column("delivery", column)
    op.drop_table("maintenance")
