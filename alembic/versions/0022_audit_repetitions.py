"""Events that the audit log has recorded today, and how often they were repeated since."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime, exact

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_repetitions",
        sa.Column("subject", exact(64), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("told_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_audit_repetitions"),
        sa.Index("ix_audit_repetitions_told_until", "told_until"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("audit_repetitions")
