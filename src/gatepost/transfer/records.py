"""An account to import: the checked values of a row of another system, or the reasons why it cannot be imported."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from gatepost.admin.accounts.schemas import can_be_role_name
from gatepost.core.crypto.passwords import UNUSABLE_HASH, UnknownHashError, require_known_hash
from gatepost.core.ids import LARGEST_IMPORTED_ID
from gatepost.identity.accounts.names import (
    Name,
    fold_spaces,
    is_address,
    is_reserved,
    parse_existing_email,
    parse_wanted_name,
    settle_name,
)
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.tokens.principal import RANDOM_TEXT
from gatepost.mail.languages import SUPPORTED
from gatepost.transfer.factors import MovedFactors, read_factors
from gatepost.transfer.fields import FactorRefused
from gatepost.transfer.values import read_moment, read_whole

LONGEST_HASH = 255
# Each event that revokes access tokens adds one. The column's maximum is 2^31 - 1, after which all such events fail.
LARGEST_TOKEN_VERSION = 2**30
COLUMNS = frozenset(
    {
        "id", "username", "email", "password_hash", "roles", "created_at", "updated_at", "email_verified", "disabled",
        "erase_at", "language", "token_version", "random_id",
    }
)  # fmt: skip
# An object, which a CSV cell cannot contain.
FACTORS = "factors"


class Kind(StrEnum):
    """What a sign-up would refuse or store differently; the value says what an import does with it."""

    OWN_ADDRESS = "user names that are the account's own address: accepted, and they change with the address"
    SPACES = "user names with surrounding or repeated spaces: normalised, and both spellings can sign in"
    RESERVED = "addresses under a domain such as .test: accepted, but no mail arrives there"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that was not imported, and why; `place` is its position in the source."""

    code: str
    place: str
    reason: str
    id: int | None = None
    username: str | None = None
    email: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for the report, which contains no hashes."""
        return asdict(self)


@dataclass(slots=True)
class Row:
    """One account of the source. Values that could not be read are missing, and `complaints` say why."""

    place: str
    said: dict[str, Any]
    id: int | None = None
    username: Name | None = None
    email: Name | None = None
    password_hash: str = field(default=UNUSABLE_HASH, repr=False)
    roles: list[str] = field(default_factory=list)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    email_verified_at: datetime | None = None
    disabled_at: datetime | None = None
    erase_at: datetime | None = None
    language: str = ""
    token_version: int = 0
    random_id: str | None = None
    factors: MovedFactors = field(default_factory=MovedFactors)
    kinds: list[Kind] = field(default_factory=list)
    complaints: list[Conflict] = field(default_factory=list)

    @property
    def first_verified_at(self) -> datetime | None:
        """When its address was verified for the first time: before an authenticator app, if it has one."""
        totp = self.factors.totp
        return self.email_verified_at or (totp.confirmed_at if totp is not None else None)

    @classmethod
    def read(cls, values: Mapping[str, Any], *, place: str, now: datetime) -> Self:
        """Check the values of a row, given by column name."""
        said = {name: _shown(values.get(name)) for name in ("username", "email")}
        row = cls(place, said)
        for name in sorted(set(values) - COLUMNS - {FACTORS}):
            row.complain("unknown_column", f"there is no column {name[:64]!r}")
        row._read_names(values)
        row._read_hash(values.get("password_hash"))
        row._read_roles(values.get("roles"))
        row.created_at = row._moment(values, "created_at")
        row.updated_at = row._moment(values, "updated_at")
        row.erase_at = row._moment(values, "erase_at")
        row.email_verified_at = row._moment_or_flag(values, "email_verified", row.created_at or now)
        row.disabled_at = row._moment_or_flag(values, "disabled", now)
        row._read_rest(values)
        try:
            row.factors = read_factors(values.get(FACTORS), now=now)
        except FactorRefused as error:
            row.complain("factors_refused", str(error))
        return row

    def complain(self, code: str, reason: str) -> None:
        """Add a reason why this row cannot be imported."""
        self.complaints.append(self.conflict(code, reason))

    def conflict(self, code: str, reason: str) -> Conflict:
        """Return a conflict of this row for the report."""
        return Conflict(code, self.place, reason, id=self.id, **self.said)

    def _read_names(self, values: Mapping[str, Any]) -> None:
        number = values.get("id")
        if number not in (None, ""):
            self.id = read_whole(number)
            if self.id is None or not 0 < self.id <= LARGEST_IMPORTED_ID:
                self.id = None
                self.complain("id_refused", f"an id is a whole number from 1 to {LARGEST_IMPORTED_ID}")
        wanted = self._read_name(values, "username", parse_wanted_name)
        self.email = self._read_name(values, "email", parse_existing_email)
        if self.email is not None and is_reserved(self.email):
            self.kinds.append(Kind.RESERVED)
        if wanted is None or not is_address(wanted):
            self.username = wanted
            if wanted is not None and values["username"] != fold_spaces(values["username"]):
                self.kinds.append(Kind.SPACES)
        elif self.email is not None:
            try:
                self.username = settle_name(wanted, email=self.email)
                self.kinds.append(Kind.OWN_ADDRESS)
            except ValueError as error:
                self.complain("username_is_address", str(error))

    def _read_name(self, values: Mapping[str, Any], name: str, parse: Callable[[str], Name]) -> Name | None:
        text = values.get(name)
        if not isinstance(text, str) or not text:
            self.complain(f"{name}_refused", f"the {name} is missing")
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.complain(f"{name}_refused", str(error))
            return None

    def _read_hash(self, stored: object) -> None:
        if stored in (None, "", UNUSABLE_HASH):
            return
        if not isinstance(stored, str) or len(stored) > LONGEST_HASH:
            self.complain("hash_refused", "the format of the password hash is not supported")
            return
        try:
            require_known_hash(stored)
        except UnknownHashError as error:
            self.complain("hash_refused", str(error))
        else:
            self.password_hash = stored

    def _read_roles(self, roles: object) -> None:
        if roles is None or roles == "":
            self.roles = [RoleName.USER.value]
            return
        names = re.split(r"[\s,;|]+", roles.strip()) if isinstance(roles, str) else roles
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self.complain("role_refused", "roles must be a list of names")
            return
        self.roles = sorted(set(names))
        for name in self.roles:
            if not can_be_role_name(name):
                self.complain("role_refused", f"{name[:64]!r} is not a valid role name")

    def _read_rest(self, values: Mapping[str, Any]) -> None:
        language = values.get("language")
        if language not in (None, ""):
            if language in SUPPORTED:
                self.language = str(language)
            else:
                self.complain("language_refused", f"the language must be one of {', '.join(SUPPORTED)}")
        version = values.get("token_version")
        if version not in (None, ""):
            number = read_whole(version)
            if number is None or not 0 <= number <= LARGEST_TOKEN_VERSION:
                reason = f"a token_version is a whole number from 0 to {LARGEST_TOKEN_VERSION}"
                self.complain("token_version_refused", reason)
            else:
                self.token_version = number
        random_id = values.get("random_id")
        if random_id not in (None, ""):
            if isinstance(random_id, str) and RANDOM_TEXT.fullmatch(random_id):
                self.random_id = random_id
            else:
                self.complain("random_id_refused", "a random_id has 16 hexadecimal digits, as an export writes it")

    def _moment(self, values: Mapping[str, Any], name: str) -> datetime | None:
        value = values.get(name)
        if value in (None, ""):
            return None
        moment = read_moment(value)
        if moment is None:
            self.complain("moment_refused", f"{name} is no moment such as 2026-01-31T12:00:00Z, nor a date")
        return moment

    def _moment_or_flag(self, values: Mapping[str, Any], name: str, at: datetime) -> datetime | None:
        value = values.get(name)
        match value.lower() if isinstance(value, str) else value:
            case None | "" | False | "false" | "0" | "no":
                return None
            case True | "true" | "1" | "yes":
                return at
            case _:
                return self._moment(values, name)


def describe_twice(rows: Iterable[tuple[str, int | None]]) -> str:
    """Name rows that share a value that must be unique."""
    return ", ".join(f"{place} (id {number})" if number is not None else place for place, number in rows)


def _shown(value: object) -> str | None:
    return None if value is None else str(value)[:320]
