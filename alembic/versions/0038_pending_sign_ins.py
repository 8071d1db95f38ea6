"""Sign-ins that wait for a second factor."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, text

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pending_sign_ins",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("digest", exact(64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("random_id", exact(16), nullable=True),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proofs", sa.JSON(), nullable=False),
        sa.Column("is_new_device", sa.Boolean(), nullable=False),
        sa.Column("address", exact(45), nullable=False),
        sa.Column("user_agent", text(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pending_sign_ins"),
        sa.UniqueConstraint("digest", name="uq_pending_sign_ins_digest"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_pending_sign_ins_user_id_users", ondelete="CASCADE"
        ),
        sa.Index("ix_pending_sign_ins_user_id", "user_id"),
        sa.Index("ix_pending_sign_ins_expires_at", "expires_at"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("pending_sign_ins")
