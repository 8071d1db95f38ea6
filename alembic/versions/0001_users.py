"""The accounts."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("username", text(255), nullable=False),
        sa.Column("username_canonical", exact(255), nullable=False),
        sa.Column("email", text(320), nullable=False),
        sa.Column("email_canonical", exact(320), nullable=False),
        sa.Column("email_verified_at", UtcDateTime(), nullable=True),
        sa.Column("language", exact(16), nullable=False),
        sa.Column("password_hash", exact(255), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("erase_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("username_canonical", name="uq_users_username_canonical"),
        sa.UniqueConstraint("email_canonical", name="uq_users_email_canonical"),
        sa.Index("ix_users_erase_at", "erase_at"),
        sa.Index("ix_users_disabled_at", "disabled_at"),
        sa.Index("ix_users_email_verified_at", "email_verified_at"),
        sa.Index("ix_users_created_at", "created_at"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("users")
