"""Find the texts of incidents and of their later events each by an index of its own."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXTS = """
create index incident_text on incident using gin (description gin_trgm_ops);
create index event_later_text on event using gin ((case when version > 1 then description end) gin_trgm_ops) where version > 1;
create statistics event_later_texts on (case when version > 1 then description end) from event;
drop index event_text;
alter table incident alter description set statistics 500;
"""

# Missing where the second step was taken before it had this index.
EARLY = "create index if not exists incident_ended_early on incident (start_time desc, id desc) where end_time < start_time"


def upgrade() -> None:
    op.execute(TEXTS)
    op.execute(EARLY)


def downgrade() -> None:
    op.execute("alter table incident alter description set statistics -1")
    op.execute("create index event_text on event using gin (description gin_trgm_ops)")
    op.execute("drop statistics event_later_texts")
    op.execute("drop index incident_text, event_later_text")
