"""Compares accounts to import with existing ones: each is new, exists already, or conflicts with another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatepost.core.crypto.passwords import OURS_PREFIX
from gatepost.identity.accounts.errors import RolesTooLong
from gatepost.identity.accounts.models import Role, User
from gatepost.identity.accounts.rights import MOST_BYTES, size_of
from gatepost.transfer.marks import CODES, Mark
from gatepost.transfer.records import Conflict, Row


@dataclass(slots=True)
class Findings:
    """The result of comparing a batch with the existing accounts."""

    new: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    # Rows that exist already, with their account.
    same: list[tuple[Row, User]] = field(default_factory=list)

    def refuse_unfit(self, roles: Mapping[str, Role]) -> None:
        """Refuse new accounts whose roles do not exist, or are together too long for an access token."""
        fit: list[Row] = []
        for row in self.new:
            if missing := [name for name in row.roles if name not in roles]:
                self.conflicts.append(row.conflict("role_refused", f"there is no role {missing[0]} that it could get"))
            elif size_of(roles[name] for name in row.roles) > MOST_BYTES:
                self.conflicts.append(row.conflict(RolesTooLong.code, RolesTooLong.message))
            else:
                fit.append(row)
                continue
            self.refused.append(row)
        self.new = fit

    def refuse_taken(self, owners: Mapping[Mark, int]) -> None:
        """Refuse new accounts with a passkey, user handle or identity of another account."""
        fit: list[Row] = []
        for row in self.new:
            taken = [mark for mark in row.factors.marks if mark in owners]
            if not taken:
                fit.append(row)
                continue
            what, _ = taken[0]
            self.refused.append(row)
            reason = f"account {owners[taken[0]]} here has this {what}"
            self.conflicts.append(row.conflict(f"{CODES[what]}_taken", reason))
        self.new = fit


def compare(batch: Sequence[Row], there: Sequence[User]) -> Findings:
    """Find out which rows are new, which exist already, and which conflict with another account."""
    by_id = {user.id: user for user in there}
    by_username = {user.username_canonical: user for user in there}
    by_email = {user.email_canonical: user for user in there}
    findings = Findings()
    for row in batch:
        if row.username is None or row.email is None:
            raise AssertionError("a row without a name was not imported")
        same_name, same_email = by_username.get(row.username.canonical), by_email.get(row.email.canonical)
        same_id = by_id.get(row.id) if row.id is not None else same_name
        reasons: list[Conflict] = []
        if same_id is not None and _is_account(row, same_id, others=(same_name, same_email)):
            if not _is_same(row, same_id):
                reasons = [row.conflict("changed_since", "it was imported before, and has changed in the source since")]
            else:
                findings.same.append((row, same_id))
        else:
            if row.id is not None and same_id is not None:
                reasons.append(row.conflict("id_taken", "another account here has this id"))
            if same_name is not None:
                reasons.append(row.conflict("username_taken", f"account {same_name.id} here has this user name"))
            if same_email is not None:
                reasons.append(row.conflict("email_taken", f"account {same_email.id} here has this e-mail address"))
            if not reasons:
                findings.new.append(row)
        if reasons:
            findings.refused.append(row)
            findings.conflicts += reasons
    return findings


def _is_account(row: Row, user: User, *, others: tuple[User | None, User | None]) -> bool:
    """Whether the account was imported from this row. If id and `created_at` match, one of its names may differ."""
    if all(other is user for other in others):
        return True
    return (
        row.id is not None
        and row.created_at == user.created_at
        and any(other is user for other in others)
        and all(other in (None, user) for other in others)
    )


def _is_same(row: Row, user: User) -> bool:
    """Whether the account is as imported, or was changed only here since: a sign-in, say, replaced an old hash."""
    has_same_names = (row.username and row.username.canonical, row.email and row.email.canonical) == (
        user.username_canonical,
        user.email_canonical,
    )
    if has_same_names and row.password_hash == user.password_hash:
        return True
    if row.updated_at is not None:
        return user.updated_at > row.updated_at
    is_upgraded = user.password_hash.startswith(OURS_PREFIX) and not row.password_hash.startswith(OURS_PREFIX)
    return has_same_names and is_upgraded
