"""The proofs of identity of each session, and their times."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("proofs", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "proofs")
