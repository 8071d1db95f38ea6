"""Everything that another system needs to go on with the accounts, password hashes included."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.paging import in_pages
from gatepost.identity.accounts.models import Role, User


class Exporter:
    """Gives accounts back, as lines of JSON."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def lines(self) -> AsyncIterator[str]:
        """Give a line a role and then a line an account, by id; the audit log tells that it was done."""
        for role in await self._begin():
            line = {"type": "role", "name": role.name, "description": role.description}
            yield _line({**line, "permissions": role.permissions})
        async for users in in_pages(self._db, _accounts):
            for user in users:
                yield _line(_account(user))

    @retry_conflicts
    async def _begin(self) -> Sequence[Role]:
        async with self._db.begin() as tx:
            record(tx, AuditEvent.ACCOUNTS_EXPORTED, at=self._clock.now())
            return (await tx.scalars(select(Role).order_by(Role.id))).all()


async def _accounts(tx: Transaction, last: User | None, size: int) -> Sequence[User]:
    query = select(User).options(selectinload(User.roles)).where(User.id > (last.id if last else 0))
    return (await tx.scalars(query.order_by(User.id).limit(size))).all()


def _account(user: User) -> dict[str, Any]:
    return {
        "type": "account",
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "password_hash": user.password_hash,
        "roles": list(user.role_names),
        "created_at": _text(user.created_at),
        "updated_at": _text(user.updated_at),
        "email_verified": _text(user.email_verified_at),
        "disabled": _text(user.disabled_at),
        "erase_at": _text(user.erase_at),
        "language": user.language,
        "token_version": user.token_version,
        "random_id": user.random_id,
    }


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
