"""Exports everything that another system needs to take over the accounts, including password hashes."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock, text_of
from gatepost.core.db.database import Database, Transaction, retry_conflicts
from gatepost.core.paging import in_pages
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.factors.enrolment import OWNERS
from gatepost.identity.factors.methods import Method
from gatepost.transfer.factor_store import SECRET, FactorStore
from gatepost.transfer.factors import MovedFactors


class Exporter:
    """Exports accounts as lines of JSON: passkeys and identities always, secrets of second factors only `with_factors`.

    Afterwards, `left_out` is the number of accounts whose second factors are not in the export, and `unopened` has the
    ids of those whose second factors SECRET_KEY cannot decrypt.
    """

    def __init__(self, database: Database, clock: Clock, factors: FactorStore, *, with_factors: bool) -> None:
        self._db = database
        self._clock = clock
        self._factors = factors
        self._with_factors = with_factors
        self.left_out = 0
        self.unopened: list[int] = []

    async def lines(self) -> AsyncIterator[str]:
        """Yield a line for each role, then for each account, ordered by id. The export is recorded in the audit log."""
        for role in await self._begin():
            line = {"type": "role", "name": role.name, "description": role.description}
            yield _line({**line, "permissions": role.permissions})
        async for page in in_pages(self._db, self._accounts):
            for user, factors in page:
                yield _line(_account(user) | ({"factors": factors.as_json()} if factors else {}))

    @retry_conflicts
    async def _begin(self) -> Sequence[Role]:
        methods = [method for method in (*OWNERS, Method.PROVIDER) if self._with_factors or method not in SECRET]
        details = {"factors": [method.value for method in methods]}
        async with self._db.begin() as tx:
            record(tx, AuditEvent.ACCOUNTS_EXPORTED, at=self._clock.now(), details=details)
            self.left_out = 0 if self._with_factors else await self._factors.count_secret(tx)
            return (await tx.scalars(select(Role).order_by(Role.id))).all()

    async def _accounts(
        self, tx: Transaction, last: tuple[User, MovedFactors] | None, size: int
    ) -> Sequence[tuple[User, MovedFactors]]:
        query = select(User).options(selectinload(User.roles)).where(User.id > (last[0].id if last else 0))
        users = (await tx.scalars(query.order_by(User.id).limit(size))).all()
        found = await self._factors.read(tx, users, self.unopened, with_secrets=self._with_factors)
        return [(user, found[user.id]) for user in users]


def _account(user: User) -> dict[str, Any]:
    return {
        "type": "account",
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "password_hash": user.password_hash,
        "roles": list(user.role_names),
        "created_at": text_of(user.created_at),
        "updated_at": text_of(user.updated_at),
        "email_verified": text_of(user.email_verified_at),
        "disabled": text_of(user.disabled_at),
        "erase_at": text_of(user.erase_at),
        "language": user.language,
        "token_version": user.token_version,
        "random_id": user.random_id,
    }


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
