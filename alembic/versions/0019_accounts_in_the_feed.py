"""An entry of the revocation feed can name the random id of the account that has a number now."""

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
