"""Plan maintenance, and let the ledger say what it kept back."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    op.add_column("delivery", sa.Column("maintenance_id", sa.BigInteger()))
    op.add_column("delivery", sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_index("delivery_kept_back", "delivery", ["maintenance_id"], postgresql_where="status = 'suppressed' and merged_into is null")
    op.create_index("delivery_rounded_up", "delivery", ["merged_into"], postgresql_where="status = 'suppressed'")


def downgrade() -> None:
    op.execute("delete from delivery where status = 'suppressed' or title <> ''")
    op.execute("delete from lane where incident_id < 0")
    for index in ("delivery_rounded_up", "delivery_kept_back"):
        op.drop_index(index, "delivery")
    for column in ("title", "maintenance_id"):
        op.drop_column("delivery", column)
    op.drop_table("maintenance")
