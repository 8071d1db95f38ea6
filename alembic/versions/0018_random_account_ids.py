"""A random id that distinguishes an account from one that had the same number before a restore; existing have none."""

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
