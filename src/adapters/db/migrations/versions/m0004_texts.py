"""Find the texts of incidents and of their later events each by an index of its own."""

from alembic import op

from adapters.db.migrations.online import build_index, drop_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LATER = "case when version > 1 then description end"


def upgrade() -> None:
    build_index("incident_text", "incident using gin (description gin_trgm_ops)")
    build_index("event_later_text", f"event using gin (({LATER}) gin_trgm_ops) where version > 1")
    # Missing where the second step was taken before it had this index.
    build_index("incident_ended_early", "incident (start_time desc, id desc) where end_time < start_time")
    drop_index("event_text")
    op.execute(f"create statistics event_later_texts on ({LATER}) from event")
    op.execute("alter table incident alter description set statistics 500")


def downgrade() -> None:
    build_index("event_text", "event using gin (description gin_trgm_ops)")
    op.execute("alter table incident alter description set statistics -1")
    op.execute("drop statistics event_later_texts")
    op.execute("drop index incident_text, event_later_text")
