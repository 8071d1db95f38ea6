"""The roles that invitations give, by their ids."""

import sqlalchemy as sa
from alembic import op

from gatepost.core.db.tables import BigId

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitation_roles",
        sa.Column("invitation_id", BigId, nullable=False),
        sa.Column("role_id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("invitation_id", "role_id", name="pk_invitation_roles"),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name="fk_invitation_roles_invitation_id_invitations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name="fk_invitation_roles_role_id_roles", ondelete="CASCADE"
        ),
        sa.Index("ix_invitation_roles_role_id", "role_id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_unicode_ci",
    )


def downgrade() -> None:
    op.drop_table("invitation_roles")
