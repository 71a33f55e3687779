"""Remember from when on the incidents of a source flap, and find what was first told in a roundup whatever event it was about."""

import sqlalchemy as sa
from alembic import op

from adapters.db.migrations.online import build_index, drop_index

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

HELD = "delivery (incident_id, destination_id) where status = 'suppressed' and kept_by = 'budget'"


def upgrade() -> None:
    op.add_column("source", sa.Column("flapping", sa.Text()))
    build_index("delivery_above_budget", HELD)
    drop_index("delivery_start_held")


def downgrade() -> None:
    build_index("delivery_start_held", f"{HELD} and version = 1")
    drop_index("delivery_above_budget")
    op.drop_column("source", "flapping")
