"""Find what a planned maintenance has kept back."""

from adapters.db.migrations.online import build_index, drop_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("delivery_maintenance", "delivery (maintenance_id, id) where maintenance_id is not null")


def downgrade() -> None:
    drop_index("delivery_maintenance")
