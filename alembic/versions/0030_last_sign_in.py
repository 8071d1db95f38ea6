"""When an account was last signed in to."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("last_sign_in_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "last_sign_in_at")
