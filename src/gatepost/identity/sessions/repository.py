"""The queries of sessions."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from gatepost.core.db.database import NumberTaken, Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.models import DISOWNED, Session, ends_at
from gatepost.identity.sessions.statements import (
    ADVANCE,
    AT_FIRST,
    COUNTED,
    GUARD_COLUMNS,
    OPENED_AT,
    SUBJECT,
    add_if_unchanged,
    live,
)
from gatepost.identity.tokens.subject import HeldRole, TokenSubject


class Sessions:
    """The sessions, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, session: Session) -> Session:
        """Insert a session.

        Raises:
            NumberTaken: the id is already used.
        """
        self._tx.add(session)
        with _number_taken():
            await self._tx.flush()
        return session

    async def add_if_unchanged(
        self, session: Session, account: User, *, unless: ColumnElement[bool], values: Mapping[str, Any]
    ) -> bool:
        """Insert a session if its account is unchanged since it was read, and may sign in; return whether it was.

        A single statement reads the account, locks it until the transaction ends, and inserts. `values` are the
        parameters of the condition `unless`.

        Raises:
            NumberTaken: the id is already used.
        """
        given = {
            **{f"new_{name}": getattr(session, name) for name in AT_FIRST},
            **{f"read_{name}": getattr(account, name) for name in GUARD_COLUMNS},
            **values,
        }
        with _number_taken():
            return await rows_changed(self._tx, add_if_unchanged(unless), given, execution_options=COUNTED) == 1

    async def get(self, session_id: int) -> Session | None:
        """Return a session, live or ended."""
        return await self._tx.get(Session, session_id)

    async def held(self, session_id: int, *, now: datetime) -> Session | None:
        """Return a live session, locked until the transaction ends."""
        query = select(Session).where(Session.id == session_id, *live(now)).with_for_update()
        return await self._tx.scalar(query.execution_options(populate_existing=True))

    async def subject(self, session_id: int) -> TokenSubject | None:
        """Return the token subject of a session, live or ended, with its account's roles, in one query."""
        connection = await self._tx.connection()
        rows = (await connection.execute(SUBJECT, {"session_id": session_id})).all()
        if not rows:
            return None
        first = rows[0]
        if len(rows) > 1:
            # Sorted here: because of the JSON columns, the database would use a temporary table on disk.
            rows = sorted(rows, key=attrgetter("role_id"))
        return TokenSubject(
            session_id=session_id,
            generation=first.generation,
            rotated_at=first.rotated_at,
            created_at=first.created_at,
            expires_at=ends_at(first.idle_expires_at, first.absolute_expires_at),
            access_expires_at=first.access_expires_at,
            amr=first.amr,
            acr=first.acr,
            authenticated_at=first.authenticated_at,
            client_id=first.client_id,
            scope=first.scope,
            ended_at=first.ended_at,
            user_id=first.user_id,
            random_id=first.random_id,
            username=first.username,
            token_version=first.token_version,
            disabled_at=first.disabled_at,
            email_verified_at=first.email_verified_at,
            has_second_factor=bool(first.has_second_factor),
            is_on_trusted_device=any(proof["by"] == Method.TRUSTED_DEVICE for proof in first.proofs or ()),
            roles=tuple([HeldRole(row.name, row.permissions) for row in rows if row.name is not None]),
        )

    async def advance(
        self, session_id: int, generation: int, *, by: int, now: datetime, values: dict[str, Any]
    ) -> bool:
        """Advance a live session from this generation; of several concurrent calls, only one succeeds.

        Returns whether this call did: False if the session has another generation or is not live.
        """
        connection = await self._tx.connection()
        given = {"session": session_id, "current": generation, "now": now}
        result = await connection.execute(
            ADVANCE, {**given, **values, "generation": generation + by, "rotated_at": now, "last_used_at": now}
        )
        return result.rowcount == 1

    async def live(self, user_id: int, *, now: datetime, after: Session | None, size: int) -> Sequence[Session]:
        """Return the live sessions of an account, the last used first, after a given one."""
        order = (Session.last_used_at, Session.created_at, Session.id)
        query = select(Session).where(Session.user_id == user_id, *live(now))
        if after is not None:
            last = zip(order, (after.last_used_at, after.created_at, after.id), strict=True)
            query = query.where(tuple_(*order) < tuple_(*(literal(value, column.type) for column, value in last)))
        query = query.order_by(*(column.desc() for column in order)).limit(size)
        return (await self._tx.scalars(query)).all()

    async def end(
        self,
        *,
        now: datetime,
        reason: str,
        user_id: int | None = None,
        session_id: int | None = None,
        after: datetime | None = None,
        device: str | None = None,
        keep: int | None = None,
    ) -> Sequence[Session]:
        """End the live sessions that match all arguments; return those that this call ended."""
        wanted = [Session.ended_at.is_(None), *_chosen(session_id=session_id, after=after, device=device)]
        if user_id is not None:
            wanted.append(Session.user_id == user_id)
        if keep is not None:
            wanted.append(Session.id != keep)
        # What this transaction read before it had the lock may be outdated.
        query = select(Session).where(*wanted).with_for_update().execution_options(populate_existing=True)
        found = (await self._tx.scalars(query)).all()
        for session in found:
            session.ended_at = now
            session.end_reason = reason
        await self._tx.flush()
        return found

    async def disown(self, user_id: int, **which: Any) -> None:
        """Mark ended sessions of an account, selected as in `end`, as not its owner's."""
        ended = (Session.user_id == user_id, Session.ended_at.is_not(None), *_chosen(**which))
        statement = update(Session).where(*ended).values(end_reason=DISOWNED)
        await self._tx.execute(statement.execution_options(synchronize_session=False))

    async def is_live_at(self, user_id: int | None, address: str, *, now: datetime) -> bool:
        """Whether an account has a live session that was last used at an address."""
        there = exists().where(Session.user_id == user_id, Session.address == address, *live(now))
        return bool(await self._tx.scalar(select(there)))

    async def addresses_of(self, user_id: int, device: str, *, but: int) -> Sequence[str]:
        """Return the addresses at which an account's other sessions were opened on a device with this name.

        Sessions that the owner has reported as not theirs do not count.
        """
        query = select(OPENED_AT).where(
            Session.user_id == user_id,
            Session.device == device,
            Session.end_reason.is_distinct_from(DISOWNED),
            Session.id != but,
        )
        return (await self._tx.scalars(query.distinct())).all()

    async def live_access_token_ends(self, user_ids: Collection[int], *, now: datetime) -> dict[int, datetime]:
        """Return when the last access token of each signed-in account expires at the latest, by account id."""
        query = (
            select(Session.user_id, func.max(Session.access_expires_at))
            .where(Session.user_id.in_(user_ids), *live(now))
            .group_by(Session.user_id)
        )
        return dict((await self._tx.execute(query)).all())

    async def last_access_token_ends(self, user_id: int) -> datetime | None:
        """Return when the last access token of an account expires at the latest; None if it never had one."""
        return await self._tx.scalar(select(func.max(Session.access_expires_at)).where(Session.user_id == user_id))

    async def signed_by(self, kid: str, *, now: datetime) -> int:
        """Count the live sessions whose newest access token was signed by this key and has not expired."""
        query = (
            select(func.count())
            .select_from(Session)
            .where(Session.key_id == kid, Session.access_expires_at > now, Session.ended_at.is_(None))
        )
        return await self._tx.scalar(query) or 0


@contextmanager
def _number_taken() -> Iterator[None]:
    """Turn an IntegrityError into NumberTaken: only the id of a new session is unique."""
    try:
        yield
    except IntegrityError as error:
        raise NumberTaken from error


def _chosen(
    *, session_id: int | None = None, after: datetime | None = None, device: str | None = None
) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if session_id is not None:
        chosen.append(Session.id == session_id)
    if after is not None:
        chosen.append(Session.created_at > after)
    if device is not None:
        chosen.append(Session.device == device)
    return chosen


def subject_of(user: User, session: Session) -> TokenSubject:
    """Return the token subject of a session, with its account as it was read."""
    return TokenSubject(
        session_id=session.id,
        generation=session.generation,
        rotated_at=session.rotated_at,
        created_at=session.created_at,
        expires_at=session.expires_at,
        access_expires_at=session.access_expires_at,
        amr=session.amr,
        acr=session.acr,
        authenticated_at=session.proved_at,
        client_id=session.client_id,
        scope=session.scope,
        ended_at=session.ended_at,
        user_id=user.id,
        random_id=user.random_id,
        username=user.username,
        token_version=user.token_version,
        disabled_at=user.disabled_at,
        email_verified_at=user.email_verified_at,
        roles=tuple(HeldRole(role.name, role.permissions) for role in user.roles),
    )
