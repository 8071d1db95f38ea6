"""Renames the events in the daily statistics to their current names.

The audit log itself keeps the names that were written to it, because its hash chain covers them.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

STATISTICS = sa.table("daily_statistics", sa.column("name", sa.String))
NAMES = {
    "account.deletion_taken_back": "account.deletion_cancelled",
    "account.not_me": "account.compromise_reported",
    "email.change_asked": "email.change_requested",
    "guessing.stopped": "guessing.throttled",
    "invitation.taken_back": "invitation.revoked",
    "password.reset_asked": "password.reset_requested",
    "session.refresh_refused": "refresh_token.rejected",
    "session.refresh_reused": "refresh_token.reused",
    "session.refused": "sign_in.failed",
}


def upgrade() -> None:
    _rename(NAMES)


def downgrade() -> None:
    _rename({current: former for former, current in NAMES.items()})


def _rename(names: Mapping[str, str]) -> None:
    # One statement, so that an interrupted migration has renamed either all or nothing.
    name = STATISTICS.c.name
    op.execute(STATISTICS.update().where(name.in_(names)).values(name=sa.case(names, value=name)))
