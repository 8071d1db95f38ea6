"""Where sessions were opened, and when an account's owner last disowned one: a purge must not lose this."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import UtcDateTime, exact

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

FROM_SESSIONS = """
UPDATE users SET disowned_at =
    (SELECT MAX(sessions.ended_at) FROM sessions WHERE sessions.user_id = users.id AND sessions.end_reason = 'not_me')
WHERE id IN (SELECT user_id FROM sessions WHERE end_reason = 'not_me')
"""


def upgrade() -> None:
    # Two tables in one step: MySQL cannot roll back either change, so a column that already exists is skipped.
    _add("sessions", sa.Column("opened_address", exact(45), nullable=True))
    _add("users", sa.Column("disowned_at", UtcDateTime(), nullable=True))
    op.execute(FROM_SESSIONS)
    # For existing sessions, the address of their last use is the best that is known; it does not change any more.
    op.execute("UPDATE sessions SET opened_address = address WHERE opened_address IS NULL")


def downgrade() -> None:
    _drop("users", "disowned_at")
    _drop("sessions", "opened_address")


def _has(table: str, column: str) -> bool:
    return column in {found["name"] for found in sa.inspect(op.get_bind()).get_columns(table)}


def _add(table: str, column: sa.Column[str]) -> None:
    if not _has(table, column.name):
        op.add_column(table, column)


def _drop(table: str, column: str) -> None:
    if _has(table, column):
        op.drop_column(table, column)
