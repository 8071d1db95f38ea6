"""Accounts as CSV (RFC 4180) for spreadsheets, which run some texts as formulas."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from gatepost.admin.accounts.lists import Account
from gatepost.admin.accounts.states import state_of

COLUMNS = (
    "id", "username", "email", "emailVerified", "roles", "status", "factors", "providers", "language", "createdAt",
    "lastSignInAt", "disabledAt", "eraseAt",
)  # fmt: skip
# Without it, spreadsheets do not recognise UTF-8.
BYTE_ORDER_MARK = "\ufeff"
# What starts a formula (OWASP, "CSV Injection"), in half and full width, at the start of a cell, or of what would be a
# cell with another separator than the comma.
FORMULA = re.compile(r"(^|[;,|\t\r\n])(?=[\s\"']*[=+\-@＝＋－＠])|^(?=[\t\r\n])")


async def csv_of(pages: AsyncIterator[Sequence[Account]]) -> AsyncIterator[bytes]:
    """Write a header line, then one line per account."""
    # Together with the first page, so that earlier failures are still answered as errors.
    head = BYTE_ORDER_MARK + line(COLUMNS)
    async for page in pages:
        yield (head + "".join(line(_cells(account)) for account in page)).encode()
        head = ""
    if head:
        yield head.encode()


def line(cells: Sequence[str]) -> str:
    """Return a record with quoted cells, none of which is a formula."""
    return ",".join('"' + harmless(cell).replace('"', '""') + '"' for cell in cells) + "\r\n"


def harmless(cell: str) -> str:
    """Return a cell with an apostrophe before everything that a spreadsheet could read as a formula."""
    return FORMULA.sub(r"\1'", cell)


def _cells(account: Account) -> Sequence[str]:
    user = account.user
    return (
        str(user.id),
        user.username,
        user.email,
        "true" if user.email_verified_at is not None else "false",
        " ".join(user.role_names),
        state_of(user),
        " ".join(account.factors),
        " ".join(identity.provider for identity in account.identities),
        user.language,
        *(_moment(at) for at in (user.created_at, user.last_sign_in_at, user.disabled_at, user.erase_at)),
    )


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
