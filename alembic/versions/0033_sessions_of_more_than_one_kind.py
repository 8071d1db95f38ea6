"""How a session came about: its kind, how strongly and when the person signed in, for which client, and by whom."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, UtcDateTime, exact

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One after the other: MySQL cannot roll back any, so a column that already exists is skipped.
    there = _there()
    for column in _columns():
        if column.name not in there:
            op.add_column("sessions", column)


def downgrade() -> None:
    there = _there()
    for column in reversed(_columns()):
        if column.name in there:
            op.drop_column("sessions", column.name)


def _columns() -> list[sa.Column[Any]]:
    # The defaults: processes of the previous version still add sessions, without these columns.
    return [
        sa.Column("kind", exact(16), nullable=False, server_default="sign_in"),
        sa.Column("acr", exact(64), nullable=False, server_default="urn:gatepost:acr:1"),
        sa.Column("authenticated_at", UtcDateTime(), nullable=True),
        sa.Column("client_id", exact(64), nullable=True),
        sa.Column("scope", exact(1024), nullable=True),
        sa.Column("actor_id", BigId, nullable=True),
    ]


def _there() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("sessions")}
