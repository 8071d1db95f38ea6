"""Wrong guesses of passwords and codes, counted in the database for all workers and replicas together.

After too many wrong guesses there is a wait, which grows. A guess is checked twice: before the password is checked, so
that refused guesses cost no work, and in the transaction that stores the verdict. Only verdicts that pass there are
revealed, so that concurrent guesses get no more answers than consecutive ones.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import delete, select, update

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import Transaction
from gatepost.core.db.held_rows import hold_rows
from gatepost.core.db.row_counts import rows_changed
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import canonical_identifier
from gatepost.identity.accounts.repository import Users
from gatepost.identity.throttling.counters import (
    OF_PASSWORDS,
    Counter,
    CounterKind,
    Counters,
    GuessRules,
    counted_name,
    counted_names,
)
from gatepost.identity.throttling.devices import Device
from gatepost.identity.throttling.errors import TooManyAttempts
from gatepost.identity.throttling.guess_columns import Guess
from gatepost.identity.throttling.models import GuessCounter


class Guesses:
    """Counts wrong guesses, and enforces waits.

    A device that has signed in to the account before only uses its own counter: guesses of strangers do not lock it
    out, and its guesses lock out nobody else.
    """

    def __init__(self, clock: Clock, secrets: SecretKeys, *, rules: GuessRules) -> None:
        self._clock = clock
        self._counters = Counters(secrets)
        self._rules = rules

    def guess(self, name: str, *, info: RequestInfo, device: Device) -> Guess:
        """Describe a guess for a `counted_name`."""
        return Guess(
            name=self._counters.of_name(name),
            address=self._counters.of_address(info.address),
            place=self._counters.of_place(name, info.address),
            device=self._counters.of_device(name, device.nonce),
            session=self._counters.of_session(device.session_id or 0),
            known=device,
            client_address=info.address,
        )

    def admit(self, guess: Guess, user: User | None, beside: Sequence[Any]) -> tuple[Counter, ...]:
        """Return the counters that the guess uses, given the values of `GUESS_COLUMNS` for the account.

        Raises:
            TooManyAttempts: one of them is waiting.
        """
        *waits, session, place = beside
        blocked = dict(zip(OF_PASSWORDS, (waits[0], waits[1], waits[2], waits[3], waits[4]), strict=True))
        if user is not None and guess.known.belongs_to(user):
            counters: tuple[Counter, ...] = (guess.device,)
        elif user is not None and session is not None:
            counters = (guess.session,)
        elif user is not None and place is not None and guess.client_address:
            counters = (guess.place, guess.address)
        else:
            counters = (guess.name, guess.address)
        self._refuse([blocked[counter.kind] for counter in counters])
        return counters

    def of_session(self, session_id: int) -> tuple[Counter, ...]:
        """Return the counters for a guess of somebody who is signed in and reauthenticates."""
        return (self._counters.of_session(session_id),)

    def of_second_factors(self, user: User, *, info: RequestInfo, device: Device) -> tuple[Counter, ...]:
        """Return the counters for a wrong code, for any second factor and any attempt to sign in.

        Known devices have a separate counter, so that strangers cannot lock them out. After the owner has reported a
        session as not theirs, only devices on which the account has signed in since then are known.
        """
        if device.is_known_to(user):
            return (self._counters.of_second_factors(user, is_known=True),)
        return (self._counters.of_second_factors(user, is_known=False), self._counters.of_address(info.address))

    def of_email_codes(
        self, email_canonical: str, user: User | None, *, info: RequestInfo, device: Device
    ) -> tuple[Counter, ...]:
        """Return what a wrong code by mail counts on: its address, whether the account `user` has it or nobody.

        Known devices of that account count apart, as for second factors.
        """
        if user is not None and device.is_known_to(user):
            return (self._counters.of_email_codes(email_canonical, is_known=True),)
        return (
            self._counters.of_email_codes(email_canonical, is_known=False),
            self._counters.of_address(info.address),
        )

    def of_session_codes(self, session_id: int) -> tuple[Counter, ...]:
        """Return what a wrong code by mail counts on of somebody who is signed in: the session, and no other."""
        return (self._counters.of_session_codes(session_id),)

    def of_sign_up(self, link_id: int) -> tuple[Counter, ...]:
        """Return the counters for a guess of the password of a sign-up that waits for its link."""
        return (self._counters.of_name(f"sign-up {link_id}"),)

    async def check(
        self, tx: Transaction, counters: Sequence[Counter], *, held: bool = False
    ) -> Sequence[GuessCounter]:
        """Check that none of the counters is waiting; with `held`, lock them until the transaction ends.

        Raises:
            TooManyAttempts: one of them is waiting.
        """
        rows = await _rows(tx, {counter.subject for counter in counters}, held=held)
        self._refuse([row.blocked_until for row in rows])
        return rows

    async def record_failure(
        self, tx: Transaction, counters: Sequence[Counter], *, info: RequestInfo, user_id: int | None = None
    ) -> tuple[CounterKind, ...]:
        """Count a wrong guess, in the transaction that stores it; waits are recorded in the audit log.

        Returns the kinds of the counters whose first wait begins.

        Raises:
            TooManyAttempts: concurrent guesses have used up the limit. The verdict must not be revealed.
        """
        now = self._clock.now()
        await self._hold(tx, counters, now=now)
        rows = {row.subject: row for row in await self.check(tx, counters, held=True)}
        began = []
        for counter in counters:
            row = rows[counter.subject]
            wait = self._count(counter.kind, row, now=now)
            if wait:
                if row.failures == self._rules.allowed(counter.kind):
                    began.append(counter.kind)
                details = {"by": counter.kind.value, "failures": row.failures, "seconds": ceil(wait.total_seconds())}
                record(tx, AuditEvent.GUESSING_THROTTLED, at=now, user_id=user_id, info=info, details=details)
        return tuple(began)

    async def record_success(
        self, tx: Transaction, counters: Sequence[Counter], user: User | None, *, info: RequestInfo
    ) -> None:
        """Forget the wrong guesses for an account, or for an address without one, after a correct one, in the
        transaction that stores it.

        Those from the address stay: otherwise somebody with an account could clear them between guesses for another.

        Raises:
            TooManyAttempts: concurrent guesses have used up the limit. The verdict must not be revealed.
        """
        own = self._forgotten_with(counters, user, info=info)
        asked = {counter.subject for counter in counters}
        rows = await _rows(tx, own | asked, held=True)
        self._refuse([row.blocked_until for row in rows if row.subject in asked])
        await _forget(tx, {row.subject for row in rows} & own)

    def guard_params(self, counters: Sequence[Counter], user: User, *, info: RequestInfo) -> dict[str, Any]:
        """Return the parameters of `ANY_COUNTED`: all counters that `record_success` would have to check.

        If none exists, and no concurrent guess is creating one, a correct guess needs no further check.
        """
        subjects = self._forgotten_with(counters, user, info=info) | {counter.subject for counter in counters}
        return {"counted": sorted(subjects)}

    async def forget(self, tx: Transaction, *, names: Sequence[str] = (), addresses: Sequence[str] = ()) -> int:
        """Forget strangers' wrong guesses for these names and from these addresses, and wrong codes for the names.

        Returns the number of deleted counters.
        """
        counted = [counted_name(name, canonical_identifier(name)) for name in names]
        counters = [*map(self._counters.of_name, counted), *map(self._counters.of_address, addresses)]
        counters += [self._counters.of_place(name, address) for name in counted for address in addresses]
        users = Users(tx)
        for kind, name in filter(None, map(canonical_identifier, names)):
            user = await (users.by_email(name) if kind == "email" else users.by_username(name))
            if user is not None:
                counters += self._of_codes(user)
            elif kind == "email":
                counters.append(self._counters.of_email_codes(name, is_known=False))
        return await _forget(tx, {counter.subject for counter in counters})

    async def forget_codes(self, tx: Transaction, user: User) -> None:
        """Forget the wrong codes for an account."""
        await _forget(tx, {counter.subject for counter in self._of_codes(user)})

    async def end_waits_for_codes(self, tx: Transaction, user: User) -> None:
        """Allow codes of an account again at once. The counts stay, so that the next waits are just as long."""
        subjects = [counter.subject for counter in self._of_codes(user)]
        statement = (
            update(GuessCounter).where(GuessCounter.subject.in_(subjects)).values(blocked_until=self._clock.now())
        )
        await tx.execute(statement.execution_options(synchronize_session=False))

    def _of_codes(self, user: User) -> list[Counter]:
        email, both = user.email_canonical, (False, True)
        return [
            *(self._counters.of_second_factors(user, is_known=is_known) for is_known in both),
            *(self._counters.of_email_codes(email, is_known=is_known) for is_known in both),
        ]

    def _forgotten_with(self, counters: Sequence[Counter], user: User | None, *, info: RequestInfo) -> set[str]:
        own = {counter.subject for counter in counters if counter.kind is not CounterKind.ADDRESS}
        if user is not None and not {CounterKind.ACCOUNT, CounterKind.PLACE}.isdisjoint(
            counter.kind for counter in counters
        ):
            names = counted_names(user)
            own |= {self._counters.of_name(name).subject for name in names}
            own |= {self._counters.of_place(name, info.address).subject for name in names}
        return own

    def _refuse(self, blocked_until: Sequence[datetime | None]) -> None:
        now = self._clock.now()
        ends = [moment for moment in blocked_until if moment is not None and moment > now]
        if ends:
            raise TooManyAttempts(retry_after_seconds=ceil((max(ends) - now).total_seconds()))

    def _count(self, kind: CounterKind, row: GuessCounter, *, now: datetime) -> timedelta:
        if row.expires_at <= now:
            row.failures, row.expires_at = 0, self._rules.first_forgotten_at(kind, now=now)
        row.failures += 1
        row.expires_at = self._rules.forgotten_at(kind, row.expires_at, now=now)
        wait = self._rules.wait(kind, row.failures)
        row.blocked_until = now + wait
        return wait

    async def _hold(self, tx: Transaction, counters: Sequence[Counter], *, now: datetime) -> None:
        """Insert the missing rows and lock all, in the same order for all callers."""
        rows = [
            {
                "subject": counter.subject,
                "failures": 0,
                "blocked_until": now,
                "expires_at": self._rules.first_forgotten_at(counter.kind, now=now),
            }
            for counter in sorted(counters, key=lambda counter: counter.subject)
        ]
        await hold_rows(tx, GuessCounter, rows)


async def _rows(tx: Transaction, subjects: set[str], *, held: bool) -> Sequence[GuessCounter]:
    query = select(GuessCounter).where(GuessCounter.subject.in_(sorted(subjects))).order_by(GuessCounter.subject)
    query = query.execution_options(populate_existing=True)
    return (await tx.scalars(query.with_for_update() if held else query)).all()


async def _forget(tx: Transaction, subjects: set[str]) -> int:
    if not subjects:
        return 0
    statement = (
        delete(GuessCounter)
        .where(GuessCounter.subject.in_(sorted(subjects)))
        .execution_options(synchronize_session=False)
    )
    return await rows_changed(tx, statement)
