"""The token service: opens sessions, issues access and refresh tokens, and refreshes them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from gatepost.audit.log import LONGEST_ADDRESS, AuditEvent, record
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, DatabaseUnavailable, Transaction, retry_conflicts
from gatepost.core.errors import AppError
from gatepost.core.ids import new_random_id
from gatepost.core.logs.context import Act, note_act, note_user
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.activity import SessionActivity
from gatepost.identity.sessions.devices import describe
from gatepost.identity.sessions.handout import AccessToken, SignedIn, TokenPair
from gatepost.identity.sessions.models import Authentication, Session, SessionKind
from gatepost.identity.sessions.repository import Sessions, subject_of
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.access_tokens import AccessTokens
from gatepost.identity.tokens.errors import (
    RefreshTokenExpired,
    RefreshTokenInvalid,
    RefreshTokenReplaced,
    RefreshTokenReused,
    SecondFactorDue,
)
from gatepost.identity.tokens.presented import Presented, classify
from gatepost.identity.tokens.refresh_tokens import RefreshTicket, RefreshTokens
from gatepost.identity.tokens.subject import Decide, TokenSubject

logger = logging.getLogger("gatepost")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions live, and how their refresh tokens rotate."""

    idle_life: timedelta
    max_life: timedelta
    reuse_grace: timedelta
    rotation: bool


# The end reason of a session whose browser has signed in again.
REPLACED = "replaced"

# The reasons in the audit log for refused refreshes.
REFUSALS: dict[type[AppError], str] = {
    RefreshTokenInvalid: "ended",
    RefreshTokenExpired: "expired",
    AccountDisabled: "disabled",
    EmailUnverified: "unverified",
    SecondFactorDue: "second_factor",
}


class TokenService:
    """Issues the tokens of sessions."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        access: AccessTokens,
        refresh: RefreshTokens,
        feed: RevocationFeed,
        activity: SessionActivity,
        rules: SessionRules,
        decide: Decide,
    ) -> None:
        self._db = database
        self._clock = clock
        self._access = access
        self._refresh = refresh
        self._feed = feed
        self._activity = activity
        self._rules = rules
        self._decide = decide
        self._has_told = False

    async def open_session(
        self, tx: Transaction, user: User, *, info: RequestInfo, how: Authentication, now: datetime
    ) -> Session:
        """Start a session of an account, in the caller's transaction."""
        session = await Sessions(tx).add(self._new_session(user, info=info, how=how, now=now))
        self._note_opened(tx, session, info=info)
        return session

    async def open_if_unchanged(
        self,
        tx: Transaction,
        user: User,
        *,
        info: RequestInfo,
        how: Authentication,
        now: datetime,
        unless: ColumnElement[bool],
        values: Mapping[str, Any],
    ) -> Session | None:
        """Start a session if the account is unchanged since it was read, and the condition is false; otherwise None.

        `values` are the parameters of the condition `unless`.
        """
        session = self._new_session(user, info=info, how=how, now=now)
        if not await Sessions(tx).add_if_unchanged(session, user, unless=unless, values=values):
            return None
        self._note_opened(tx, session, info=info)
        return session

    def issue(self, user: User, session: Session, *, now: datetime) -> SignedIn:
        """Issue the tokens of a session that was just opened."""
        return SignedIn(user, self._pair(subject_of(user, session), now=now))

    async def prolong_access(self, tx: Transaction, session: Session, *, now: datetime) -> None:
        """Prepare a session, locked by the caller's transaction, for another access token, which `access_of` issues.

        Raises:
            RefreshTokenInvalid, AccountDisabled, EmailUnverified: a refresh would be refused; see `refresh`.
        """
        await tx.flush()
        await self._of(tx, session.id)
        session.access_expires_at = max(session.access_expires_at, now + self._access.life)
        session.key_id = self._access.key_id

    def access_of(self, user: User, session: Session) -> AccessToken:
        """Issue an access token with the session's current content; its refresh token is unchanged."""
        now = self._clock.now()
        token, expires_at = self._access.issue(subject_of(user, session), now=now)
        seconds = int((expires_at - now).total_seconds())
        return AccessToken(token, expires_in=seconds, acr=session.acr, authenticated_at=session.proved_at)

    async def refresh(self, refresh_token: str, *, info: RequestInfo) -> TokenPair:
        """Exchange a refresh token for the next pair, with the account's current roles.

        For a short time the previous token returns the current pair again, so that two tabs or a lost answer do not
        sign anybody out. A later use, or an older token, means that somebody else may have a copy: this session ends,
        and no other.

        Raises:
            RefreshTokenInvalid: it does not belong to a live session.
            RefreshTokenReplaced: as before, because the browser has signed in again.
            RefreshTokenExpired: the session has expired.
            RefreshTokenReused: it was used before; the session has ended now.
            AccountDisabled, EmailUnverified: the account may not sign in.
            SecondFactorDue: the account needs a second factor that the session does not have.
        """
        note_act(Act.REFRESH)
        ticket = self._refresh.read(refresh_token)
        try:
            return await self._exchange(ticket, info=info)
        except tuple(REFUSALS) as refusal:
            end_reason = await self._remember_refused(ticket, REFUSALS[type(refusal)], info=info)
            if end_reason == REPLACED:
                raise RefreshTokenReplaced from refusal
            raise

    def _new_session(self, user: User, *, info: RequestInfo, how: Authentication, now: datetime) -> Session:
        return Session(
            id=new_random_id(),
            user_id=user.id,
            generation=0,
            rotated_at=now,
            created_at=now,
            last_used_at=now,
            idle_expires_at=now + self._rules.idle_life,
            absolute_expires_at=now + self._rules.max_life,
            access_expires_at=now + self._access.life,
            key_id=self._access.key_id,
            amr=how.amr,
            acr=how.acr,
            authenticated_at=how.at,
            proofs=how.proofs,
            kind=SessionKind.SIGN_IN,
            address=info.address[:LONGEST_ADDRESS],
            opened_address=info.address[:LONGEST_ADDRESS],
            user_agent=info.user_agent,
            device=describe(info.user_agent),
        )

    def _note_opened(self, tx: Transaction, session: Session, *, info: RequestInfo) -> None:
        self._activity.note_opened(tx, session)
        record(
            tx, AuditEvent.SIGNED_IN, at=session.created_at, user_id=session.user_id, session_id=session.id,
            info=info, details={"amr": session.amr},
        )  # fmt: skip

    def _pair(self, subject: TokenSubject, *, now: datetime) -> TokenPair:
        note_user(subject.user_id)
        access_token, expires_at = self._access.issue(subject, now=now)
        return TokenPair(
            access_token=access_token,
            expires_in=int((expires_at - now).total_seconds()),
            refresh_token=self._refresh.write(RefreshTicket(subject.session_id, subject.generation)),
            refresh_expires_in=int((subject.expires_at - now).total_seconds()),
        )

    async def _exchange(self, ticket: RefreshTicket, *, info: RequestInfo) -> TokenPair:
        now = self._clock.now()
        moved_on = await self._move_on(ticket, info=info, now=now)
        if moved_on is not None:
            return self._pair(moved_on, now=now)
        # On MySQL an update that waited and then matched nothing keeps the row locked, so the loser reads in a separate
        # transaction. What it finds stays true, because generations only grow.
        async with self._db.read() as tx:
            subject = await self._of(tx, ticket.session_id)
        match classify(ticket, subject, grace=self._rules.reuse_grace, now=now):
            case Presented.REUSED if not self._rules.rotation:
                # Issued and used while rotation was on; the client kept it, which is allowed without rotation.
                return await self._exchange(replace(ticket, generation=subject.generation), info=info)
            case Presented.CURRENT:
                # A cluster node ran the update before it had received another node's commit, and has it now.
                raise DatabaseUnavailable
            case Presented.JUST_REPLACED:
                return self._pair(subject, now=now)
            case Presented.UNKNOWN:
                raise RefreshTokenInvalid
            case Presented.EXPIRED:
                raise RefreshTokenExpired
            case Presented.REUSED:
                self._note_kept(ticket, subject)
                await self._end_reused(subject.session_id, info=info, now=now)
                raise RefreshTokenReused

    @retry_conflicts
    async def _move_on(self, ticket: RefreshTicket, *, info: RequestInfo, now: datetime) -> TokenSubject | None:
        """Use up the current token; None if it is not the current one of a live session."""
        async with self._db.begin() as tx:
            moved = await Sessions(tx).advance(
                ticket.session_id,
                ticket.generation,
                by=1 if self._rules.rotation else 0,
                now=now,
                values={
                    "idle_expires_at": now + self._rules.idle_life,
                    "access_expires_at": now + self._access.life,
                    "key_id": self._access.key_id,
                    "address": info.address[:LONGEST_ADDRESS],
                    "user_agent": info.user_agent,
                    "device": describe(info.user_agent),
                },
            )
            return await self._of(tx, ticket.session_id) if moved else None

    async def _of(self, tx: Transaction, session_id: int) -> TokenSubject:
        subject = await Sessions(tx).subject(session_id)
        if subject is None:
            raise RefreshTokenInvalid
        self._decide(subject)
        return subject

    @retry_conflicts
    async def _remember_refused(self, ticket: RefreshTicket, reason: str, *, info: RequestInfo) -> str | None:
        """Record a refusal. The exchange's transaction was rolled back, so that the token stays valid.

        Returns why the session ended, if it has.
        """
        async with self._db.begin() as tx:
            session = await Sessions(tx).get(ticket.session_id)
            await record_once_a_day(
                tx, AuditEvent.REFRESH_TOKEN_REJECTED, at=self._clock.now(),
                user_id=session.user_id if session else None, session_id=ticket.session_id, info=info,
                details={"reason": reason if session else "unknown_session"},
            )  # fmt: skip
            return session.end_reason if session else None

    def _note_kept(self, ticket: RefreshTicket, subject: TokenSubject) -> None:
        """Log once that clients seem to keep their first refresh token: they sent it at their second refresh."""
        if (ticket.generation, subject.generation) == (0, 1) and not self._has_told:
            self._has_told = True
            logger.warning(
                "a first refresh token was used a second time, and its session has ended; if your clients never "
                "replace theirs, set REFRESH_TOKEN_ROTATION=false (docs/differences.md)"
            )

    @retry_conflicts
    async def _end_reused(self, session_id: int, *, info: RequestInfo, now: datetime) -> None:
        async with self._db.begin() as tx:
            sessions = await Sessions(tx).end(session_id=session_id, reason="refresh_reused", now=now)
            await self._feed.revoke_sessions(tx, sessions)
            for ended in sessions:
                record(
                    tx, AuditEvent.REFRESH_TOKEN_REUSED, at=now, user_id=ended.user_id, session_id=ended.id, info=info
                )
