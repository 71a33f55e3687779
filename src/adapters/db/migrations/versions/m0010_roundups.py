"""Keep deliveries back for more than maintenance, with roundups that are due at some time; count messages; let profiles have digests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from adapters.db.migrations.online import build_index, drop_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {
    "delivery_held": "delivery (destination_id, kept_by, subject_id) "
    "where status = 'suppressed' and merged_into is null and kept_by is not null",
    "delivery_start_held": "delivery (incident_id, destination_id) where status = 'suppressed' and kept_by = 'budget' and version = 1",
}
QUEUE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000, "autovacuum_vacuum_cost_delay": 0}


def upgrade() -> None:
    op.execute("alter table delivery add column if not exists kept_by text")
    op.execute("alter table delivery add column if not exists subject_id bigint")
    op.execute("alter table delivery add column if not exists urgent boolean not null default false")
    for name, on in INDEXES.items():
        build_index(name, on)
    op.add_column("profile", sa.Column("digest", sa.Text()))
    op.create_table(
        "roundup",
        sa.Column("destination_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination_id", "kept_by", "subject_id", name="pk_roundup"),
        postgresql_with=QUEUE,
    )
    op.create_index("roundup_due", "roundup", ["due"])
    op.create_table(
        "purse",
        sa.Column("destination_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sent", pg.ARRAY(sa.DateTime(timezone=True)), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("destination_id", name="pk_purse"),
        postgresql_with=QUEUE,
    )
    op.create_table(
        "flap",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended", pg.ARRAY(sa.DateTime(timezone=True)), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name="pk_flap"),
        postgresql_with=QUEUE,
    )
    op.create_index("flap_changed", "flap", ["changed"])


def downgrade() -> None:
    for index in INDEXES:
        drop_index(index)
    op.drop_table("flap")
    op.drop_table("purse")
    op.drop_table("roundup")
    # Nobody would tell them any more; what has been told stays in the ledger without its keeper.
    op.execute("update delivery set status = 'dropped' where status = 'suppressed' and merged_into is null and kept_by is not null")
    op.drop_column("profile", "digest")
    for column in ("urgent", "subject_id", "kept_by"):
        op.drop_column("delivery", column)
