"""Password hashes of an earlier system, hashes of another cost, and hashes that are none."""

import asyncio
import re

import bcrypt
import pytest
from passlib.context import CryptContext
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials import hash_survey
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem

PBKDF2 = CryptContext(["django_pbkdf2_sha256"], django_pbkdf2_sha256__rounds=1000).hash("somebody's")


def legacy_hash(prefix: str) -> str:
    """Return the password as bcrypt hashes of other programs have it."""
    text = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode("ascii")
    return prefix + text[len("$2b$") :]


async def store(database: Database, user_id: int, password_hash: str) -> None:
    """Put a hash into an account."""
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


async def stored(database: Database, user_id: int) -> str:
    """Return the hash of an account."""
    async with database.read() as tx:
        return (await tx.scalars(select(User.password_hash).where(User.id == user_id))).one()


async def upgrades(database: Database) -> int:
    """Count the upgrades that the audit log has."""
    query = select(func.count()).select_from(AuditEntry).where(AuditEntry.event == "password.rehashed")
    async with database.read() as tx:
        return await tx.scalar(query) or 0


@pytest.mark.both_databases
@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
async def test_bcrypt_hash_is_upgraded_at_the_first_sign_in(api: Api, database: Database, prefix: str) -> None:
    person = await api.sign_up()
    await store(database, person.id, legacy_hash(prefix))

    assert (await api.sign_in()).id == person.id

    upgraded = await stored(database, person.id)
    assert upgraded.startswith("$bcrypt-sha256$")
    assert await upgrades(database) == 1
    assert (await api.sign_in()).id == person.id
    assert await stored(database, person.id) == upgraded
    assert await upgrades(database) == 1


async def test_wrong_password_leaves_a_bcrypt_hash_alone(api: Api, database: Database) -> None:
    person = await api.sign_up()
    old = legacy_hash("$2y$")
    await store(database, person.id, old)

    answer = await api.post("/api/auth/signin", json={"username": person.username, "password": "wrong horse"})

    assert_problem(answer, 401, "invalid_credentials")
    assert await stored(database, person.id) == old


@pytest.mark.both_databases
async def test_two_first_sign_ins_at_once_both_succeed(api: Api, database: Database) -> None:
    person = await api.sign_up()
    await store(database, person.id, legacy_hash("$2b$"))

    first, second = await asyncio.gather(api.sign_in(), api.sign_in())

    assert first.id == second.id == person.id
    assert first.refresh_token != second.refresh_token
    assert await upgrades(database) == 1


async def test_another_cost_reaches_an_account_at_its_next_sign_in(
    api: Api, make_services: MakeServices, database: Database
) -> None:
    person = await api.sign_up()
    assert ",r=4$" in await stored(database, person.id)

    async with started(make_services(bcrypt_rounds=5)) as app, http_client(app) as client:
        await Api(client).sign_in()

    assert ",r=5$" in await stored(database, person.id)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "!",
        "correct horse",
        "$2b$12$short",
        "$2b$99$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcde",
        "$bcrypt-sha256$v=2,t=2b,r=4$short",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
        "пароль",
    ],
)
async def test_stored_hash_that_is_none_fits_no_password(api: Api, database: Database, broken: str) -> None:
    person = await api.sign_up()
    await store(database, person.id, broken)

    for password in (PASSWORD, broken):
        answer = await api.post("/api/auth/signin", json={"username": person.username, "password": password})
        assert_problem(answer, 401, "invalid_credentials")
    assert await stored(database, person.id) == broken


async def test_unknown_name_costs_what_the_dearest_hash_of_an_account_costs(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        dear = bcrypt.hashpw(b"somebody's", bcrypt.gensalt(6)).decode("ascii")
        hashes = (dear, dear.replace("$2b$", "$2y$"), PBKDF2, "!")
        for number, hashed in enumerate(hashes):
            person = await api.sign_up(f"somebody {number}")
            await store(database, person.id, hashed)
        checked: list[str] = []
        verify = services.platform.passwords._context.verify

        def counted(secret: str, known: str) -> bool:
            checked.append(known)
            return bool(verify(secret, known))

        monkeypatch.setattr(services.platform.passwords._context, "verify", counted)

        await services.identity.hash_survey.run()
        assert_problem(
            await api.post("/api/auth/signin", json={"username": "nobody", "password": "x"}), 401, "invalid_credentials"
        )

    assert sorted(re.sub(r"\$[^$]*\$[^$]*$", "", known) for known in checked) == [
        "$bcrypt-sha256$v=2,t=2b,r=6",
        "pbkdf2_sha256$1000",
    ]


async def test_survey_reads_accounts_in_pages(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_survey, "PAGE_ACCOUNTS", 2)
    async with started(services) as app, http_client(app) as client:
        for number in range(5):
            person = await Api(client).sign_up(f"somebody {number}")
        await store(database, person.id, legacy_hash("$2a$").replace("$04$", "$05$"))

        await services.identity.hash_survey.run()

    assert services.platform.passwords._dearest_rounds == 5
