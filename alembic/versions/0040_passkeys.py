"""Passkeys, and the user handle of each account that has one."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact, octets, text

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_handles",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("handle", octets(32), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_handles"),
        sa.UniqueConstraint("handle", name="uq_user_handles_handle"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_handles_user_id_users", ondelete="CASCADE"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )
    op.create_table(
        "passkeys",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("credential_id", octets(1023), nullable=False),
        sa.Column("public_key", octets(1024), nullable=False),
        sa.Column("sign_count", BigId, nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("aaguid", octets(16), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("name", text(64), nullable=False),
        sa.Column("rp_id", exact(253), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_passkeys_user_id_users", ondelete="CASCADE"),
        sa.Index("ix_passkeys_user_id", "user_id"),
        sqlite_autoincrement=True,
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("passkeys")
    op.drop_table("user_handles")
