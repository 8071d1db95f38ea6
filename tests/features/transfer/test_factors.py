"""Second factors move between two deployments, each with a SECRET_KEY of its own."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import URL, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from tests.conftest import MakeServices, http_client, started
from tests.features.transfer.conftest import RunImport, accounts_of, write_lines
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.factors import App, begin_sign_in, go_on, pending_token, set_up_app
from tests.support.missing import program

pytestmark = pytest.mark.both_databases

OTHER_KEY = "another-0123456789-abcdefghijklmnopqrstuvwxyz-key"
SECRET_80 = base64.b32encode(b"0123456789").decode()
SECRET_72 = base64.b32encode(b"012345678").decode()
CODE = {"digest": "A" * 43, "used": False}
CODES = {"key": "A" * 43, "codes": [CODE]}


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.sign_up()


@pytest.fixture
async def app_of_person(api: Api, services: Services, person: Person, clock: FakeClock) -> App:
    app = await set_up_app(api, services, person)
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    return app


def account(name: str, factors: Any) -> dict[str, Any]:
    return {"username": name, "email": f"{name}@example.com", "factors": factors}


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
async def test_factors_go_to_a_place_with_another_key_and_work_there(
    api: Api,
    services: Services,
    make_services: MakeServices,
    person: Person,
    app_of_person: App,
    clock: FakeClock,
    tmp_path: Path,
    other_database: Callable[[str], URL],
    kind: str,
) -> None:
    used = app_of_person.code(clock.now())
    assert (await go_on(api, await pending_token(api, person), used)).status_code == 200
    spent = app_of_person.recovery_codes[3]
    assert (await go_on(api, await pending_token(api, person), spent, "recovery_code")).status_code == 200
    url = SecretStr(other_database(kind).render_as_string(hide_password=False))
    other = make_services(database_url=url, data_dir=tmp_path, secret_key=OTHER_KEY)
    file, again = tmp_path / "first", tmp_path / "second"

    exported = await run_command(services.settings, "export", "jsonl", "--with-factors", str(file))
    await run_command(other.settings, "migrate")
    imported = await run_command(other.settings, "import", "jsonl", str(file))
    repeated = await run_command(other.settings, "import", "jsonl", str(file))
    back = await run_command(other.settings, "export", "jsonl", "--with-factors", str(again))

    assert (exported.exit_code, imported.exit_code, repeated.exit_code, back.exit_code) == (0, 0, 0, 0), imported.output
    assert "including password hashes and the secrets of second factors: keep it safe" in exported.stderr
    assert "1 of them imported with second factors" in imported.stdout
    assert "0 imported (0 without a password), 1 there already, 0 conflicts" in repeated.stdout
    assert accounts_of(file) == accounts_of(again)
    assert [code["used"] for code in accounts_of(file)[0]["factors"]["recovery_codes"]["codes"]].index(True) == 3
    async with started(other) as running, http_client(running) as client:
        there = Api(client)
        assert_problem(await go_on(there, await pending_token(there, person), used), 401, "invalid_code")
        assert_problem(
            await go_on(there, await pending_token(there, person), spent, "recovery_code"), 401, "invalid_code"
        )
        clock.advance(minutes=1)
        shown = oathtool(accounts_of(file)[0]["factors"]["totp"]["secret"], clock)
        assert (await go_on(there, await pending_token(there, person), shown)).status_code == 200
        unused = app_of_person.recovery_codes[4]
        assert (await go_on(there, await pending_token(there, person), unused, "recovery_code")).status_code == 200


def oathtool(secret: str, clock: FakeClock) -> str:
    """Return the code that another program makes of a secret."""
    now = f"--now={clock.now():%Y-%m-%d %H:%M:%S} UTC"
    command = [program("oathtool", package="oathtool"), "--totp", "--base32", now, secret]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def test_export_says_that_factors_are_not_in_it(
    api: Api, services: Services, database: Database, app_of_person: App, tmp_path: Path
) -> None:
    await api.sign_up("plain")

    result = await run_command(services.settings, "export", "jsonl", str(tmp_path / "file"))
    all_of_it = await run_command(services.settings, "export", "jsonl", "--with-factors", str(tmp_path / "all"))

    assert result.exit_code == 0
    assert "authenticator apps and recovery codes are NOT included (accounts that have some: 1)" in result.stderr
    assert "factors" not in (tmp_path / "file").read_text(encoding="utf-8")
    assert "NOT included" not in all_of_it.stderr
    assert ["factors" in line for line in accounts_of(tmp_path / "all")] == [True, False]
    async with database.read() as tx:
        found = await tx.scalars(
            select(AuditEntry.details).where(AuditEntry.event == "accounts.exported").order_by(AuditEntry.id)
        )
        assert [details["factors"] for details in found] == [
            ["passkey", "provider"], ["passkey", "totp", "recovery_code", "provider"],
        ]  # fmt: skip


async def test_export_names_whose_factors_cannot_be_opened_and_has_the_rest(
    services: Services, database: Database, person: Person, app_of_person: App, tmp_path: Path
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(TotpSecret).values(sealed_secret="AAAAAAAA.AAAA"))

    result = await run_command(services.settings, "export", "jsonl", "--with-factors", str(tmp_path / "file"))

    assert result.exit_code == 1
    assert f"SECRET_KEY does not open them: #{person.id}; see gatepost doctor" in result.stderr
    assert list(accounts_of(tmp_path / "file")[0]["factors"]) == ["recovery_codes"]


async def test_secrets_of_other_systems_come_down_to_80_bits(
    gatepost: RunImport, api: Api, database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    spaced = f"{SECRET_80[:4]} {SECRET_80[4:]}".lower()
    rows = [
        account("short", {"totp": {"secret": spaced}}),
        account("shorter", {"totp": {"secret": SECRET_72}}),
    ]

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "file", *rows))

    assert result.exit_code == 1
    refused = "line 2: factors_refused: factors.totp.secret has 72 bits, and 80 to 480 bits are accepted"
    assert refused in result.stdout
    assert SECRET_72 not in result.output
    async with database.read() as tx:
        assert list(await tx.scalars(select(User.username))) == ["short"]
        stored = (await tx.scalars(select(TotpSecret))).one()
    assert (stored.last_step, stored.confirmed_at is not None) == (0, True)
    shown = oathtool(SECRET_80, clock)
    await set_password(database, "short", api)
    pending = await begin_sign_in(api, Person(0, "short", "short@example.com", "", "", ""))
    assert (await go_on(api, pending.json()["pendingToken"], shown)).status_code == 200


async def set_password(database: Database, username: str, api: Api) -> None:
    """Give an account the password of another one, and its proof of the address."""
    other = await api.sign_up("other")
    async with database.begin() as tx:
        found = {user.username: user for user in await tx.scalars(select(User))}
        assert found["other"].id == other.id
        found[username].password_hash = found["other"].password_hash


@pytest.mark.parametrize(
    ("factors", "reason"),
    [
        ([], "factors is an object with passkeys, totp, recovery_codes"),
        ({"passkey_of_tomorrow": {}}, "there is no second factor 'passkey_of_tomorrow'"),
        ({"totp": "ABC"}, "factors.totp is an object"),
        ({"totp": {}}, "factors.totp.secret is no base32 text"),
        ({"totp": {"secret": "not base32!"}}, "factors.totp.secret is no base32 text"),
        ({"totp": {"secret": "A" * 200}}, "factors.totp.secret has 1000 bits"),
        ({"totp": {"secret": SECRET_80, "confirmed": False}}, "factors.totp.confirmed must be true or a moment"),
        ({"totp": {"secret": SECRET_80, "last_step": -1}}, "factors.totp.last_step is a whole number"),
        ({"totp": {"secret": SECRET_80, "last_step": 2**40}}, "factors.totp.last_step is a whole number"),
        ({"totp": {"secret": SECRET_80, "created_at": "soon"}}, "factors.totp.created_at is no moment"),
        ({"totp": {"secret": SECRET_80, "digits": 8}}, "factors.totp.digits is not known"),
        ({"recovery_codes": {**CODES, "key": "AAAA"}}, "factors.recovery_codes.key is no base64url text of 32 bytes"),
        ({"recovery_codes": {**CODES, "codes": []}}, "factors.recovery_codes.codes is a list of 1 to 10 objects"),
        ({"recovery_codes": {**CODES, "codes": [CODE] * 11}}, "factors.recovery_codes.codes is a list"),
        ({"recovery_codes": {**CODES, "codes": [{**CODE, "digest": "A"}]}}, "factors.recovery_codes.codes is a list"),
        ({"recovery_codes": {**CODES, "codes": [{"digest": "A" * 43}]}}, "factors.recovery_codes.codes is a list"),
        ({"recovery_codes": {**CODES, "last_used_at": 7}}, "factors.recovery_codes.last_used_at is no moment"),
    ],
)
async def test_broken_field_is_told_by_line_and_its_account_does_not_come_without_it(
    gatepost: RunImport, database: Database, tmp_path: Path, factors: Any, reason: str
) -> None:
    rows = [account("good", {"totp": {"secret": SECRET_80}, "recovery_codes": CODES}), account("bad", factors)]

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "file", *rows))

    assert result.exit_code == 1
    assert f"line 2: factors_refused: {reason}" in result.stdout
    async with database.read() as tx:
        assert list(await tx.scalars(select(User.username))) == ["good"]
        assert (await tx.scalars(select(RecoveryCodes.unused))).one() == 1


async def test_account_that_is_there_without_its_factor_is_told(
    gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    plain, full = account("abbey", None), account("abbey", {"totp": {"secret": SECRET_80}})
    assert (await gatepost("import", "jsonl", write_lines(tmp_path / "plain", plain))).exit_code == 0

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "full", full))

    assert result.exit_code == 1
    assert "line 1: factors_differ: account " in result.stdout
    assert "0 there already, 1 conflicts" in result.stdout
    async with database.read() as tx:
        assert (await tx.scalars(select(TotpSecret))).all() == []


async def test_factors_are_no_column_of_a_table(gatepost: RunImport, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("username,email,factors\nabbey,abbey@example.com,{}\n", encoding="utf-8")

    result = await gatepost("import", "csv", tmp_path / "file.csv")

    assert result.exit_code == 2
    assert "no column is called factors" in result.stderr
