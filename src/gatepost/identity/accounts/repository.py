"""The queries of accounts and roles."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import defer, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from gatepost.core.db.database import Transaction
from gatepost.core.db.row_counts import rows_changed
from gatepost.identity.accounts.errors import UnknownRole
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.reference import AccountRef


class Users:
    """The accounts, within one transaction; each is read with its roles in one query."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, user_id: int) -> User | None:
        """Return an account."""
        return await self._one(User.id == user_id)

    async def kept(self, user_id: int) -> User | None:
        """Return the current state of an account, and prevent changes until the transaction ends (shared lock)."""
        await self._tx.execute(select(User.id).where(User.id == user_id).with_for_update(read=True))
        # What was read before the lock may be outdated.
        query = select(User).options(joinedload(User.roles)).where(User.id == user_id)
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).unique().one_or_none()

    async def get_for_update(self, user_id: int) -> User | None:
        """Return an account, locked until the transaction ends."""
        return await self._one(User.id == user_id, is_locked=True)

    async def of(self, account: AccountRef, *, is_locked: bool = False) -> User | None:
        """Return the account of a token; with `is_locked`, lock it until the transaction ends.

        None if the account is gone, or if its id belongs to another account since a restore.
        """
        is_theirs = (User.id == account.id) & (User.random_id == account.random_id)
        return await self._one(is_theirs, is_locked=is_locked)

    async def named(
        self, name: tuple[str, str] | None, beside: tuple[ColumnElement[Any], ...], values: Mapping[str, Any]
    ) -> tuple[User | None, Sequence[Any]]:
        """Return the account of a `canonical_identifier`, if there is one, and the columns `beside` in the same query.

        These columns are returned whether or not there is an account; `values` are their parameters.
        """
        kind, canonical = name or ("nobody", "")
        row = (await self._tx.execute(_named(kind, beside), {"canonical": canonical, **values})).unique().one()
        return row[0], row[1:]

    async def by_username(self, canonical: str) -> User | None:
        """Return the account of a canonical user name."""
        return await self._one(User.username_canonical == canonical)

    async def by_email(self, canonical: str) -> User | None:
        """Return the account of a canonical e-mail address."""
        return await self._one(User.email_canonical == canonical)

    async def taken(self, *, username: str, email: str) -> tuple[bool, bool]:
        """Whether an account has this canonical user name, and whether one has this address, at the same moment."""
        query = select(User.username_canonical == username, User.email_canonical == email).where(
            or_(User.username_canonical == username, User.email_canonical == email)
        )
        rows = (await self._tx.execute(query)).all()
        return any(row[0] for row in rows), any(row[1] for row in rows)

    async def add(self, user: User) -> User:
        """Insert an account and give it its id.

        Raises:
            IntegrityError: its name or its address is taken.
        """
        self._tx.add(user)
        await self._tx.flush()
        return user

    async def lock_unchanged(self, user_id: int, *, password_hash: str) -> User | None:
        """Prevent changes of an account until the transaction ends (shared lock), and return it.

        Returns None if it is gone, disabled, or has another password by now.
        """
        query = (
            select(User.id)
            .where(User.id == user_id, User.password_hash == password_hash, User.disabled_at.is_(None))
            .with_for_update(read=True)
        )
        return await self.get(user_id) if await self._tx.scalar(query) is not None else None

    async def reread_token_version(self, user: User) -> None:
        """Update the token version of an account that was read before, within this transaction."""
        version = await self._tx.scalar(select(User.token_version).where(User.id == user.id))
        set_committed_value(user, "token_version", version)

    async def cancel_deletion(self, user_id: int, *, now: datetime) -> None:
        """Cancel the deletion of an account."""
        await self._tx.execute(
            update(User)
            .where(User.id == user_id)
            .values(erase_at=None, updated_at=now)
            .execution_options(synchronize_session=False)
        )

    async def hash_examples(self, *, after: int, limit: int) -> tuple[Sequence[str], int | None]:
        """Return a password hash of each kind among the next accounts by id, and the last of these ids.

        The id is None if there are no further accounts.
        """
        page = select(User.id, User.password_hash).where(User.id > after).order_by(User.id).limit(limit).subquery()
        query = select(func.min(page.c.password_hash), func.max(page.c.id)).group_by(_until_salt(page.c.password_hash))
        rows = (await self._tx.execute(query)).all()
        return [row[0] for row in rows], max((row[1] for row in rows), default=None)

    async def replace_hash(self, user_id: int, *, old: str, new: str, now: datetime) -> bool:
        """Replace a password hash, unless it has changed by now; return whether this call replaced it."""
        statement = (
            update(User)
            .where(User.id == user_id, User.password_hash == old)
            .values(password_hash=new, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        return await rows_changed(self._tx, statement) == 1

    async def _one(self, condition: ColumnElement[bool], *, is_locked: bool = False) -> User | None:
        query = select(User).options(joinedload(User.roles)).where(condition)
        return (await self._tx.scalars(query.with_for_update(of=User) if is_locked else query)).unique().one_or_none()


def _until_salt(stored: ColumnElement[str]) -> ColumnElement[str]:
    """Return the part of a hash before the salt: its scheme and its cost."""
    pbkdf2, argon2 = "pbkdf2_sha256$", ",p="
    return case(
        (stored.startswith("$2"), func.substr(stored, 1, len("$2b$12$"))),
        (stored.startswith("$wp$2"), func.substr(stored, 1, len("$wp$2b$12$"))),
        (stored.startswith("$bcrypt-sha256$"), func.substr(stored, 1, len("$bcrypt-sha256$v=2,t=2b,r=12"))),
        (stored.startswith("$argon2"), func.substr(stored, 1, func.instr(stored, argon2) + len(argon2) + 1)),
        (
            stored.startswith(pbkdf2),
            func.substr(stored, 1, len(pbkdf2) + func.instr(func.substr(stored, len(pbkdf2) + 1), "$")),
        ),
        else_=func.substr(stored, 1, len("$P$B")),
    )


@cache
def _named(kind: str, beside: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    """Return the query of `Users.named`; building it for each sign-in would be much of the work."""
    conditions = {"username": User.username_canonical, "email": User.email_canonical}
    condition = conditions[kind] == bindparam("canonical") if kind in conditions else false()
    one = select(literal(1).label("one")).subquery()
    return (
        select(User, *beside)
        .select_from(one)
        .outerjoin(User, condition)
        .options(
            defer(User.created_at, raiseload=True),
            defer(User.updated_at, raiseload=True),
            defer(User.last_sign_in_at, raiseload=True),
            defer(User.first_verified_at, raiseload=True),
            joinedload(User.roles).load_only(Role.name, Role.permissions, raiseload=True),
        )
    )


class Roles:
    """The roles, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def named(self, names: Collection[str]) -> Sequence[Role]:
        """Return the existing roles with these names, ordered by id."""
        return (await self._tx.scalars(select(Role).where(Role.name.in_(names)).order_by(Role.id))).all()

    async def kept_named(self, names: Collection[str]) -> Sequence[Role]:
        """Return the existing roles with these names, ordered by id and locked (shared) until the transaction ends."""
        return await self._kept(Role.name.in_(names))

    async def given(self, names: Collection[str]) -> Sequence[Role]:
        """Return the roles with these names, ordered by id and locked (shared) until the transaction ends.

        Raises:
            UnknownRole: one of them does not exist.
        """
        roles = await self.kept_named(names)
        missing = set(names) - {role.name for role in roles}
        if missing:
            raise UnknownRole(f"Failed! Role does not exist = {min(missing)}")
        return roles

    async def kept(self, ids: Collection[int]) -> Sequence[Role]:
        """Return the existing roles with these ids, ordered by id and locked (shared) until the transaction ends."""
        return await self._kept(Role.id.in_(ids))

    async def _kept(self, condition: ColumnElement[bool]) -> Sequence[Role]:
        query = select(Role).where(condition).order_by(Role.id).with_for_update(read=True)
        return (await self._tx.scalars(query.execution_options(populate_existing=True))).all()
