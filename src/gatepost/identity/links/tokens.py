"""The tokens of mail links: random, kept as digests, for one purpose, one address and one use."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.links.models import OneTimeToken

PREFIX = "gpt_"
RANDOM_BYTES = 32
# How long a token may wait for its mail to leave, an operator's `gatepost mail retry` included.
UNSENT_LIFE = timedelta(days=30)
# Whoever asks twice within this means one mail.
PAUSE = timedelta(seconds=60)


class Purpose(StrEnum):
    """What a link does; a token of one purpose is nothing for another."""

    VERIFY_EMAIL = "verify_email"
    SET_PASSWORD = "set_password"  # noqa: S105  a purpose, not a password
    CHANGE_EMAIL = "change_email"
    COMPROMISE_REPORT = "not_me"
    SIGN_UP = "sign_up"


# Of these an account has one good link at a time, the last that was sent.
ONE_AT_A_TIME = (Purpose.VERIFY_EMAIL, Purpose.SET_PASSWORD, Purpose.CHANGE_EMAIL)


class OneTimeTokens:
    """The tokens, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def ask(
        self,
        purpose: Purpose,
        *,
        user_id: int | None,
        email_canonical: str,
        now: datetime,
        data: Mapping[str, Any] | None = None,
    ) -> int:
        """Make the row of a token whose text is made when its mail is sent, and return its id; no text fits it yet.

        What makes an account's links void finds the row from now on, whether its mail has left or not.
        """
        row = OneTimeToken(
            purpose=purpose.value,
            digest=secrets.token_hex(32),
            user_id=user_id,
            email_canonical=email_canonical,
            data=dict(data or {}),
            created_at=now,
            expires_at=now + UNSENT_LIFE,
        )
        self._tx.add(row)
        await self._tx.flush()
        return row.id

    async def renew(self, token_id: int, *, now: datetime, life: timedelta) -> tuple[str, OneTimeToken] | None:
        """Give an unused token new text and a new life; None where it has been used or taken back.

        An older one of the same account for the same purpose is void from now on.
        """
        row = await self.held(token_id)
        if row is None:
            return None
        token = new_token()
        row.digest, row.expires_at = digest_of(token), now + life
        await self._tx.flush()
        if row.user_id is not None and row.purpose in ONE_AT_A_TIME:
            await self._void(
                OneTimeToken.user_id == row.user_id,
                OneTimeToken.purpose == row.purpose,
                OneTimeToken.id < row.id,
                now=now,
            )
        return token, row

    async def held(self, token_id: int) -> OneTimeToken | None:
        """Return an unused token, locked until the transaction ends."""
        row = await self._tx.get(OneTimeToken, token_id, with_for_update=True, populate_existing=True)
        return row if row is not None and row.used_at is None else None

    async def remove(self, token_id: int) -> None:
        """Delete a token whose mail is not sent."""
        await self._tx.execute(
            delete(OneTimeToken).where(OneTimeToken.id == token_id).execution_options(synchronize_session=False)
        )

    async def asked_before(self, row: OneTimeToken, *, within: timedelta) -> bool:
        """Whether another one, unused and sent, was asked for at most so long before this one, for the same.

        One that waits for its mail does not count: its mail may still be dropped.
        """
        query = select(OneTimeToken.created_at, OneTimeToken.expires_at).where(
            OneTimeToken.user_id == row.user_id,
            OneTimeToken.purpose == row.purpose,
            OneTimeToken.email_canonical == row.email_canonical,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.id < row.id,
            OneTimeToken.created_at > row.created_at - within,
        )
        found = (await self._tx.execute(query)).all()
        return any(expires_at != created_at + UNSENT_LIFE for created_at, expires_at in found)

    async def oldest(self, purpose: Purpose, user_id: int, *, now: datetime, email: str | None = None) -> int | None:
        """Return the id of an account's oldest good token for a purpose, and for an address if it is named."""
        query = select(OneTimeToken.id).where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose.value,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        if email is not None:
            query = query.where(OneTimeToken.email_canonical == email)
        return await self._tx.scalar(query.order_by(OneTimeToken.id).limit(1))

    async def latest(self, purpose: Purpose, *, email_canonical: str, now: datetime) -> OneTimeToken | None:
        """Return the newest good token of a purpose for an address, whoever has it."""
        query = select(OneTimeToken).where(
            OneTimeToken.purpose == purpose.value,
            OneTimeToken.email_canonical == email_canonical,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        return await self._tx.scalar(query.order_by(OneTimeToken.id.desc()).limit(1))

    async def use(self, purpose: Purpose, token: str, *, now: datetime) -> OneTimeToken | None:
        """Use a token up and return what it is for; None where it is no good. Of several at once, one gets it."""
        digest = digest_of(token)
        statement = (
            update(OneTimeToken)
            .where(
                OneTimeToken.digest == digest,
                OneTimeToken.purpose == purpose.value,
                OneTimeToken.used_at.is_(None),
                OneTimeToken.expires_at > now,
            )
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )
        if await rows_changed(self._tx, statement) != 1:
            return None
        return await self._tx.scalar(select(OneTimeToken).where(OneTimeToken.digest == digest))

    async def peek(self, purpose: Purpose, token: str, *, now: datetime) -> OneTimeToken | None:
        """Return what a good token is for, without using it up."""
        return await self._tx.scalar(
            select(OneTimeToken).where(
                OneTimeToken.digest == digest_of(token),
                OneTimeToken.purpose == purpose.value,
                OneTimeToken.used_at.is_(None),
                OneTimeToken.expires_at > now,
            )
        )

    async def used(self, token: str, purposes: Collection[Purpose]) -> OneTimeToken | None:
        """Return what a token was for that is used up, or was made useless, if it was for one of these."""
        return await self._tx.scalar(
            select(OneTimeToken).where(
                OneTimeToken.digest == digest_of(token),
                OneTimeToken.purpose.in_(purposes),
                OneTimeToken.used_at.is_not(None),
            )
        )

    async def void(self, user_id: int, purposes: Collection[Purpose], *, now: datetime) -> None:
        """Make the account's unused tokens of these purposes useless, those that wait for their mail as well."""
        await self._void(OneTimeToken.user_id == user_id, OneTimeToken.purpose.in_(purposes), now=now)

    async def void_younger(self, purpose: Purpose, user_id: int, *, than: int, email: str, now: datetime) -> None:
        """Make those useless that came after this one, and are for another address."""
        await self._void(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose.value,
            OneTimeToken.id > than,
            OneTimeToken.email_canonical != email,
            now=now,
        )

    async def _void(self, *which: ColumnElement[bool], now: datetime) -> None:
        await self._tx.execute(
            update(OneTimeToken)
            .where(*which, OneTimeToken.used_at.is_(None))
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )


def new_token() -> str:
    """Return the text of a new link: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
