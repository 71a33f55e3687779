"""Remember who is logged in, who tries to, and whom identity providers mean."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("digest", name="uq_session_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_session_user_id"),
    )
    op.create_index("session_user", "session", ["user_id"])
    op.create_index("session_used", "session", ["used"])
    op.create_table(
        "attempt_at",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("attempt_at_subject", "attempt_at", ["subject", "at"])
    op.create_index("attempt_at_at", "attempt_at", ["at"])
    op.create_table(
        "slip",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "purpose", name="pk_slip"),
    )
    op.create_index("slip_until", "slip", ["until"])
    op.create_table(
        "identity",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identity"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_identity_user_id"),
    )
    op.create_index("identity_user", "identity", ["user_id"])


def downgrade() -> None:
    for table in ("identity", "slip", "attempt_at", "session"):
        op.drop_table(table)
