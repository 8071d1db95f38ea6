"""What tells an account from one that had its number before a restore; empty for those that are there."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import exact

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("random_id", exact(16), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "random_id")
