"""Authorizations at other providers: begun by a browser, answered once, and then the ground for what follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import and_, delete, or_, select, update

from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.names import Name, parse_email
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.external.states import State
from gatepost.identity.providers.profile import ProviderProfile

# From the start to the answer, and from the answer to what follows.
LIFE = timedelta(minutes=10)
# From the answer to the end, however often another code is asked for meanwhile.
LONGEST_LIFE = timedelta(hours=1)


class Purpose(StrEnum):
    """What somebody goes to a provider for."""

    SIGN_IN = "signin"
    LINK = "link"
    REAUTHENTICATE = "reauthenticate"


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider has said of somebody, as far as it is kept until they go on.

    `has_factors`: the provider is believed that it took several factors. `email` may also be one that the person has
    proved since, by a code. One that no account can have, such as `jane@corp.local`, counts as not verified.
    """

    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    hint: str | None
    has_factors: bool

    @classmethod
    def of(cls, profile: ProviderProfile, *, has_factors: bool) -> Self:
        """Return what is kept of a profile; `hint` is what a user name can be made from."""
        return cls(
            profile.issuer,
            profile.subject,
            profile.email,
            profile.is_email_verified and _address(profile.email) is not None,
            profile.username or profile.name,
            has_factors,
        )

    @property
    def address(self) -> Name | None:
        """The address, if there is one that an account can have."""
        return _address(self.email)

    def as_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return {name: getattr(self, name) for name in Told.__slots__}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what is stored."""
        return cls(**stored)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser asks for when it is sent to a provider; the account and the session of who is signed in."""

    provider: str
    purpose: Purpose
    user_id: int | None = None
    session_id: int | None = None
    invitation_id: int | None = None
    return_to: str | None = None


class Authorizations:
    """The pending authorizations, within one transaction. `browser` is the cookie of the browser that began them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, state: State, asked: Asked, *, browser: str, now: datetime) -> None:
        """Keep what a browser has asked for; of its state only the digest is stored."""
        self._tx.add(
            PendingAuthorization(
                digest=digest_of(state.text),
                browser_digest=digest_of(browser),
                provider=asked.provider,
                purpose=asked.purpose.value,
                user_id=asked.user_id,
                session_id=asked.session_id,
                invitation_id=asked.invitation_id,
                return_to=asked.return_to,
                created_at=now,
                expires_at=now + LIFE,
                answered_at=None,
                told=None,
            )
        )
        await self._tx.flush()

    async def answer(self, state: State, *, provider: str, browser: str, now: datetime) -> PendingAuthorization | None:
        """Use a state up, and return what it was for.

        None where it is of another browser or another provider, too old, or used. Of several at once, one gets it.
        """
        digest = digest_of(state.text)
        statement = (
            update(PendingAuthorization)
            .where(
                PendingAuthorization.digest == digest,
                PendingAuthorization.browser_digest == digest_of(browser),
                PendingAuthorization.provider == provider,
                PendingAuthorization.answered_at.is_(None),
                PendingAuthorization.expires_at > now,
            )
            .values(answered_at=now, expires_at=now + LIFE)
            .execution_options(synchronize_session=False)
        )
        if await rows_changed(self._tx, statement) != 1:
            return None
        return await self._tx.scalar(select(PendingAuthorization).where(PendingAuthorization.digest == digest))

    async def keep(self, pending_id: int, told: Told) -> None:
        """Note what is known of the person of an authorization by now."""
        statement = update(PendingAuthorization).where(PendingAuthorization.id == pending_id)
        await self._tx.execute(statement.values(told=told.as_json()).execution_options(synchronize_session=False))

    async def prolong(self, pending: PendingAuthorization, *, now: datetime) -> None:
        """Let an authorization wait for some more time, but not beyond an hour after its answer."""
        statement = update(PendingAuthorization).where(PendingAuthorization.id == pending.id)
        statement = statement.values(expires_at=min(now + LIFE, (pending.answered_at or now) + LONGEST_LIFE))
        await self._tx.execute(statement.execution_options(synchronize_session=False))

    async def going_on(self, browser: str, *, now: datetime) -> PendingAuthorization | None:
        """Return the sign-in of a browser that has come back last and can go on; None where there is none."""
        query = select(PendingAuthorization).where(
            PendingAuthorization.browser_digest == digest_of(browser),
            PendingAuthorization.purpose == Purpose.SIGN_IN.value,
            PendingAuthorization.answered_at.is_not(None),
            PendingAuthorization.told.is_not(None),
            PendingAuthorization.expires_at > now,
        )
        query = query.order_by(PendingAuthorization.answered_at.desc(), PendingAuthorization.id.desc()).limit(1)
        return await self._tx.scalar(query.execution_options(populate_existing=True))

    async def end(self, pending: PendingAuthorization) -> None:
        """Remove one that has led to what it was for, and all others whose answers wait in this browser.

        Whoever has the browser next could go on with them.
        """
        waits = and_(
            PendingAuthorization.browser_digest == pending.browser_digest,
            PendingAuthorization.answered_at.is_not(None),
        )
        statement = delete(PendingAuthorization).where(or_(PendingAuthorization.id == pending.id, waits))
        await self._tx.execute(statement.execution_options(synchronize_session=False))


def _address(text: str | None) -> Name | None:
    try:
        return parse_email(text) if text is not None else None
    except ValueError:
        return None
