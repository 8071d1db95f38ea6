"""Accounts at other providers, and authorizations there that are under way."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("provider", exact(32), nullable=False),
        sa.Column("issuer", exact(255), nullable=False),
        sa.Column("subject", exact(255), nullable=False),
        sa.Column("email", text(320), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id_users", ondelete="CASCADE"),
        sa.Index("ix_identities_user_id", "user_id"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )
    op.create_table(
        "pending_authorizations",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("browser_digest", exact(64), nullable=False),
        sa.Column("provider", exact(32), nullable=False),
        sa.Column("purpose", exact(16), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("session_id", BigId, nullable=True),
        sa.Column("invitation_id", BigId, nullable=True),
        sa.Column("return_to", text(2048), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pending_authorizations"),
        sa.UniqueConstraint("digest", name="uq_pending_authorizations_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_pending_authorizations_user_id_users", ondelete="CASCADE"
        ),
        sa.Index("ix_pending_authorizations_browser_digest", "browser_digest"),
        sa.Index("ix_pending_authorizations_user_id", "user_id"),
        sa.Index("ix_pending_authorizations_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("pending_authorizations")
    op.drop_table("identities")
