"""Devices on which a sign-in does not ask for the second factor."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_devices",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("device", text(100), nullable=False),
        sa.Column("user_agent", text(255), nullable=False),
        sa.Column("address", exact(45), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_devices"),
        sa.UniqueConstraint("user_id", "digest", name="uq_trusted_devices_user_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_trusted_devices_user_id_users", ondelete="CASCADE"),
        sa.Index("ix_trusted_devices_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("trusted_devices")
