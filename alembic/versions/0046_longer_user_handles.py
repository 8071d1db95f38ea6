"""Room for user handles of other systems, which have up to 64 bytes."""

from alembic import op

from gatepost.core.db.tables import MYSQL, octets

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite knows no lengths.
    if op.get_bind().dialect.name in MYSQL:
        op.alter_column(
            "user_handles", "handle", type_=octets(64), existing_type=octets(32), existing_nullable=False
        )  # fmt: skip


def downgrade() -> None:
    """A column with more room is as good for the version before."""
