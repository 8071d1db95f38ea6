"""Fills in the search words of existing accounts, and their last sign-ins as far as sessions show them."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from alembic import op

from gatepost.identity.accounts.search_words import words_of

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

BATCH = 1000
USERS = sa.table("users", *(sa.column(name) for name in ("id", "username", "email", "email_canonical")))
WORDS = sa.table("search_words", sa.column("user_id"), sa.column("word"))
SIGN_INS = sa.text(
    "UPDATE users SET last_sign_in_at = (SELECT MAX(created_at) FROM sessions WHERE sessions.user_id = users.id) "
    "WHERE last_sign_in_at IS NULL AND id BETWEEN :first AND :last"
)


def upgrade() -> None:
    connection = op.get_bind()
    # On MySQL each statement is a transaction of its own, of limited size; an interrupted migration can run again.
    is_sqlite = connection.dialect.name == "sqlite"
    with nullcontext() if is_sqlite else op.get_context().autocommit_block():
        last = 0
        while batch := _next(connection, after=last):
            first, last = batch[0].id, batch[-1].id
            connection.execute(WORDS.delete().where(WORDS.c.user_id.between(first, last)))
            connection.execute(WORDS.insert(), [word for row in batch for word in _words(row)])
            connection.execute(SIGN_INS, {"first": first, "last": last})


def downgrade() -> None:
    op.execute(WORDS.delete() if op.get_bind().dialect.name == "sqlite" else "TRUNCATE TABLE search_words")


def _next(connection: sa.Connection, *, after: int) -> Sequence[sa.Row[Any]]:
    return connection.execute(sa.select(USERS).where(USERS.c.id > after).order_by(USERS.c.id).limit(BATCH)).all()


def _words(row: sa.Row[Any]) -> list[dict[str, Any]]:
    return [
        {"user_id": row.id, "word": word} for word in sorted(words_of(row.username, row.email, row.email_canonical))
    ]
