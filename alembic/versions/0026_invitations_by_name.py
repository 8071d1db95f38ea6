"""Removes invitations that refer to roles and inviters by name: the names may belong to others by now."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM mail_outbox WHERE kind = 'invitation'")
    op.execute("DELETE FROM one_time_tokens WHERE purpose = 'invitation'")


def downgrade() -> None:
    op.execute("DELETE FROM mail_outbox WHERE kind = 'invitation'")
