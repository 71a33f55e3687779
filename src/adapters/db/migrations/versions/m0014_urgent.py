"""Let what is of level 1 come before others."""

from alembic import op

from adapters.db.migrations.online import build_index, drop_index

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("lane", "outbox"):
        op.execute(f"alter table {table} add column if not exists urgent boolean not null default false")
    build_index("outbox_urgent", "outbox (incident_id) where urgent")
    build_index("lane_next", "lane (route, urgent, due)")
    drop_index("lane_due")


def downgrade() -> None:
    build_index("lane_due", "lane (route, due)")
    for index in ("lane_next", "outbox_urgent"):
        drop_index(index)
    for table in ("outbox", "lane"):
        op.execute(f"alter table {table} drop column urgent")
