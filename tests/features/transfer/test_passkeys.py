"""Passkeys move between two deployments: in every export, since they hold no secret."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sqlalchemy import URL, select

from gatepost.cli.doctor import passkeys_of_other_domains
from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import encode
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import Passkey, UserHandle
from tests.conftest import MakeServices, http_client, started
from tests.features.transfer.conftest import RunImport, accounts_of, write_lines
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.factors import begin_sign_in, set_up_app
from tests.support.passkeys import Browser, add_passkey, ask, go_on_with, pass_time, prove_with, sign_in_with
from tests.unit.passkeys.authenticator import AAGUID, cose_of

pytestmark = pytest.mark.both_databases

OTHER_KEY = "another-0123456789-abcdefghijklmnopqrstuvwxyz-key"
KEY = ec.derive_private_key(9, ec.SECP256R1())
HANDLE = b"\x07" * 32
CREDENTIAL: dict[str, Any] = {
    "id": encode(b"\x09" * 32),
    "public_key": encode(cose_of(KEY)),
    "rp_id": "localhost",
    "sign_count": 0,
    "backup_eligible": False,
    "backup_state": False,
}
# A compressed point, which our own check of keys refuses and others accept.
UNREADABLE = encode(b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + b"\x01" * 32 + b"\x22\xf5")


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.sign_up()


@pytest.fixture
async def browser(api: Api, services: Services, person: Person, clock: FakeClock) -> Browser:
    """Return their browser, with a passkey that counts."""
    found = Browser.new()
    found.sign_count = 4
    await add_passkey(api, services, person, found)
    await pass_time(services, clock, minutes=1)
    return found


@pytest.fixture
async def elsewhere(
    make_services: MakeServices, other_database: Callable[[str], URL], tmp_path: Path, request: pytest.FixtureRequest
) -> Services:
    """Return another place, with a database and a SECRET_KEY of its own."""
    url = SecretStr(other_database(getattr(request, "param", "sqlite")).render_as_string(hide_password=False))
    other = make_services(database_url=url, data_dir=tmp_path, secret_key=OTHER_KEY)
    assert (await run_command(other.settings, "migrate")).exit_code == 0
    return other


def account(name: str, *credentials: Any, handle: bytes = HANDLE, **more: Any) -> dict[str, Any]:
    passkeys = {"user_handle": encode(handle), "credentials": list(credentials)}
    return {"username": name, "email": f"{name}@example.com", "factors": {"passkeys": passkeys}} | more


def another(place: int, **changes: Any) -> dict[str, Any]:
    return CREDENTIAL | {"id": encode(bytes([place]) * 20)} | changes


@pytest.mark.parametrize("elsewhere", ["sqlite", "mysql"], indirect=True)
async def test_passkey_signs_in_at_the_new_place(
    api: Api, services: Services, elsewhere: Services, person: Person, browser: Browser, tmp_path: Path
) -> None:
    assert (await sign_in_with(api, browser)).status_code == 200
    file, again = tmp_path / "first", tmp_path / "second"

    exported = await run_command(services.settings, "export", "jsonl", str(file))
    imported = await run_command(elsewhere.settings, "import", "jsonl", str(file))
    repeated = await run_command(elsewhere.settings, "import", "jsonl", str(file))
    back = await run_command(elsewhere.settings, "export", "jsonl", str(again))

    assert (exported.exit_code, imported.exit_code, repeated.exit_code, back.exit_code) == (0, 0, 0, 0), imported.output
    assert "1 of them imported with second factors" in imported.stdout
    assert "another domain" not in imported.stdout
    assert "0 imported (0 without a password), 1 there already, 0 conflicts" in repeated.stdout
    assert accounts_of(file) == accounts_of(again)
    factors = accounts_of(file)[0]["factors"]
    assert list(factors) == ["passkeys"]
    [credential] = factors["passkeys"]["credentials"]
    assert (credential["name"], credential["rp_id"], credential["sign_count"]) == ("Phone", "localhost", 5)
    assert (credential["aaguid"], credential["backup_eligible"]) == (str(UUID(bytes=AAGUID)), False)
    async with started(elsewhere) as running, http_client(running) as client:
        there = Api(client)
        waiting = assert_problem(await begin_sign_in(there, person), 401, "second_factor_required")
        options = await ask(there, waiting["pendingToken"])
        credential = browser.get(options["publicKey"])
        assert (await go_on_with(there, waiting["pendingToken"], options, credential)).status_code == 200
        assert (await sign_in_with(there, browser)).status_code == 200
        browser.sign_count = 2
        assert_problem(await sign_in_with(there, browser), 401, "passkey_invalid")


async def test_secrets_beside_a_passkey_stay_behind_unless_they_are_asked_for(
    api: Api, services: Services, person: Person, browser: Browser, tmp_path: Path
) -> None:
    plain = await run_command(services.settings, "export", "jsonl", str(tmp_path / "plain"))
    full = await run_command(services.settings, "export", "jsonl", "--with-factors", str(tmp_path / "full"))

    assert "recovery codes are NOT included (accounts that have some: 1)" in plain.stderr
    assert "those without a passkey sign in with the password alone" in plain.stderr
    assert list(accounts_of(tmp_path / "plain")[0]["factors"]) == ["passkeys"]
    assert "NOT included" not in full.stderr
    assert list(accounts_of(tmp_path / "full")[0]["factors"]) == ["passkeys", "recovery_codes"]


async def test_account_may_come_with_passkeys_and_no_password(
    api: Api, database: Database, gatepost: RunImport, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "file", account("abbey", CREDENTIAL, email_verified=True))

    result = await gatepost("import", "jsonl", file)

    assert (result.exit_code, "1 imported (1 without a password)" in result.stdout) == (0, True), result.output
    browser = Browser.new()
    browser.authenticator.key, browser.handle = KEY, HANDLE
    assert (await sign_in_with(api, browser)).status_code == 200
    async with database.read() as tx:
        stored = (await tx.scalars(select(Passkey))).one()
    assert (stored.name, stored.transports, stored.aaguid, stored.last_used_at is not None) == (
        "Passkey", [], bytes(16), True,
    )  # fmt: skip


@pytest.mark.parametrize("handle", [b"\x07", b"4711", b"\xff" * 64], ids=len)
async def test_user_handle_of_another_system_has_any_length(
    api: Api, services: Services, gatepost: RunImport, tmp_path: Path, handle: bytes
) -> None:
    row = account("abbey", CREDENTIAL, handle=handle, email_verified=True)
    assert (await gatepost("import", "jsonl", write_lines(tmp_path / "file", row))).exit_code == 0
    browser = Browser.new()
    browser.authenticator.key, browser.handle = KEY, handle

    signed_in = await sign_in_with(api, browser)

    assert signed_in.status_code == 200, signed_in.text
    headers = bearer(signed_in.json()["accessToken"])
    begun = await api.post("/api/users/me/passkeys/options", headers=headers)
    assert begun.json()["publicKey"]["user"]["id"] == encode(handle)
    exported = await run_command(services.settings, "export", "jsonl", str(tmp_path / "export"))
    assert exported.exit_code == 0
    assert accounts_of(tmp_path / "export")[0]["factors"]["passkeys"]["user_handle"] == encode(handle)
    browser.handle = handle[:-1] + b"\x00"
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")


async def test_passkey_of_another_domain_comes_and_is_told(
    services: Services, gatepost: RunImport, tmp_path: Path
) -> None:
    rows = [
        account("abbey", CREDENTIAL, another(1, rp_id="former.example.com")),
        account("grace", another(2, rp_id="former.example.com"), handle=b"\x08" * 32),
    ]
    file = write_lines(tmp_path / "file", *rows)

    tried = await gatepost("import", "jsonl", "--dry-run", file)
    result = await gatepost("import", "jsonl", file)

    told = "passkeys {}imported that were made for another domain, and that nobody can use here: 2; see gatepost doctor"
    assert told.format("would be ") in tried.stdout
    assert (result.exit_code, told.format("") in result.stdout) == (0, True)
    [finding] = [finding async for finding in passkeys_of_other_domains(services)]
    assert "nobody can use here: 2;" in finding.text


BROKEN = [
    ([], "factors.passkeys is an object"),
    ({"credentials": [CREDENTIAL]}, "factors.passkeys.user_handle is no base64url text of 1 to 64"),
    (
        {"user_handle": encode(b"\x07" * 65), "credentials": [CREDENTIAL]},
        "factors.passkeys.user_handle is no base64url",
    ),
    ({"user_handle": encode(HANDLE)}, "factors.passkeys.credentials is a list of 1 to 20 passkeys"),
    ({"user_handle": encode(HANDLE), "credentials": []}, "factors.passkeys.credentials is a list of 1 to 20 passkeys"),
    ({"user_handle": encode(HANDLE), "credentials": [7]}, "factors.passkeys.credentials[0] is an object"),
    ({"user_handle": encode(HANDLE), "credentials": [CREDENTIAL] * 2}, "factors.passkeys.credentials has the same id"),
    (
        {"user_handle": encode(HANDLE), "credentials": [another(place) for place in range(21)]},
        "factors.passkeys.credentials is a list of 1 to 20 passkeys",
    ),
    ({"user_handle": encode(HANDLE), "credentials": [CREDENTIAL], "pin": 1}, "factors.passkeys.pin is not known"),
]
BROKEN_FIELDS = [
    ({"id": ""}, "id is no base64url text of 1 to 1023 bytes"),
    ({"id": encode(bytes(1024))}, "id is no base64url text of 1 to 1023 bytes"),
    ({"id": CREDENTIAL["id"] + "="}, "id is no base64url text"),
    ({"public_key": None}, "public_key is no base64url text of a COSE key"),
    ({"public_key": "a key"}, "public_key is no base64url text of a COSE key"),
    ({"public_key": UNREADABLE}, "public_key is no base64url text of a COSE key"),
    ({"rp_id": 7}, "rp_id is no domain"),
    ({"rp_id": ""}, "rp_id is no domain"),
    ({"rp_id": "a" * 254}, "rp_id is no domain"),
    ({"rp_id": "b\u00fccher.example"}, "rp_id is no domain"),
    ({"sign_count": -1}, "sign_count is a whole number from 0 to 4294967295"),
    ({"sign_count": 2**32}, "sign_count is a whole number from 0 to 4294967295"),
    ({"sign_count": "many"}, "sign_count is a whole number from 0 to 4294967295"),
    ({"backup_eligible": 1}, "backup_eligible must be true or false"),
    ({"backup_state": None}, "backup_state must be true or false"),
    ({"backup_state": True}, "backup_state is true only where backup_eligible is"),
    ({"aaguid": "0000"}, "aaguid is no UUID"),
    ({"aaguid": 7}, "aaguid is no UUID"),
    ({"transports": "usb"}, "transports is no list of texts"),
    ({"transports": ["U S B"]}, "transports is no list of texts"),
    ({"name": ""}, "name is no line of 1 to 64 characters"),
    ({"name": "a" * 65}, "name is no line of 1 to 64 characters"),
    ({"name": "two\nlines"}, "name is no line of 1 to 64 characters"),
    ({"created_at": "soon"}, "created_at is no moment"),
    ({"last_used_at": 7}, "last_used_at is no moment"),
    ({"private_key": "AAAA"}, "private_key is not known"),
]


@pytest.mark.parametrize(
    ("passkeys", "reason"),
    [
        *BROKEN,
        *(
            (
                {"user_handle": encode(HANDLE), "credentials": [another(3), another(4, **change)]},
                f"factors.passkeys.credentials[1].{reason}",
            )
            for change, reason in BROKEN_FIELDS
        ),
    ],
)
async def test_broken_passkey_is_told_by_line_and_nothing_of_its_account_comes(
    gatepost: RunImport, database: Database, tmp_path: Path, passkeys: Any, reason: str
) -> None:
    rows = [account("good", another(1), handle=b"\x01" * 32), account("bad") | {"factors": {"passkeys": passkeys}}]

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "file", *rows))

    assert result.exit_code == 1
    assert f"line 2: factors_refused: {reason}" in result.stdout
    async with database.read() as tx:
        assert list(await tx.scalars(select(User.username))) == ["good"]
        assert list(await tx.scalars(select(Passkey.credential_id))) == [bytes([1]) * 20]
        assert list(await tx.scalars(select(UserHandle.handle))) == [b"\x01" * 32]


@pytest.mark.parametrize("is_dry", [True, False])
async def test_what_another_account_has_is_told_by_line(
    gatepost: RunImport,
    database: Database,
    services: Services,
    person: Person,
    browser: Browser,
    tmp_path: Path,
    is_dry: bool,
) -> None:
    rows = [
        account("thief", CREDENTIAL, another(1)),
        account("twin", another(2), handle=browser.handle),
        account("good", another(3), handle=b"\x01" * 32),
    ]

    result = await gatepost(
        "import", "jsonl", *(["--dry-run"] if is_dry else []), write_lines(tmp_path / "file", *rows)
    )

    assert result.exit_code == 1
    assert f"line 1: passkey_taken: account {person.id} here has this passkey" in result.stdout
    assert f"line 2: passkey_taken: account {person.id} here has this user handle" in result.stdout
    assert "3 accounts read, 1 " in result.stdout
    async with database.read() as tx:
        assert list(await tx.scalars(select(User.username).order_by(User.id))) == [
            person.username, *([] if is_dry else ["good"]),
        ]  # fmt: skip
        there = list(await tx.scalars(select(Passkey.credential_id).order_by(Passkey.id)))
    assert there == [browser.authenticator.credential_id, *([] if is_dry else [bytes([3]) * 20])]


async def test_what_is_in_the_source_twice_comes_for_nobody(
    gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    rows = [
        account("first", another(1), another(2), handle=b"\x01" * 32),
        account("second", another(2), handle=b"\x02" * 32),
        account("third", another(3), handle=b"\x03" * 32),
        account("fourth", another(4), handle=b"\x03" * 32),
        # What is alike here is of two kinds, and nothing that two accounts share.
        account("fifth", another(5, id=encode(b"\x06" * 32)), handle=b"\x05" * 32),
        account("sixth", another(6), handle=b"\x06" * 32),
    ]

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "file", *rows))

    assert result.exit_code == 1
    same_passkey = "passkey_twice: the same passkey is in the source more than once: line 1, line 2"
    same_handle = "passkey_twice: the same user handle is in the source more than once: line 3, line 4"
    for place, told in ((1, same_passkey), (2, same_passkey), (3, same_handle), (4, same_handle)):
        assert f"line {place}: {told}\n" in result.stdout
    async with database.read() as tx:
        assert list(await tx.scalars(select(User.username).order_by(User.id))) == ["fifth", "sixth"]


async def test_account_that_is_there_without_its_passkey_is_told(
    gatepost: RunImport, database: Database, tmp_path: Path
) -> None:
    one, two = account("abbey", another(1)), account("abbey", another(1), another(2))
    assert (await gatepost("import", "jsonl", write_lines(tmp_path / "one", one))).exit_code == 0

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "two", two))
    same = await gatepost("import", "jsonl", tmp_path / "one")

    assert (result.exit_code, same.exit_code) == (1, 0)
    assert "line 1: factors_differ: account " in result.stdout
    async with database.read() as tx:
        assert list(await tx.scalars(select(Passkey.credential_id))) == [bytes([1]) * 20]


async def test_longest_passkeys_come_and_as_many_as_an_account_may_have(
    gatepost: RunImport, services: Services, tmp_path: Path
) -> None:
    longest = [another(place, id=encode(bytes([place]) * 1023), name="n" * 64) for place in range(20)]
    rows = [account("abbey", *longest, password_hash=None)]

    result = await gatepost("import", "jsonl", write_lines(tmp_path / "file", *rows))
    back = await run_command(services.settings, "export", "jsonl", str(tmp_path / "back"))

    assert (result.exit_code, back.exit_code) == (0, 0), result.output
    found = accounts_of(tmp_path / "back")[0]["factors"]["passkeys"]["credentials"]
    assert [passkey["id"] for passkey in found] == [passkey["id"] for passkey in longest]


async def test_passkey_comes_with_the_app_and_the_codes_of_its_account(
    api: Api, services: Services, elsewhere: Services, person: Person, browser: Browser, tmp_path: Path
) -> None:
    await set_up_app(api, services, await prove_with(api, person, browser))
    file, again = tmp_path / "first", tmp_path / "second"

    assert (await run_command(services.settings, "export", "jsonl", "--with-factors", str(file))).exit_code == 0
    assert (await run_command(elsewhere.settings, "import", "jsonl", str(file))).exit_code == 0
    assert (await run_command(elsewhere.settings, "export", "jsonl", "--with-factors", str(again))).exit_code == 0

    assert list(accounts_of(file)[0]["factors"]) == ["passkeys", "totp", "recovery_codes"]
    assert accounts_of(again) == accounts_of(file)
