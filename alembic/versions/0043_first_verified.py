"""When an address of an account was verified for the first time."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MySQL takes no column back where what follows fails, so that one which is there is passed over.
    if "first_verified_at" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")}:
        op.add_column("users", sa.Column("first_verified_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE users SET first_verified_at = email_verified_at")
    # An authenticator app is set up only after that: the address has been replaced since.
    op.execute(
        "UPDATE users SET first_verified_at = (SELECT confirmed_at FROM totp WHERE totp.user_id = users.id) "
        "WHERE first_verified_at IS NULL"
    )


def downgrade() -> None:
    op.drop_column("users", "first_verified_at")
