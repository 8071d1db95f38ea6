"""An index of accounts in the order of their last sign-ins."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_users_last_sign_in_at", "users", ["last_sign_in_at"])


def downgrade() -> None:
    op.drop_index("ix_users_last_sign_in_at", "users")
