"""Remember which sources are expected to be heard of how often, and when each was heard of last."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HEART = """
create table heart (
    source_id bigint constraint pk_heart primary key constraint fk_heart_source_id references source (id),
    every interval,
    last timestamptz not null
) with (fillfactor = 50)
"""


def upgrade() -> None:
    op.execute(HEART)


def downgrade() -> None:
    op.execute("drop table heart")
