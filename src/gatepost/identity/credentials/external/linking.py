"""Linking an account at another provider with one of ours, and unlinking it."""

from collections.abc import Sequence

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import forget_proof
from gatepost.identity.assurance.repository import sessions_proved_by
from gatepost.identity.credentials.external.errors import IdentityLinked, IdentityTaken, TooManyIdentities
from gatepost.identity.external.authorizations import Told
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.methods import BY_IDENTITY, Method
from gatepost.identity.links.mails import notify
from gatepost.identity.providers.registry import Providers
from gatepost.identity.sessions.repository import Sessions
from gatepost.identity.sessions.service import SessionService
from gatepost.mail.outbox import MailKind

# Of an account.
MOST_IDENTITIES = 20
END_REASON = "identity_removed"


class IdentityLinks:
    """Does it in transactions of its callers, who hold the account."""

    # As something that an account has set up, and that can be removed with all the rest.
    name = Method.PROVIDER

    def __init__(self, clock: Clock, sessions: SessionService, providers: Providers) -> None:
        self._clock = clock
        self._sessions = sessions
        self._providers = providers

    def title_of(self, provider: str) -> str:
        """Return what people know a provider by; its name where it is not set up any more."""
        found = self._providers.get(provider)
        return found.title if found is not None else provider

    async def add(
        self, tx: Transaction, user: User, provider: str, told: Told, *, session_id: int | None, info: RequestInfo
    ) -> ExternalIdentity:
        """Let an identity open an account from now on, and record it.

        Raises:
            IdentityLinked, IdentityTaken: an account has it: this one, or another one.
            TooManyIdentities: the account has as many as it may.
            IntegrityError: somebody has linked it at the same moment.
        """
        known = await Identities(tx).by_subject(told.issuer, told.subject)
        if known is not None:
            raise IdentityLinked if known.user_id == user.id else IdentityTaken
        if len(await Identities(tx).of(user.id)) >= MOST_IDENTITIES:
            raise TooManyIdentities
        now = self._clock.now()
        identity = await Identities(tx).add(
            ExternalIdentity(
                user_id=user.id,
                provider=provider,
                issuer=told.issuer,
                subject=told.subject,
                email=told.email,
                created_at=now,
                last_used_at=None,
            )
        )
        record(
            tx, AuditEvent.IDENTITY_LINKED, at=now, user_id=user.id, session_id=session_id, info=info,
            details=_described(identity),
        )  # fmt: skip
        return identity

    async def link(
        self, tx: Transaction, user: User, provider: str, told: Told, *, session_id: int | None, info: RequestInfo
    ) -> ExternalIdentity:
        """Do the same for an account that was there before, whose owner is told.

        Raises:
            IdentityLinked, IdentityTaken, TooManyIdentities, IntegrityError: as for `add`.
        """
        identity = await self.add(tx, user, provider, told, session_id=session_id, info=info)
        await self._changed(tx, user, identity, MailKind.IDENTITY_LINKED, info=info)
        return identity

    async def unlink(
        self,
        tx: Transaction,
        user: User,
        identity: ExternalIdentity,
        *,
        session_id: int | None = None,
        actor_id: int | None = None,
        info: RequestInfo | None,
    ) -> None:
        """Let an identity open its account no more, and tell the owner.

        The sessions that it was a proof of end; in `session_id`, if given, the proof no longer counts instead.
        """
        await self.take(tx, identity, session_id=session_id, actor_id=actor_id, info=info)
        await self._changed(tx, user, identity, MailKind.IDENTITY_UNLINKED, info=info if actor_id is None else None)

    async def take(
        self,
        tx: Transaction,
        identity: ExternalIdentity,
        *,
        session_id: int | None = None,
        actor_id: int | None = None,
        info: RequestInfo | None,
        reason: str | None = None,
    ) -> None:
        """Do the same, and tell nobody."""
        now = self._clock.now()
        await Identities(tx).remove(identity.id)
        for proved_by_it in await self._sessions_by(tx, identity, but=session_id or 0):
            await self._sessions.end(tx, session_id=proved_by_it, reason=END_REASON, info=info)
        session = await Sessions(tx).get(session_id) if session_id is not None else None
        if session is not None:
            for method in BY_IDENTITY:
                forget_proof(session, method, identity.id)
        details = _described(identity) | ({"reason": reason} if reason is not None else {})
        record(
            tx, AuditEvent.IDENTITY_UNLINKED, at=now, user_id=identity.user_id, actor_id=actor_id,
            session_id=session_id, info=info, details=details,
        )  # fmt: skip

    async def remove(self, tx: Transaction, user: User) -> bool:
        """Forget the identities of an account; return whether there were any."""
        return await Identities(tx).remove_all(user.id) > 0

    async def _sessions_by(self, tx: Transaction, identity: ExternalIdentity, *, but: int) -> Sequence[int]:
        found = [
            await sessions_proved_by(tx, identity.user_id, method, identity.id, but=but, now=self._clock.now())
            for method in BY_IDENTITY
        ]
        return sorted({session_id for of_one in found for session_id in of_one})

    async def _changed(
        self, tx: Transaction, user: User, identity: ExternalIdentity, kind: MailKind, *, info: RequestInfo | None
    ) -> None:
        now = self._clock.now()
        user.touch(now)
        await tx.flush()
        data = {"name": self.title_of(identity.provider)}
        await notify(tx, kind, user, at=now, info=info, data=data, link={"told": kind, "identity": identity.id})


def _described(identity: ExternalIdentity) -> dict[str, str | int]:
    return {"identity": identity.id, "provider": identity.provider}
