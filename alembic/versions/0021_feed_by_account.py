"""An index for the feed's entries of an account, so that a newer entry can replace an older one."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_revocations_user_id", "revocations", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_revocations_user_id", "revocations")
