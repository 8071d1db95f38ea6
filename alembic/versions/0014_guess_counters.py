"""Counters of wrong guesses."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime, exact

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "guess_counters",
        sa.Column("subject", exact(43), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_guess_counters"),
        sa.Index("ix_guess_counters_expires_at", "expires_at"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("guess_counters")
