"""An index for finding sign-ups by their address while it waits to be confirmed."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_one_time_tokens_email_canonical", "one_time_tokens", ["email_canonical"])


def downgrade() -> None:
    op.drop_index("ix_one_time_tokens_email_canonical", "one_time_tokens")
