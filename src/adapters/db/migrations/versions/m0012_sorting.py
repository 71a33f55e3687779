"""Sort incidents by end and by level, and share filters."""

import sqlalchemy as sa
from alembic import op

from adapters.db.migrations.online import build_index, drop_index

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ENDLESS = "stateful and end_time is null"


def upgrade() -> None:
    build_index("incident_end_start", "incident (end_time, start_time, id) where end_time is not null")
    build_index("incident_stateless", "incident (start_time, id) where not stateful and end_time is null")
    build_index("incident_level_endless", f"incident ((-level), start_time, id) where {ENDLESS}")
    build_index("incident_level_other", f"incident ((-level), start_time, id) where not ({ENDLESS})")
    drop_index("incident_end")
    op.add_column("filter", sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("filter_shared", "filter", ["id"], postgresql_where="shared")


def downgrade() -> None:
    build_index("incident_end", "incident (end_time) where end_time is not null")
    for index in ("incident_level_other", "incident_level_endless", "incident_stateless", "incident_end_start"):
        drop_index(index)
    op.drop_index("filter_shared", "filter")
    op.drop_column("filter", "shared")
