"""The hash chain of the audit log."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("previous", exact(64), nullable=False),
        sa.Column("content", exact(64), nullable=False),
        sa.Column("handover", exact(255), nullable=True),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("purged_at", UtcDateTime(), nullable=True),
        sa.Column("purge_proof", exact(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_seals"),
        sa.Index("ix_audit_seals_handover", "handover"),
        sa.Index("ix_audit_seals_purged_at", "purged_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("audit_seals")
