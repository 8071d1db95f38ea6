"""Codes by mail."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_codes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("purpose", exact(16), nullable=False),
        sa.Column("bound_to", exact(64), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("email", text(320), nullable=False),
        sa.Column("email_canonical", exact(320), nullable=False),
        sa.Column("code_mac", exact(43), nullable=False),
        sa.Column("link_digest", exact(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("address", exact(45), nullable=False),
        sa.Column("user_agent", text(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_email_codes"),
        sa.UniqueConstraint("bound_to", name="uq_email_codes_bound_to"),
        sa.UniqueConstraint("link_digest", name="uq_email_codes_link_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_codes_user_id_users", ondelete="CASCADE"),
        sa.Index("ix_email_codes_user_id", "user_id"),
        sa.Index("ix_email_codes_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("email_codes")
