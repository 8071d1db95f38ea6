"""What to look for in which order: the search words, the filters, and the place where a page begins."""

import base64
import binascii
import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatepost.accounts.models import User
from gatepost.accounts.names import read_email, read_username
from gatepost.admin.errors import CursorUnusable
from gatepost.core.clock import utc
from gatepost.core.ids import LARGEST_ID


class Status(StrEnum):
    """What state an account is in; `unverified` says nothing of the others."""

    ACTIVE = "active"
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    DELETING = "deleting"


class Sort(StrEnum):
    """The orders of accounts, each with an index; names and addresses in their canonical form, by code point."""

    ID = "id"
    ID_DOWN = "-id"
    USERNAME = "username"
    USERNAME_DOWN = "-username"
    EMAIL = "email"
    EMAIL_DOWN = "-email"
    CREATED = "createdAt"
    CREATED_DOWN = "-createdAt"

    @property
    def field(self) -> str:
        """The order without its direction."""
        return self.removeprefix("-")

    @property
    def is_down(self) -> bool:
        """Whether the greatest comes first."""
        return self.startswith("-")


@dataclass(frozen=True, slots=True)
class Search:
    """The beginnings that a search word can be, in canonical form, and the id that it can be; None where it cannot."""

    username: str | None
    email: str | None
    user_id: int | None

    @classmethod
    def of(cls, text: str) -> "Search":
        """Read a search word; case and width do not matter, and no character has a meaning of its own."""
        return cls(_username(text), _email(text), _id(text))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which accounts are wanted: all that fit everything that is given."""

    search: Search | None = None
    role: str | None = None
    status: Status | None = None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last account of a page, by what the page is sorted by, and its id."""

    sort: Sort
    value: int | str | datetime
    user_id: int

    @classmethod
    def at(cls, user: User, sort: Sort) -> "Cursor":
        """Return the place just after an account."""
        match sort.field:
            case "username":
                return cls(sort, user.username_canonical, user.id)
            case "email":
                return cls(sort, user.email_canonical, user.id)
            case "createdAt":
                return cls(sort, user.created_at, user.id)
            case _:
                return cls(sort, user.id, user.id)

    @classmethod
    def read(cls, text: str, sort: Sort) -> "Cursor":
        """Read what `write` wrote.

        Raises:
            CursorUnusable: it is none, or of another order.
        """
        try:
            written, value, user_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            is_moment = sort.field == "createdAt"
            cursor = cls(sort, utc(datetime.fromisoformat(value)) if is_moment else value, user_id)
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise CursorUnusable from error
        if written != sort.value or not cursor._is_sound():
            raise CursorUnusable
        return cursor

    def write(self) -> str:
        """Return it as text for a URL."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = json.dumps([self.sort.value, value, self.user_id], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _is_sound(self) -> bool:
        if type(self.user_id) is not int or not 0 <= self.user_id <= LARGEST_ID:
            return False
        match self.sort.field:
            case "id":
                return self.value == self.user_id and type(self.value) is int
            case "createdAt":
                return isinstance(self.value, datetime) and self.value.tzinfo is not None
            case _:
                return isinstance(self.value, str) and _is_text(self.value)


def _username(text: str) -> str | None:
    try:
        return read_username(text).canonical
    except ValueError:
        return None


def _email(text: str) -> str | None:
    word = text.strip()
    if not word or " " in word or not _is_text(word):
        return None
    try:
        return read_email(word).canonical
    except ValueError:
        pass  # the beginning of an address is none yet
    local, at, domain = word.partition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", local).casefold())
    return f"{local}{at}{unicodedata.normalize('NFKC', domain).lower()}"


def _id(text: str) -> int | None:
    word = text.strip()
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
