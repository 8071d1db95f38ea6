"""Tables of people and their roles."""

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
    """A role; `user`, `moderator` and `admin` are there from the first migration."""

    __tablename__ = "roles"

    id: Mapped[PrimaryId]
    name: Mapped[str] = mapped_column(exact(64), unique=True)
    description: Mapped[str] = mapped_column(text(255), default="")
    # Words such as `users:read`, sorted; `*` is all of them.
    permissions: Mapped[list[str]] = mapped_column(JSON, default=list)
    # After a change: holders with greater ids still have access tokens of before it. Empty: none has.
    stale_above: Mapped[int | None] = mapped_column(BigId)


class RetiredRoleName(Base):
    """A name that a role had, which no other gets while access tokens with it may be in use."""

    __tablename__ = "retired_role_names"

    name: Mapped[str] = mapped_column(exact(64), primary_key=True)
    role_id: Mapped[int] = mapped_column(BigId)
    free_at: Mapped[datetime] = mapped_column(index=True)


class User(Base):
    """An account. The canonical columns decide what is the same account, on every database alike."""

    __tablename__ = "users"

    id: Mapped[PrimaryId]
    # Tells the account from one that had its number before a restore; early versions gave none.
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
    # Access tokens carry it; raising it makes all earlier ones stale.
    token_version: Mapped[int] = mapped_column(default=0)
    # Counts the changes, so that two people do not overwrite each other's.
    version: Mapped[int] = mapped_column(default=1)
    disabled_at: Mapped[datetime | None] = mapped_column(index=True)
    # When the owner has last said that a session was not theirs.
    disowned_at: Mapped[datetime | None]
    # When the deletion that the owner has requested is carried out.
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    # Of whenever a session was opened, ended ones too, which are purged some day.
    last_sign_in_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]

    roles: Mapped[list[Role]] = relationship(secondary=user_roles, lazy="raise", order_by=Role.id)

    @property
    def role_names(self) -> tuple[str, ...]:
        """The names of the account's roles, in the order of their ids."""
        return tuple(role.name for role in self.roles)

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the account's roles allow, sorted; `*` alone where one of them allows all."""
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
        """Whether any password opens the account."""
        return self.password_hash != UNUSABLE_HASH

    def touch(self, now: datetime) -> None:
        """Note that the account has changed: whoever has read it before has read another version."""
        self.version, self.updated_at = self.version + 1, now

    def verify_email(self, now: datetime) -> None:
        """Note that the account's address is proved."""
        self.email_verified_at, self.first_verified_at = now, self.first_verified_at or now

    def unverify_email(self) -> None:
        """Note that the account's address is to be proved again. Earlier versions did not keep when it first was."""
        self.first_verified_at = self.first_verified_at or self.email_verified_at
        self.email_verified_at = None

    def rename(self, username: Name) -> None:
        """Give the account another user name."""
        self.username, self.username_canonical = username.display, username.canonical

    def change_email(self, email: Name) -> bool:
        """Give the account another address; a user name that is the address goes with it. Return whether the name did.

        So a name with an @ is its account's own address always: the unique key of addresses keeps such names apart, and
        nobody's former address is in the way of whoever has it next.
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
    """A word that an account is found by (`search_words.words_of`); it is there as long as its account is called so."""

    __tablename__ = "search_words"
    __table_args__ = (  # type: ignore[assignment]  # the base class has the dictionary alone
        # Words that begin alike stand together, and the accounts of one word in the order of their ids.
        Index("ix_search_words_word_user_id", "word", "user_id"),
        {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci", "sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(exact(LONGEST_WORD), primary_key=True)


def search_words_of(user_id: int, **names: str) -> list[dict[str, Any]]:
    """Return the rows of `search_words` for an account; `names` are its columns of `NAMES`."""
    return [{"user_id": user_id, "word": word} for word in sorted(words_of(*(names[column] for column in NAMES)))]


# Domains that are not ASCII stand in both spellings.
NAMES = ("username", "email", "email_canonical")


# Accounts get their names in many places, and what is written here no place can forget. What is inserted without
# objects (an import) writes its words itself.
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
    """Return what roles with these permissions allow together, sorted; `*` alone where one of them allows all."""
    words = {word for of_one in permissions for word in of_one}
    return ("*",) if "*" in words else tuple(sorted(words))
