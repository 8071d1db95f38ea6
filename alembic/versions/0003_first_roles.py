"""The three roles that every deployment has, with the ids that clients know."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLES = sa.table(
    "roles",
    sa.column("id", sa.Integer),
    sa.column("name", sa.String),
    sa.column("description", sa.String),
    sa.column("permissions", sa.JSON),
)


def upgrade() -> None:
    op.bulk_insert(
        ROLES,
        [
            {"id": 1, "name": "user", "description": "Everybody who signs up.", "permissions": []},
            {"id": 2, "name": "moderator", "description": "Looks after content.", "permissions": []},
            {"id": 3, "name": "admin", "description": "May do everything.", "permissions": ["*"]},
        ],
    )


def downgrade() -> None:
    op.execute(ROLES.delete().where(ROLES.c.id.in_([1, 2, 3])))
