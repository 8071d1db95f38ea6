"""A line of the revocation feed can say which account a number means now."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import exact

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revocations", sa.Column("random_id", exact(16), nullable=True))


def downgrade() -> None:
    op.drop_column("revocations", "random_id")
