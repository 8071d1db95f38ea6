"""The tokens of mail links: random, kept as digests, for one purpose, one address and one use."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import CursorResult, select, update

from gatepost.accounts.models import OneTimeToken
from gatepost.core.database import Transaction

PREFIX = "gpt_"
RANDOM_BYTES = 32


class Purpose(StrEnum):
    """What a link does; a token of one purpose is nothing for another."""

    VERIFY_EMAIL = "verify_email"
    SET_PASSWORD = "set_password"  # noqa: S105  a purpose, not a password
    CHANGE_EMAIL = "change_email"
    NOT_ME = "not_me"


class OneTimeTokens:
    """The tokens, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def issue(
        self,
        purpose: Purpose,
        *,
        email_canonical: str,
        now: datetime,
        life: timedelta,
        user_id: int | None = None,
        data: Mapping[str, Any] | None = None,
        replaces: bool = True,
    ) -> str:
        """Return a new token; with `replaces`, earlier ones of the same purpose for the same account are void."""
        if replaces and user_id is not None:
            await self.void(user_id, [purpose], now=now)
        token = new_token()
        self._tx.add(
            OneTimeToken(
                purpose=purpose.value,
                digest=digest_of(token),
                user_id=user_id,
                email_canonical=email_canonical,
                data=dict(data or {}),
                created_at=now,
                expires_at=now + life,
            )
        )
        await self._tx.flush()
        return token

    async def issued_since(self, purpose: Purpose, user_id: int, moment: datetime) -> bool:
        """Whether the account got a token of this purpose after a moment."""
        query = select(OneTimeToken.id).where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose.value,
            OneTimeToken.created_at > moment,
        )
        return await self._tx.scalar(query.limit(1)) is not None

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
        if cast("CursorResult[Any]", await self._tx.execute(statement)).rowcount != 1:
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

    async def void(self, user_id: int, purposes: Sequence[Purpose], *, now: datetime) -> None:
        """Make the account's unused tokens of these purposes useless."""
        await self._tx.execute(
            update(OneTimeToken)
            .where(
                OneTimeToken.user_id == user_id,
                OneTimeToken.purpose.in_([purpose.value for purpose in purposes]),
                OneTimeToken.used_at.is_(None),
            )
            .values(used_at=now)
            .execution_options(synchronize_session=False)
        )


def new_token() -> str:
    """Return the text of a new link: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(token: str) -> str:
    """Return what is kept of a link's token; plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
