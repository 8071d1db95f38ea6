"""An entry of the revocation feed can revoke every access token that was issued before a given time."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revocations", sa.Column("issued_before", UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("revocations", "issued_before")
