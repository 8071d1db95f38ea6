"""Renames the table of the statistics."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("daily_figures", "daily_statistics")


def downgrade() -> None:
    op.rename_table("daily_statistics", "daily_figures")
