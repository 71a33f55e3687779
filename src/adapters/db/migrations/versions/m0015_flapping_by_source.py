"""Remember from when on the incidents of a source flap."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source", sa.Column("flapping", sa.Text()))


def downgrade() -> None:
    op.drop_column("source", "flapping")
