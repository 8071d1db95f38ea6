"""An index from which live sessions are counted without reading their rows."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sessions_live", "sessions", ["idle_expires_at", "absolute_expires_at", "ended_at"])


def downgrade() -> None:
    op.drop_index("ix_sessions_live", "sessions")
