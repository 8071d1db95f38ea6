"""Sealed secrets of second factors, when SECRET_KEY is replaced: sealing them again, and finding lost ones."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from gatepost.core.crypto.sealing import SealError, SecretBox
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import owner_of

logger = logging.getLogger("gatepost")

BATCH = 200
# So many secrets of each kind are tried to open, some microseconds each.
MOST_TRIED = 20_000

# Each column of sealed secrets with its box.
Sealed = Sequence[tuple[InstrumentedAttribute[str], SecretBox]]


class SealRenewal:
    """Brings what SECRET_KEY_PREVIOUS has sealed under today's SECRET_KEY."""

    def __init__(self, database: Database, sealed: Sealed) -> None:
        self._db = database
        self._sealed = sealed
        # Where to go on, so that secrets that cannot be opened are in the way of no others.
        self._after = {column: 0 for column, _ in sealed}

    async def run(self) -> int:
        """Seal a batch again and return how many there were; 0 once there are none but those that cannot be opened."""
        return sum([await self._run(column, box) for column, box in self._sealed if box.previous is not None])

    async def _run(self, column: InstrumentedAttribute[str], box: SecretBox) -> int:
        unopened: list[int] = []
        while True:
            ids, renewed = await self._renew(column, box, unopened, after=self._after[column])
            is_last = len(ids) < BATCH
            self._after[column] = 0 if is_last else ids[-1]
            if renewed or is_last:
                break
        if unopened:
            logger.warning(
                "second factors that cannot be opened: %d, among them that of account %d; see gatepost doctor",
                len(unopened), unopened[0],
            )  # fmt: skip
        return renewed

    @retry_conflicts
    async def _renew(
        self, column: InstrumentedAttribute[str], box: SecretBox, unopened: list[int], *, after: int
    ) -> tuple[Sequence[int], int]:
        """Return the accounts whose secrets were read, and how many were sealed again; add to those of the others."""
        query = _with_owners(column, after=after, limit=BATCH)
        query = query.where(column.startswith(f"{box.previous}.", autoescape=True))
        closed: list[int] = []
        async with self._db.begin() as tx:
            found = (await tx.execute(query.with_for_update(of=column.class_))).all()
            for row, user in found:
                try:
                    setattr(row, column.key, box.renew(getattr(row, column.key), owner=owner_of(user)))
                except SealError:  # changed by other hands
                    closed.append(user.id)
        unopened += closed
        return [user.id for _, user in found], len(found) - len(closed)


@dataclass(frozen=True, slots=True)
class SealReport:
    """How many secrets were tried to open, how many could not be, and an account with one of these."""

    tried: int
    closed: int
    example: int | None


class SealSurvey:
    """Tells whether the sealed secrets can be opened."""

    def __init__(self, database: Database, sealed: Sealed) -> None:
        self._db = database
        self._sealed = sealed

    async def run(self) -> SealReport:
        """Try the secrets of the first accounts, up to `MOST_TRIED` of each kind."""
        tried, closed = 0, list[int]()
        for column, box in self._sealed:
            after, of_this = 0, 0
            while of_this < MOST_TRIED:
                async with self._db.read() as tx:
                    found = (await tx.execute(_with_owners(column, after=after, limit=BATCH))).all()
                closed += [user.id for row, user in found if not _opens(box, getattr(row, column.key), user)]
                of_this += len(found)
                if len(found) < BATCH:
                    break
                after = found[-1][1].id
            tried += of_this
        return SealReport(tried, len(closed), closed[0] if closed else None)


def _with_owners(column: InstrumentedAttribute[str], *, after: int, limit: int) -> Select[Any]:
    model: Any = column.class_
    query = select(model, User).join(User, User.id == model.user_id).where(model.user_id > after)
    return query.order_by(model.user_id).limit(limit)


def _opens(box: SecretBox, sealed: str, user: User) -> bool:
    try:
        box.open(sealed, owner=owner_of(user))
    except SealError:
        return False
    return True
