"""Leases: which replica does the work that only one may do at a time."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime, exact

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", exact(64), nullable=False),
        sa.Column("holder", exact(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("leases")
