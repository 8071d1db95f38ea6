"""Search words, filters, sort orders and cursors."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatepost.admin.accounts.errors import CursorInvalid
from gatepost.core.clock import utc
from gatepost.core.ids import LARGEST_ID
from gatepost.core.paging import read_cursor, write_cursor
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, read_email, read_username
from gatepost.identity.accounts.search_words import terms_of
from gatepost.identity.factors.enrolment import SECOND_FACTORS
from gatepost.identity.factors.methods import Method


class Status(StrEnum):
    """A filter for the state of an account; `unverified` is independent of the others."""

    ACTIVE = "active"
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    DELETING = "deleting"


class FactorFilter(StrEnum):
    """A filter for second factors: accounts with any, with none, or with one of a kind; or with an identity."""

    ANY = "any"
    NONE = "none"
    PASSKEY = "passkey"
    TOTP = "totp"
    PROVIDER = "provider"

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of which an account has at least one, or for `none` has none."""
        return SECOND_FACTORS if self in (FactorFilter.ANY, FactorFilter.NONE) else (Method(self.value),)


class Sort(StrEnum):
    """The orders of accounts, each with an index; names and addresses in their canonical form, by code point.

    People who have never signed in come before everybody who has.
    """

    ID = "id"
    ID_DOWN = "-id"
    USERNAME = "username"
    USERNAME_DOWN = "-username"
    EMAIL = "email"
    EMAIL_DOWN = "-email"
    CREATED = "createdAt"
    CREATED_DOWN = "-createdAt"
    LAST_SIGN_IN = "lastSignInAt"
    LAST_SIGN_IN_DOWN = "-lastSignInAt"

    @property
    def field(self) -> str:
        """The order without its direction."""
        return self.removeprefix("-")

    @property
    def is_down(self) -> bool:
        """Whether the order is descending."""
        return self.startswith("-")


# If several accounts have the same value, their ids decide.
MOMENTS = ("createdAt", "lastSignInAt")


@dataclass(frozen=True, slots=True)
class Search:
    """The meanings of a search: a whole user name or address in canonical form, an id (or None), and words."""

    username: str | None
    email: str | None
    user_id: int | None
    terms: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Search":
        """Parse a search, ignoring letter case, width and accents. `#302` is only an id, `302` may also be a word."""
        word = text.strip()
        if word.startswith("#") and (user_id := _id(word[1:])) is not None:
            return cls(None, None, user_id, ())
        return cls(_canonical(read_username, text), _canonical(read_email, text), _id(word), terms_of(text))


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter for accounts; all given conditions must match."""

    search: Search | None = None
    role: str | None = None
    status: Status | None = None
    factor: FactorFilter | None = None
    ids: tuple[int, ...] = ()

    @property
    def parts(self) -> list[str]:
        """The names of the conditions, without the search words, which may be a person's name."""
        given = {
            "search": self.search, "role": self.role, "status": self.status, "factor": self.factor, "id": self.ids,
        }  # fmt: skip
        return [name for name, value in given.items() if value]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last account of a page: its sort value and its id."""

    sort: Sort
    value: int | str | datetime | None
    user_id: int

    @classmethod
    def at(cls, user: User, sort: Sort) -> "Cursor":
        """Return the position after an account."""
        match sort.field:
            case "username":
                return cls(sort, user.username_canonical, user.id)
            case "email":
                return cls(sort, user.email_canonical, user.id)
            case "createdAt":
                return cls(sort, user.created_at, user.id)
            case "lastSignInAt":
                return cls(sort, user.last_sign_in_at, user.id)
            case _:
                return cls(sort, user.id, user.id)

    @classmethod
    def read(cls, text: str, sort: Sort) -> "Cursor":
        """Parse a cursor from `write`.

        Raises:
            CursorInvalid: it is not a cursor, or belongs to another order.
        """
        try:
            written, value, user_id = read_cursor(text)
            is_moment = sort.field in MOMENTS and value is not None
            cursor = cls(sort, utc(datetime.fromisoformat(value)) if is_moment else value, user_id)
        except (ValueError, TypeError) as error:
            raise CursorInvalid from error
        if written != sort.value or not cursor._is_sound():
            raise CursorInvalid
        return cursor

    def write(self) -> str:
        """Return the cursor as text for a URL."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        return write_cursor([self.sort.value, value, self.user_id])

    def _is_sound(self) -> bool:
        if type(self.user_id) is not int or not 0 <= self.user_id <= LARGEST_ID:
            return False
        match self.sort.field:
            case "id":
                return self.value == self.user_id and type(self.value) is int
            case "lastSignInAt" if self.value is None:
                return True
            case "createdAt" | "lastSignInAt":
                return isinstance(self.value, datetime) and self.value.tzinfo is not None
            case _:
                return isinstance(self.value, str) and _is_text(self.value)


def _canonical(read: Callable[[str], Name], text: str) -> str | None:
    try:
        return read(text).canonical
    except ValueError:
        return None


def _id(word: str) -> int | None:
    if not (word.isascii() and word.isdecimal() and len(word) <= len(str(LARGEST_ID))):
        return None
    number = int(word)
    return number if number <= LARGEST_ID else None


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in word
