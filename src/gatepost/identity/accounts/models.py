"""The tables of accounts and their roles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from sqlalchemy import JSON, Column, Connection, ForeignKey, Index, Table, delete, event, insert, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.tables import Base, BigId, PrimaryId, exact, text
from gatepost.core.ids import new_random_text
from gatepost.identity.accounts.names import Name, is_address
from gatepost.identity.accounts.search_words import LONGEST_WORD, words_of

user_roles = Table(
    "user_roles",
    Base.metadata,
    Column("user_id", BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", BigId, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
    **Base.__table_args__,
)


class Role(Base):
    """A role; the first migration creates `user`, `moderator` and `admin`."""

    __tablename__ = "roles"

    id: Mapped[PrimaryId]
    name: Mapped[str] = mapped_column(exact(64), unique=True)
    description: Mapped[str] = mapped_column(text(255), default="")
    # Such as `users:read`, sorted; `*` means all permissions.
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    # After a change, holders with greater ids may still have older access tokens. NULL: none has.
    stale_above: Mapped[int | None] = mapped_column(BigId)


class RetiredRoleName(Base):
    """A former name of a role. Other roles cannot have it while access tokens with it may be in use."""

    __tablename__ = "retired_role_names"

    name: Mapped[str] = mapped_column(exact(64), primary_key=True)
    role_id: Mapped[int] = mapped_column(BigId)
    free_at: Mapped[datetime] = mapped_column(index=True)


class User(Base):
    """An account. The canonical columns decide what is the same account, independently of the database."""

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    # Distinguishes the account from one that had the same id before a restore; NULL in accounts of early versions.
    random_id: Mapped[str | None] = mapped_column(exact(16), default=new_random_text)
    username: Mapped[str] = mapped_column(text(255))
    username_canonical: Mapped[str] = mapped_column(exact(255), unique=True)
    email: Mapped[str] = mapped_column(text(320))
    email_canonical: Mapped[str] = mapped_column(exact(320), unique=True)
    email_verified_at: Mapped[datetime | None] = mapped_column(index=True)
    # When an address of it was verified for the first time; this stays when the address changes. Until then, what was
    # set up may be a stranger's (`identity/credentials/ownership.py`).
    first_verified_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(exact(16), default="en")
    password_hash: Mapped[str] = mapped_column(exact(255))
    # Access tokens contain it; increasing it makes all earlier ones stale.
    token_version: Mapped[int] = mapped_column(default=0)
    # Counts the changes, so that two people do not overwrite each other's changes.
    version: Mapped[int] = mapped_column(default=1)
    disabled_at: Mapped[datetime | None] = mapped_column(index=True)
    # When the owner last reported a session as not theirs.
    disowned_at: Mapped[datetime | None]
    # When the account will be deleted, at its owner's request.
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    # When a session was last opened; sessions themselves are purged some time after their end.
    last_sign_in_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary=user_roles, lazy="raise", order_by=Role.id)

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the account's roles, ordered by role id."""
        return tuple(role.name for role in self.roles)

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions of the account's roles, sorted; only `*` if one of them has it."""
        return allowed_by(role.permissions for role in self.roles)

    @classmethod
    def new(
        cls, username: Name, email: Name, *, password_hash: str, language: str, roles: Iterable[Role],
        is_verified: bool, now: datetime,
    ) -> Self:  # fmt: skip
        """Return an account that is not stored yet."""
        return cls(
            username=username.display,
            username_canonical=username.canonical,
            email=email.display,
            email_canonical=email.canonical,
            email_verified_at=now if is_verified else None,
            first_verified_at=now if is_verified else None,
            language=language,
            password_hash=password_hash,
            token_version=0,
            version=1,
            created_at=now,
            updated_at=now,
            roles=list(roles),
        )

    @property
    def has_password(self) -> bool:
        """Whether the account has a password."""
        return self.password_hash != UNUSABLE_HASH

    def touch(self, now: datetime) -> None:
        """Record a change of the account: increase its version."""
        self.version, self.updated_at = self.version + 1, now

    def verify_email(self, now: datetime) -> None:
        """Note that the account's address is proved."""
        self.email_verified_at, self.first_verified_at = now, self.first_verified_at or now

    def unverify_email(self) -> None:
        """Note that the account's address is to be proved again. Earlier versions did not keep when it first was."""
        self.first_verified_at = self.first_verified_at or self.email_verified_at
        self.email_verified_at = None

    def rename(self, username: Name) -> None:
        """Change the user name."""
        self.username, self.username_canonical = username.display, username.canonical

    def change_email(self, email: Name) -> bool:
        """Change the address. A user name that is the address changes too; return whether it did.

        So a user name with an @ is always the account's own address. The unique key of addresses therefore also covers
        such names, and a former address does not block its next owner.
        """
        follows = is_address(Name(self.username, self.username_canonical))
        is_renamed = follows and self.username != email.display
        self.email, self.email_canonical = email.display, email.canonical
        if follows:
            self.rename(email)
        return is_renamed

    def __repr__(self) -> str:
        return f"User(id={self.id})"


class SearchWord(Base):
    """A search word of an account (see `search_words.words_of`), kept in sync with its names."""

    __tablename__ = "search_words"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        # Groups words with the same beginning, and orders the accounts of one word by id.
        Index("ix_search_words_word_user_id", "word", "user_id"),
        {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci", "sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(exact(LONGEST_WORD), primary_key=True)


def search_words_of(user_id: int, **names: str) -> list[dict[str, Any]]:
    """Return the rows of `search_words` for an account; `names` are the values of its columns in `NAMES`."""
    return [{"user_id": user_id, "word": word} for word in sorted(words_of(*(names[column] for column in NAMES)))]


# With both columns of the address, international domains are found in both spellings.
NAMES = ("username", "email", "email_canonical")


# Names are set in many places, so the words are written by event listeners. Code that inserts without objects (the
# import) writes the words itself.
@event.listens_for(User, "after_insert")
def _write_words(_: Mapper[User], connection: Connection, user: User) -> None:
    connection.execute(insert(SearchWord), search_words_of(user.id, **_names_of(user)))


@event.listens_for(User, "after_update")
def _rewrite_words(mapper: Mapper[User], connection: Connection, user: User) -> None:
    attributes = inspect(user).attrs
    if any(attributes[column].history.has_changes() for column in NAMES):
        connection.execute(delete(SearchWord).where(SearchWord.user_id == user.id))
        _write_words(mapper, connection, user)


def _names_of(user: User) -> dict[str, str]:
    return {column: getattr(user, column) for column in NAMES}


def allowed_by(permissions: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return the union of the permissions of several roles, sorted; only `*` if one of them has it."""
    words = {word for of_one in permissions for word in of_one}
    return ("*",) if "*" in words else tuple(sorted(words))
