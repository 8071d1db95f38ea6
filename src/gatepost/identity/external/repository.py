"""Queries of accounts at other providers."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.external.models import ExternalIdentity


class Identities:
    """The linked accounts at other providers, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def by_subject(self, issuer: str, subject: str) -> ExternalIdentity | None:
        """Return the identity of somebody at a provider, whoever's it is here."""
        return await self._one(ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject)

    async def of(self, user_id: int) -> Sequence[ExternalIdentity]:
        """Return the identities of an account, the oldest first."""
        query = select(ExternalIdentity).where(ExternalIdentity.user_id == user_id).order_by(ExternalIdentity.id)
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).all()

    async def of_all(self, user_ids: Collection[int]) -> Mapping[int, Sequence[ExternalIdentity]]:
        """Return the identities of several accounts, the oldest first, by the accounts that have any."""
        query = select(ExternalIdentity).where(ExternalIdentity.user_id.in_(user_ids)).order_by(ExternalIdentity.id)
        found: dict[int, list[ExternalIdentity]] = defaultdict(list)
        for identity in await self._tx.scalars(query):
            found[identity.user_id].append(identity)
        return found

    async def get(self, user_id: int, identity_id: int) -> ExternalIdentity | None:
        """Return an identity of an account."""
        return await self._one(ExternalIdentity.id == identity_id, ExternalIdentity.user_id == user_id)

    async def has_all(self, user_id: int, identity_ids: Collection[int]) -> bool:
        """Whether an account has all of these identities now."""
        theirs = (ExternalIdentity.user_id == user_id, ExternalIdentity.id.in_(identity_ids))
        query = select(func.count()).select_from(ExternalIdentity).where(*theirs)
        return await self._tx.scalar(query) == len(set(identity_ids))

    async def providers_of(self, user_id: int, *, but: int = 0) -> Sequence[str]:
        """Return the names of the providers at which an account has an identity, besides one."""
        theirs = (ExternalIdentity.user_id == user_id, ExternalIdentity.id != but)
        return (await self._tx.scalars(select(ExternalIdentity.provider).where(*theirs).distinct())).all()

    async def add(self, identity: ExternalIdentity) -> ExternalIdentity:
        """Insert an identity and give it its id.

        Raises:
            IntegrityError: an account has it already.
        """
        self._tx.add(identity)
        await self._tx.flush()
        return identity

    async def use(self, identity_id: int, *, email: str | None, now: datetime) -> None:
        """Note that an identity has opened its account, and the address that its provider told."""
        statement = update(ExternalIdentity).where(ExternalIdentity.id == identity_id)
        statement = statement.values(last_used_at=now, email=email)
        await self._tx.execute(statement.execution_options(synchronize_session=False))

    async def remove(self, identity_id: int) -> None:
        """Delete an identity."""
        statement = delete(ExternalIdentity).where(ExternalIdentity.id == identity_id)
        await self._tx.execute(statement.execution_options(synchronize_session="evaluate"))

    async def remove_all(self, user_id: int) -> int:
        """Delete the identities of an account; return how many there were."""
        statement = delete(ExternalIdentity).where(ExternalIdentity.user_id == user_id)
        return await rows_changed(self._tx, statement.execution_options(synchronize_session=False))

    async def _one(self, *conditions: ColumnElement[bool]) -> ExternalIdentity | None:
        query = select(ExternalIdentity).where(*conditions).execution_options(populate_existing=True)
        return await self._tx.scalar(query)
