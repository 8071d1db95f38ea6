"""Challenges that browsers sign with a passkey."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, octets

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passkey_challenges",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("purpose", exact(16), nullable=False),
        sa.Column("challenge", octets(32), nullable=False),
        sa.Column("user_id", BigId, nullable=True),
        sa.Column("bound_to", exact(64), nullable=False),
        sa.Column("handle", octets(32), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passkey_challenges"),
        sa.UniqueConstraint("digest", name="uq_passkey_challenges_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_passkey_challenges_user_id_users", ondelete="CASCADE"
        ),
        sa.Index("ix_passkey_challenges_user_id", "user_id"),
        sa.Index("ix_passkey_challenges_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("passkey_challenges")
