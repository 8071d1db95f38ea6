"""The signing keys."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime, exact

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", exact(64), nullable=False),
        sa.Column("algorithm", exact(16), nullable=False),
        sa.Column("slot", exact(32), nullable=True),
        sa.Column("encrypted_pem", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.Column("retiring_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
        sa.UniqueConstraint("slot", name="uq_signing_keys_slot"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("signing_keys")
