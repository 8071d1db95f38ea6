"""The hash chain of the audit log."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.tables import BigId, UtcDateTime, exact

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
        sa.Column("digest", exact(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_seals"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("audit_seals")
