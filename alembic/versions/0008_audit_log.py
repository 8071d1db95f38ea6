"""The audit log."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", exact(64), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("actor_id", BigId, nullable=True),
        sa.Column("session_id", BigId, nullable=True),
        sa.Column("address", exact(45), nullable=False),
        sa.Column("request_id", exact(64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("seal_id", BigId, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sa.Index("ix_audit_log_at", "at"),
        sa.Index("ix_audit_log_user_id", "user_id", "at"),
        sa.Index("ix_audit_log_actor_id", "actor_id", "at"),
        sa.Index("ix_audit_log_event", "event", "at"),
        sa.Index("ix_audit_log_address", "address", "at"),
        sa.Index("ix_audit_log_seal_id", "seal_id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("audit_log")
