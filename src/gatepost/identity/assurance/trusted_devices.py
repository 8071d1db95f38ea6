"""Devices on which somebody has shown their second factor, and is not asked for it for some time."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, select, update

from gatepost.audit.log import LONGEST_ADDRESS
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.models import TrustedDevice
from gatepost.identity.sessions.devices import describe
from gatepost.identity.throttling.devices import NONCE_BYTES, Device

# Of an account.
MOST = 20
# What is so of a device that is trusted: until the time that its person was told, or for as long as TRUSTED_DEVICE_DAYS
# allows by now, where that is less.
IS_TRUSTED: tuple[ColumnElement[bool], ...] = (
    TrustedDevice.expires_at > bindparam("trusted_at", type_=TrustedDevice.expires_at.type),
    TrustedDevice.created_at > bindparam("trusted_since", type_=TrustedDevice.created_at.type),
)
# What to select beside an account at a sign-in: the id of the device, where it is trusted.
TRUSTED_ID: ColumnElement[int | None] = (
    select(TrustedDevice.id)
    .where(TrustedDevice.user_id == User.id, TrustedDevice.digest == bindparam("trusted_digest"), *IS_TRUSTED)
    .correlate(User)
    .scalar_subquery()
)


def trust_params(device: Device, *, now: datetime, life: timedelta) -> Mapping[str, Any]:
    """Return what `TRUSTED_ID` is asked with; a device that shows no token is not trusted."""
    return {"trusted_digest": digest_of(device.nonce) if device.nonce else "", **_times(now, life)}


def new_name() -> str:
    """Return a name for a device that is trusted from now on: somebody may have planted the one that it had."""
    return secrets.token_urlsafe(NONCE_BYTES)


class TrustedDevices:
    """The trusted devices, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(
        self, user_id: int, name: str, *, before: Device, info: RequestInfo, now: datetime, life: timedelta
    ) -> None:
        """Trust a device with an account: under this name, and no more under that of `before`.

        Of more than 20 devices, those are forgotten that were trusted first.
        """
        theirs = select(TrustedDevice.id).where(TrustedDevice.user_id == user_id)
        kept = theirs.where(TrustedDevice.digest != digest_of(before.nonce)).order_by(TrustedDevice.id.desc())
        ids = (await self._tx.scalars(kept.limit(MOST - 1))).all()
        others = delete(TrustedDevice).where(TrustedDevice.user_id == user_id, TrustedDevice.id.not_in(ids))
        await self._tx.execute(others.execution_options(synchronize_session=False))
        self._tx.add(
            TrustedDevice(
                user_id=user_id,
                digest=digest_of(name),
                device=describe(info.user_agent),
                user_agent=info.user_agent,
                address=info.address[:LONGEST_ADDRESS],
                created_at=now,
                last_used_at=now,
                expires_at=now + life,
            )
        )
        await self._tx.flush()

    async def use(self, device_id: int, *, info: RequestInfo, now: datetime) -> None:
        """Note that a device was signed in on, and from where."""
        statement = (
            update(TrustedDevice)
            .where(TrustedDevice.id == device_id)
            .values(last_used_at=now, address=info.address[:LONGEST_ADDRESS])
            .execution_options(synchronize_session=False)
        )
        await self._tx.execute(statement)

    async def of(self, user_id: int, *, now: datetime, life: timedelta) -> Sequence[TrustedDevice]:
        """Return the devices that are trusted with an account, the last used first."""
        query = select(TrustedDevice).where(TrustedDevice.user_id == user_id, *IS_TRUSTED)
        query = query.order_by(TrustedDevice.last_used_at.desc(), TrustedDevice.id)
        return (await self._tx.scalars(query, _times(now, life))).all()

    async def forget(self, user_id: int, device_id: int | None = None) -> int:
        """Remove a trusted device of an account, or all of them; return how many there were."""
        statement = delete(TrustedDevice).where(TrustedDevice.user_id == user_id)
        if device_id is not None:
            statement = statement.where(TrustedDevice.id == device_id)
        return await rows_changed(self._tx, statement.execution_options(synchronize_session=False))


def _times(now: datetime, life: timedelta) -> Mapping[str, datetime]:
    return {"trusted_at": now, "trusted_since": now - life}
