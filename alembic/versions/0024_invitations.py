"""Invitations, one per address; they are deleted with the account of the inviter."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("email", text(320), nullable=False),
        sa.Column("email_canonical", exact(320), nullable=False),
        sa.Column("digest", exact(64), nullable=True),
        sa.Column("inviter_id", BigId, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("email_canonical", name="uq_invitations_email_canonical"),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
        sa.ForeignKeyConstraint(
            ["inviter_id"], ["users.id"], name="fk_invitations_inviter_id_users", ondelete="CASCADE"
        ),
        sa.Index("ix_invitations_inviter_id", "inviter_id"),
        sa.Index("ix_invitations_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("invitations")
