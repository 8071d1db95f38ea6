"""Daily figures for the overview."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_figures",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", exact(64), nullable=False),
        sa.Column("detail", exact(64), nullable=False),
        sa.Column("value", BigId, nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("day", "name", "detail", name="pk_daily_figures"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("daily_figures")
