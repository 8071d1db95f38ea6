"""The words that a search for accounts looks up."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId, exact

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("word", exact(64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_search_words_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "word", name="pk_search_words"),
        sa.Index("ix_search_words_word_user_id", "word", "user_id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("search_words")
