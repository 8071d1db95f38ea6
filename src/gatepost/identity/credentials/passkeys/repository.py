"""Queries of passkeys."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, literal, select, update
from sqlalchemy.orm import defer, joinedload

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.credentials.passkeys.authentication import Assertion, StoredPasskey
from gatepost.identity.credentials.passkeys.options import USER_HANDLE_BYTES
from gatepost.identity.factors.models import Passkey, UserHandle
from gatepost.identity.sessions.statements import IS_STRANGE


@dataclass(frozen=True, slots=True)
class OwnedPasskey:
    """A passkey, with the user handle of its account."""

    passkey: Passkey
    handle: bytes

    @property
    def stored(self) -> StoredPasskey:
        """What a response is verified with."""
        return StoredPasskey(
            credential_id=self.passkey.credential_id,
            public_key=self.passkey.public_key,
            sign_count=self.passkey.sign_count,
            backup_eligible=self.passkey.backup_eligible,
            user_handle=self.handle,
        )


# Made once. What a session is opened from, and what says whether the device is a new one, is read with the passkey.
SIGNING_IN = (
    select(Passkey, UserHandle.handle, User, IS_STRANGE)
    .join(UserHandle, UserHandle.user_id == Passkey.user_id)
    .join(User, User.id == Passkey.user_id)
    .where(Passkey.credential_id == bindparam("credential_id", type_=Passkey.__table__.c.credential_id.type))
    .options(
        defer(User.created_at, raiseload=True),
        defer(User.updated_at, raiseload=True),
        defer(User.last_sign_in_at, raiseload=True),
        defer(User.first_verified_at, raiseload=True),
        joinedload(User.roles).load_only(Role.name, Role.permissions, raiseload=True),
    )
    .execution_options(populate_existing=True)
)


class Passkeys:
    """The passkeys, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def signing_in(
        self, credential_id: bytes, values: Mapping[str, Any]
    ) -> tuple[OwnedPasskey, User, bool] | None:
        """Return a passkey, its account, and whether the device is new to it; `values` are the parameters of the last.

        One query, as of a sign-in that knows no account before.
        """
        rows = (await self._tx.execute(SIGNING_IN, {"credential_id": credential_id, **values})).unique().all()
        if not rows:
            return None
        passkey, handle, user, is_strange = rows[0]
        return OwnedPasskey(passkey, handle), user, bool(is_strange)

    async def owned(self, user_id: int, credential_id: bytes) -> OwnedPasskey | None:
        """Return the passkey of an account that has a credential id."""
        query = (
            select(Passkey, UserHandle.handle)
            .join(UserHandle, UserHandle.user_id == Passkey.user_id)
            .where(Passkey.user_id == user_id, Passkey.credential_id == credential_id)
        )
        row = (await self._tx.execute(query.execution_options(populate_existing=True))).one_or_none()
        return OwnedPasskey(*row) if row is not None else None

    async def of(self, user_id: int) -> Sequence[Passkey]:
        """Return the passkeys of an account, the oldest first."""
        query = select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).all()

    async def get(self, user_id: int, passkey_id: int) -> Passkey | None:
        """Return a passkey of an account."""
        return await self._tx.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id))

    async def use(self, passkey: Passkey, assertion: Assertion, *, now: datetime) -> bool:
        """Store the new counter, if the passkey still has the one that was verified with; return whether it had."""
        statement = (
            update(Passkey)
            .where(Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count)
            .values(sign_count=assertion.sign_count, backup_state=assertion.backup_state, last_used_at=now)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1

    async def is_there(self, passkey: Passkey) -> bool:
        """Whether a passkey has not been removed, as of this moment."""
        query = select(Passkey.id).where(Passkey.id == passkey.id).with_for_update(read=True)
        return await self._tx.scalar(query) is not None

    async def count(self, *which: ColumnElement[bool]) -> int:
        """Count passkeys."""
        return await self._tx.scalar(select(func.count(literal(1))).select_from(Passkey).where(*which)) or 0

    async def add(self, passkey: Passkey) -> Passkey:
        """Insert a passkey.

        Raises:
            IntegrityError: another one has its credential id.
        """
        self._tx.add(passkey)
        await self._tx.flush()
        return passkey

    async def remove(self, passkey_id: int) -> None:
        """Delete a passkey."""
        statement = delete(Passkey).where(Passkey.id == passkey_id)
        await self._tx.execute(statement.execution_options(synchronize_session="evaluate"))

    async def remove_all(self, user_id: int) -> int:
        """Delete the passkeys of an account; return how many there were."""
        statement = delete(Passkey).where(Passkey.user_id == user_id).execution_options(synchronize_session=False)
        return await rows_changed(self._tx, statement)

    async def handle_of(self, user_id: int) -> bytes:
        """Return the user handle of an account, which the caller holds; it is made when it is first needed."""
        stored = await self._tx.get(UserHandle, user_id)
        return stored.handle if stored is not None else await self.give_handle(user_id, new_handle())

    async def give_handle(self, user_id: int, handle: bytes) -> bytes:
        """Give an account that has none its user handle, and return it."""
        self._tx.add(UserHandle(user_id=user_id, handle=handle))
        await self._tx.flush()
        return handle


def new_handle() -> bytes:
    """Return a new user handle."""
    return secrets.token_bytes(USER_HANDLE_BYTES)
