"""The roles."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, exact, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("name", exact(64), nullable=False),
        sa.Column("description", text(255), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("stale_above", BigId, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("name", name="uq_roles_name"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("roles")
