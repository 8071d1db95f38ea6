"""Drops the index of idle sessions; that of 0016 finds them too."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_sessions_idle_expires_at", "sessions")


def downgrade() -> None:
    op.create_index("ix_sessions_idle_expires_at", "sessions", ["idle_expires_at"])
