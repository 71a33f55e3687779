"""Let profiles wait before they tell, and acknowledgements end with what happens."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("profile", sa.Column("escalate_after", sa.Interval()))
    op.add_column("ack", sa.Column("until", sa.Text()))


def downgrade() -> None:
    # Older versions know no such timers and events; what an escalation was stays in the journal, as a note by nobody.
    op.execute("delete from timer where kind = 'escalation-due'")
    op.execute("update event set type = 'OTH', changes = '{}' where type = 'escalation-due'")
    op.drop_column("ack", "until")
    op.drop_column("profile", "escalate_after")
