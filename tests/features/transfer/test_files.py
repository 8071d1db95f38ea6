"""`gatepost import csv|jsonl` and `gatepost export jsonl`."""

import base64
import hmac
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from passlib.context import CryptContext
from pydantic import SecretStr
from sqlalchemy import URL, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import Role, SearchWord, User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.transfer import exporting
from tests.conftest import MakeSettings
from tests.features.admin.conftest import give
from tests.features.transfer.conftest import RunImport
from tests.support.api import PASSWORD, Api
from tests.support.commands import run_command
from tests.support.copies import Copy

pytestmark = pytest.mark.both_databases

DJANGO = CryptContext(["django_pbkdf2_sha256"], django_pbkdf2_sha256__rounds=1000)
PHPASS = CryptContext(["phpass"], phpass__rounds=7)
WORDPRESS = base64.b64encode(hmac.digest(b"wp-sha384", PASSWORD.encode(), "sha384"))


async def names(database: Database) -> list[str]:
    """Return the names of all accounts."""
    async with database.read() as tx:
        return list(await tx.scalars(select(User.username).order_by(User.id)))


def accounts(text: str) -> list[dict[str, Any]]:
    """Return the accounts of an export."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line["type"] == "account"]


@pytest.mark.parametrize(
    "stored",
    [
        DJANGO.hash(PASSWORD),
        PHPASS.hash(PASSWORD),
        bcrypt.hashpw(WORDPRESS, bcrypt.gensalt(4)).decode().replace("$2b$", "$wp$2y$"),
    ],
    ids=["django", "phpass", "wordpress"],
)
async def test_csv_account_signs_in_and_its_hash_is_upgraded(
    gatepost: RunImport, api: Api, database: Database, tmp_path: Path, stored: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "\ufeffusername,email,password_hash,roles,created_at,email_verified,disabled,language\r\n"
        f'Abbey Salami,heba@gmail.com,{stored},"user, moderator",2020-02-03T04:05:06Z,yes,,de\r\n'
        '"Without@ one",x@example.com,,,,,,\r\n',
        encoding="utf-8",
    )

    result = await gatepost("import", "csv", file)
    await api.sign_in("abbey salami")

    assert result.exit_code == 1, result.output
    assert "line 3: username_refused" in result.output
    async with database.read() as tx:
        user = await Users(tx).by_username("abbey salami")
    assert user is not None
    assert user.password_hash.startswith("$bcrypt-sha256$")
    assert user.role_names == ("user", "moderator")
    assert (user.language, user.disabled_at) == ("de", None)
    assert user.email_verified_at == user.created_at


async def test_imported_account_is_found_by_its_words(gatepost: RunImport, database: Database, tmp_path: Path) -> None:
    row = {"username": "Jörg Müller", "email": "j.m@mail.example.com"}
    (tmp_path / "people.jsonl").write_text(json.dumps(row))
    result = await gatepost("import", "jsonl", tmp_path / "people.jsonl")
    assert result.exit_code == 0, result.output

    async with database.read() as tx:
        words = (await tx.scalars(select(SearchWord.word).order_by(SearchWord.word))).all()
    assert words == ["com", "example.com", "j.m", "joerg", "jorg", "m", "mail.example.com", "mueller", "muller"]


async def test_password_that_cannot_be_prepared_signs_in_and_keeps_its_hash(
    gatepost: RunImport, api: Api, database: Database, tmp_path: Path
) -> None:
    typed = {"tab": "correct\thorse", "emoji": "family \U0001f468\u200d\U0001f469", "plain": "cafe\u0301 au lait"}
    hashes = {name: bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode() for name, text in typed.items()}
    rows = [{"username": name, "email": f"{name}@home.net", "password_hash": hashes[name]} for name in typed]
    (tmp_path / "people.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    result = await gatepost("import", "jsonl", tmp_path / "people.jsonl")
    assert result.exit_code == 0, result.output

    # The second time it is the hash that the first has left.
    for name in (*typed, *typed):
        await api.sign_in(name, password=typed[name])
        wrong = await api.post("/api/auth/signin", json={"username": name, "password": f"{typed[name]}x"})
        assert wrong.status_code == 401
    form = {"grant_type": "password", "username": "tab", "password": typed["tab"]}
    assert (await api.post("/api/auth/token", data=form)).status_code == 200

    async with database.read() as tx:
        now = dict((await tx.execute(select(User.username, User.password_hash))).all())
    assert (now["tab"], now["emoji"]) == (hashes["tab"], hashes["emoji"])
    assert now["plain"].startswith("$bcrypt-sha256$")
    change = {"currentPassword": typed["tab"], "newPassword": PASSWORD}
    tab = await api.sign_in("tab", password=typed["tab"])
    assert (await api.post("/api/auth/password/change", json=change, headers=tab.headers)).status_code == 204
    await api.sign_in("tab")


async def test_hashes_that_stay_are_among_those_that_a_check_costs(
    gatepost: RunImport, services: Services, tmp_path: Path
) -> None:
    rows = [
        {"username": f"press{cost}", "email": f"press{cost}@home.net",
         "password_hash": bcrypt.hashpw(b"x", bcrypt.gensalt(cost)).decode().replace("$2b$", "$wp$2y$")}
        for cost in (4, 6, 5)
    ]  # fmt: skip
    (tmp_path / "people.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    await gatepost("import", "jsonl", tmp_path / "people.jsonl")

    await services.identity.hash_survey.run()

    assert services.platform.passwords._dearest_rounds == 6


async def test_moment_is_a_date_that_is_written_out(gatepost: RunImport, database: Database, tmp_path: Path) -> None:
    good = ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31 12:00", "2026-01-31t12:00:00.5+02:00"]
    bad = [
        10,
        1.5,
        1769860800,
        "10",
        "20260131",
        "1769860800",
        "2026-01-31x12:00",
        "2026-W05-6",
        "12:00",
        "2026-02-30",
        "now",
    ]
    fields = ("created_at", "updated_at", "erase_at", "email_verified", "disabled")
    rows = [
        {"username": f"{word} {number}", "email": f"{word}{number}@home.net", **dict.fromkeys(fields, moment)}
        for word, moments in (("good", good), ("bad", bad))
        for number, moment in enumerate(moments)
    ]
    (tmp_path / "people.jsonl").write_text("\n".join(json.dumps(row) for row in rows))

    result = await gatepost("import", "jsonl", tmp_path / "people.jsonl", "--report", tmp_path / "report")

    assert result.exit_code == 1
    lines = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    refused = {(line["place"], line["code"], line["reason"].split(" ", 1)[0]) for line in lines}
    assert refused == {
        (f"line {number}", "moment_refused", field)
        for number in range(len(good) + 1, len(rows) + 1)
        for field in fields
    }
    assert await names(database) == [f"good {number}" for number in range(len(good))]


async def test_bad_lines_are_listed_by_number_and_the_others_come(
    gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    file.write_bytes(
        b'{"username": "one", "email": "one@example.com"}\n'
        b"\n"
        b'{"username": "two", \n'
        b"[1]\n"
        b'{"username": "\xff", "email": "x@example.com"}\n'
        b'{"username": "three", "email": "three@example.com", "pasword": "x"}\n'
        b'{"username": "four", "email": "four@example.com", "created_at": "yesterday"}\n'
        b'{"type": "role", "name": "NOT ONE"}\n'
        b'{"username": "five", "email": "five@example.com", "roles": []}'
    )

    result = await gatepost("import", "jsonl", file, "--report", tmp_path / "report")

    assert result.exit_code == 1
    lines = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines()]
    assert [(line["place"], line["code"]) for line in lines] == [
        ("line 3", "line_refused"),
        ("line 4", "line_refused"),
        ("line 5", "line_refused"),
        ("line 8", "role_refused"),
        ("line 6", "unknown_column"),
        ("line 7", "moment_refused"),
    ]
    assert await names(database) == ["one", "five"]


async def test_address_that_is_too_long_in_its_canonical_form_is_listed(
    gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    too_long = ("\ufdfa" * 18, "\ufdfa" * 60, "x" * 65, "ß" * 33)
    (tmp_path / "people.csv").write_text(
        "username,email\n" + "".join(f"person {number},{local}@example.com\n" for number, local in enumerate(too_long)),
        encoding="utf-8",
    )

    result = await gatepost("import", "csv", tmp_path / "people.csv")

    assert result.exit_code == 1
    assert result.output.count("email_refused: an e-mail address can have at most 64 bytes before the @") == len(
        too_long
    )
    assert await names(database) == []


async def test_bad_csv_lines_are_listed_by_number(gatepost: RunImport, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"username,email\none,one@example.com\nonly\n\xff,x@example.com\nfour,four@example.com\n")

    result = await gatepost("import", "csv", file)

    assert result.exit_code == 1
    assert "line 3: line_refused" in result.output
    assert "line 4: line_refused" in result.output
    assert await names(database) == ["one", "four"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        ("username,email\nabbey,abbey@example.com\n".encode("utf-16"), "the first line is not UTF-8; save the file as"),
    ],
)
async def test_csv_that_is_empty_or_in_another_encoding_is_told_so(
    gatepost: RunImport, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)

    result = await gatepost("import", "csv", file)

    assert result.exit_code == 2
    assert said in result.stderr


async def test_csv_without_known_columns_is_refused(gatepost: RunImport, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    for first, said in (
        ("Name,E-Mail", "username and email; no column is called e-mail, name; the columns are"),
        ("username;email", "separated by commas, including username and email; the columns are"),
        ("abbey,abbey@example.com,$2b$12$secret", "username and email; no column is called abbey; the columns are"),
    ):
        file.write_text(f"{first}\nx,y\n")

        result = await gatepost("import", "csv", file)

        assert result.exit_code == 2
        assert said in result.stderr
        assert "secret" not in result.stderr


async def test_version_that_leaves_no_room_for_acts_is_refused_and_the_greatest_that_comes_leaves_it(
    gatepost: RunImport, api: Api, database: Database, tmp_path: Path
) -> None:
    root = await api.sign_up("Root")
    await give(database, root.id, [RoleName.ADMIN])
    root = await api.sign_in("Root")
    source = tmp_path / "people.jsonl"
    versions = {"greatest": 2**30, "beyond": 2**30 + 1, "full": 2**31 - 2, "past": 2**31, "less": -1}
    rows = [
        {"username": name, "email": f"{name}@example.com", "token_version": version}
        for name, version in versions.items()
    ]
    source.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")

    result = await gatepost("import", "jsonl", source)

    assert result.exit_code == 1
    assert result.output.count(": token_version_refused") == result.output.count("from 0 to 1073741824") == 4
    assert await names(database) == ["Root", "greatest"]
    async with database.read() as tx:
        user_id = (await tx.scalars(select(User.id).where(User.username == "greatest"))).one()
    for path in ("disable", "enable", "signout"):
        answer = await api.post(f"/api/admin/users/{user_id}/{path}", headers=root.headers)
        assert answer.is_success, answer.text


@pytest.mark.mysql
@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
async def test_export_makes_the_same_accounts_elsewhere(
    gatepost: RunImport,
    make_settings: MakeSettings,
    database: Database,
    tmp_path: Path,
    other_database: Callable[[str], URL],
    kind: str,
) -> None:
    source = tmp_path / "source.jsonl"
    rows: list[dict[str, Any]] = [
        {"type": "role", "name": f"desk-{kind}", "permissions": ["orders:read"], "description": "Orders"},
        {"id": 5, "username": "Ünï 漢字", "email": "Five@example.com", "roles": [f"desk-{kind}"], "language": "de",
         "password_hash": DJANGO.hash(PASSWORD), "token_version": 3,
         "random_id": "0123456789abcdef", "created_at": "2020-01-02T03:04:05.678901+00:00",
         "updated_at": "2021-01-02T03:04:05+00:00",
         "email_verified": "2020-02-02T03:04:05+00:00", "disabled": "2022-01-02T03:04:05+00:00",
         "erase_at": "2040-01-02T03:04:05+00:00"},
        {"id": 9, "username": "nine", "email": "nine@example.com", "roles": []},
        {"id": 11, "username": "Bob@home.test", "email": "bob@home.test"},
    ]  # fmt: skip
    source.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    other = make_settings(
        database_url=SecretStr(other_database(kind).render_as_string(hide_password=False)), data_dir=tmp_path
    )
    assert (await gatepost("import", "jsonl", source)).exit_code == 0

    first = await gatepost("export", "jsonl", tmp_path / "first")
    await run_command(other, "migrate")
    moved = await run_command(other, "import", "jsonl", str(tmp_path / "first"))
    second = await run_command(other, "export", "jsonl", str(tmp_path / "second"))

    assert (first.exit_code, moved.exit_code, second.exit_code) == (0, 0, 0), moved.output
    text = (tmp_path / "first").read_text(encoding="utf-8")
    assert accounts(text) == accounts((tmp_path / "second").read_text(encoding="utf-8"))
    assert [account["id"] for account in accounts(text)] == [5, 9, 11]
    assert accounts(text)[2]["username"] == "bob@home.test"
    given = {**rows[1], "type": "account", "email": "Five@example.com"}
    assert accounts(text)[0] == given
    assert f'"name": "desk-{kind}", "description": "Orders", "permissions": ["orders:read"]' in text
    assert stat.S_IMODE((tmp_path / "first").stat().st_mode) == 0o600
    assert "password hashes" in first.output
    async with database.begin() as tx:
        role = (await tx.scalars(select(Role).where(Role.name == f"desk-{kind}"))).one()
        await tx.delete(role)


async def test_export_overwrites_no_file(gatepost: RunImport, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("something")

    result = await gatepost("export", "jsonl", tmp_path / "there")

    assert result.exit_code != 0
    assert (tmp_path / "there").read_text() == "something"


async def test_export_that_breaks_leaves_no_half_file(
    gatepost: RunImport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.jsonl").write_text('{"username": "one", "email": "one@example.com"}')
    await gatepost("import", "jsonl", tmp_path / "people.jsonl")

    def breaks(_: User) -> dict[str, Any]:
        raise ConnectionResetError

    monkeypatch.setattr(exporting, "_account", breaks)
    result = await gatepost("export", "jsonl", tmp_path / "export")

    assert result.exit_code == 1
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize("number", [2**53 - 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**64])
async def test_id_that_leaves_no_room_for_new_accounts_is_refused(
    gatepost: RunImport, tmp_path: Path, database: Database, number: int
) -> None:
    (tmp_path / "file").write_text(json.dumps({"id": number, "username": "Far", "email": "far@example.com"}))

    result = await gatepost("import", "jsonl", tmp_path / "file")

    assert result.exit_code == 1
    assert "id_refused: an id is a whole number from 1 to 9007194959773695" in " ".join(result.output.split())
    async with database.read() as tx:
        assert (await tx.scalars(select(User).where(User.username == "Far"))).all() == []


async def test_sign_up_after_the_greatest_id_has_an_account_that_works(
    api: Api, gatepost: RunImport, tmp_path: Path, database_url: URL
) -> None:
    before = Copy(database_url)
    await before.make()
    greatest = 2**53 - 1 - 2**32
    (tmp_path / "file").write_text(json.dumps({"id": greatest, "username": "Far", "email": "far@example.com"}))
    assert (await gatepost("import", "jsonl", tmp_path / "file")).exit_code == 0

    person = await api.sign_up("After")

    shown = await api.get("/api/users/me", headers=person.headers)
    await before.put_back()  # with its counters, for other tests
    await before.drop()
    assert person.id == greatest + 1
    assert shown.json()["id"] == greatest + 1
