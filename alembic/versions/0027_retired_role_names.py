"""Former names of roles, which no other role may take while access tokens with them may be in use."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retired_role_names",
        sa.Column("name", exact(64), nullable=False),
        sa.Column("role_id", BigId, nullable=False),
        sa.Column("free_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_retired_role_names"),
        sa.Index("ix_retired_role_names_free_at", "free_at"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("retired_role_names")
