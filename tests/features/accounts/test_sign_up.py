"""Making an account."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.errors import UnknownRole, UsernameTaken
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem, bearer

SIGN_UP = "/api/auth/signup"


def wish(**changes: Any) -> dict[str, Any]:
    """Return a sign-up that is fine but for these changes."""
    return {"username": "Abbey Salami", "email": "heba@gmail.com", "password": "123456", **changes}


async def accounts(database: Database) -> int:
    """Count the accounts."""
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(User)) or 0


async def test_new_service_has_no_account_that_anybody_could_guess(api: Api, database: Database) -> None:
    assert await accounts(database) == 0
    for name in ("admin", "root", "administrator", "gatepost", "test", "demo", "sa"):
        for password in (name, "password", "123456", "changeme"):
            answer = await api.post("/api/auth/signin", json={"username": name, "password": password})
            assert_problem(answer, 401, "invalid_credentials")


async def test_sign_up_answers_as_sign_in_does_with_a_message(api: Api, database: Database) -> None:
    answer = await api.post(SIGN_UP, json=wish())

    assert answer.status_code == 201
    body = answer.json()
    assert body.pop("message") == "User registered successfully!"
    signed_in = (await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": "123456"})).json()
    assert body.keys() == signed_in.keys()
    for name in ("id", "username", "email", "roles", "tokenType", "expiresIn", "refreshExpiresIn"):
        assert body[name] == signed_in[name]
    assert body["roles"] == ["ROLE_USER"]
    assert answer.headers["cache-control"] == "no-store"
    assert (await api.user_board(body["accessToken"])).status_code == 200
    assert (await api.refresh(body["refreshToken"])).status_code == 200


@pytest.mark.both_databases
async def test_sign_up_is_recorded_with_the_session_that_it_opened(api: Api, database: Database) -> None:
    person = await api.sign_up()

    async with database.read() as tx:
        entries = (
            await tx.scalars(select(AuditEntry).where(AuditEntry.user_id == person.id).order_by(AuditEntry.id))
        ).all()
        session = (await tx.scalars(select(Session))).one()
    assert [(entry.event, entry.user_id, entry.session_id) for entry in entries] == [
        ("account.created", person.id, None),
        ("session.opened", person.id, session.id),
    ]
    assert {entry.address for entry in entries} == {"203.0.113.7"}


async def test_password_is_stored_as_a_hash_alone(api: Api, database: Database) -> None:
    await api.sign_up(password="correct horse battery")

    async with database.read() as tx:
        user = (await tx.scalars(select(User))).one()
    assert user.password_hash.startswith("$bcrypt-sha256$")
    assert "correct horse" not in user.password_hash


@pytest.mark.parametrize("name", ["abbey salami", "ABBEY SALAMI", "Ａｂｂｅｙ Salami", " Abbey Salami "])
async def test_taken_name_is_refused_however_it_is_written(api: Api, database: Database, name: str) -> None:
    await api.sign_up("Abbey Salami")

    answer = await api.post(SIGN_UP, json=wish(username=name))

    body = assert_problem(answer, 400, "username_taken")
    assert body["message"] == "Failed! Username is already in use!"
    assert [item["field"] for item in body["errors"]] == ["username"]
    assert await accounts(database) == 1


@pytest.mark.parametrize("address", ["HEBA@gmail.com", "heba@GMAIL.COM", "Heba@Gmail.Com"])
async def test_taken_address_is_refused_however_it_is_written(api: Api, database: Database, address: str) -> None:
    await api.sign_up("Somebody Else", email="heba@gmail.com")

    answer = await api.post(SIGN_UP, json=wish(email=address))

    body = assert_problem(answer, 400, "email_taken")
    assert body["message"] == "Failed! Email is already in use!"
    assert [item["field"] for item in body["errors"]] == ["email"]
    assert await accounts(database) == 1


@pytest.mark.parametrize("roles", [None, [], ["user"], ["user", "user"]])
async def test_who_asks_for_no_more_than_a_user_is_one(api: Api, roles: list[str] | None) -> None:
    answer = await api.post(SIGN_UP, json=wish(roles=roles, invitation=None))

    assert answer.status_code == 201
    assert answer.json()["roles"] == ["ROLE_USER"]


@pytest.mark.parametrize("roles", [["admin"], ["moderator"], ["user", "admin"], ["user", "moderator", "admin"]])
async def test_nobody_gives_themselves_a_role(api: Api, database: Database, roles: list[str]) -> None:
    answer = await api.post(SIGN_UP, json=wish(roles=roles))

    assert_problem(answer, 403, "role_not_grantable")
    assert await accounts(database) == 0


@pytest.mark.parametrize(
    ("roles", "unknown"),
    [
        (["wizard"], "wizard"),
        (["user", "wizard"], "wizard"),
        (["admin", "wizard"], "wizard"),
        (["Admin"], "Admin"),
        (["admin "], "admin "),
        ([""], ""),
    ],
)
async def test_unknown_role_is_named(api: Api, database: Database, roles: list[str], unknown: str) -> None:
    answer = await api.post(SIGN_UP, json=wish(roles=roles))

    body = assert_problem(answer, 400, "unknown_role")
    assert body["message"] == f"Failed! Role does not exist = {unknown}"
    assert await accounts(database) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "   "}, "username"),
        ({"username": "no@address"}, "username"),
        ({"username": "two@at@signs"}, "username"),
        ({"username": "zero\u200bwidth"}, "username"),
        ({"username": "tab\tname"}, "username"),
        ({"username": "pаypal"}, "username"),
        ({"username": "smile😀"}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"username": "x" * 300}, "username"),
        ({"username": None}, "username"),
        ({"username": 7}, "username"),
        ({"email": "heba"}, "email"),
        ({"email": "heba@"}, "email"),
        ({"email": "heba@gmail.com\nbcc: x@example.com"}, "email"),
        ({"email": f"{'x' * 300}@example.com"}, "email"),
        ({"email": {"address": "heba@gmail.com"}}, "email"),
        ({"password": None}, "password"),
        ({"password": 123456}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"roles": "admin"}, "roles"),
        ({"roles": [1]}, "roles.0"),
        ({"roles": ["user"] * 17}, "roles"),
        ({"isAdmin": True}, "isAdmin"),
    ],
)
async def test_field_that_breaks_a_rule_is_named(
    api: Api, database: Database, change: dict[str, Any], field: str
) -> None:
    answer = await api.post(SIGN_UP, json=wish(**change))

    body = assert_problem(answer, 422, "validation_failed")
    assert [item["field"] for item in body["errors"]] == [field]
    assert await accounts(database) == 0


@pytest.mark.parametrize("missing", ["username", "email", "password"])
async def test_missing_field_is_named(api: Api, missing: str) -> None:
    body = wish()
    del body[missing]

    problem = assert_problem(await api.post(SIGN_UP, json=body), 422, "validation_failed")

    assert [item["field"] for item in problem["errors"]] == [missing]


@pytest.mark.parametrize("password", ["", "12345", "тест5", "tab\tbetween", "\x7f\x7f\x7f\x7f\x7f\x7f"])
async def test_password_that_cannot_be_one_is_refused(api: Api, database: Database, password: str) -> None:
    answer = await api.post(SIGN_UP, json=wish(password=password))

    body = assert_problem(answer, 422, "password_not_allowed")
    assert [item["field"] for item in body["errors"]] == ["password"]
    assert await accounts(database) == 0


async def test_production_wants_eight_characters(make_services: MakeServices) -> None:
    async with started(make_services(environment="production")) as app, http_client(app) as client:
        short = await client.post(SIGN_UP, json=wish(password="1234567"))
        enough = await client.post(SIGN_UP, json=wish(password="tarbiyar"))

    body = assert_problem(short, 422, "password_not_allowed")
    assert body["message"] == "The password needs at least 8 characters."
    assert enough.status_code == 201


async def test_token_that_rides_along_is_ignored(api: Api) -> None:
    answer = await api.post(SIGN_UP, json=wish(), headers=bearer("expired.or.broken"))

    assert answer.status_code == 201


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"email": "other@example.com"}, "username_taken"), ({"username": "Somebody Else"}, "email_taken")],
)
async def test_of_two_sign_ups_at_once_one_gets_the_account(
    api: Api, database: Database, changes: dict[str, str], code: str
) -> None:
    answers = await asyncio.gather(
        api.post(SIGN_UP, json=wish(password=PASSWORD)), api.post(SIGN_UP, json=wish(password=PASSWORD, **changes))
    )

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code == 201
    assert_problem(lost, 400, code)
    assert await accounts(database) == 1


@pytest.mark.both_databases
async def test_of_two_operators_at_once_one_makes_the_account(services: Services, database: Database) -> None:
    new = NewAccount(parse_username("Abbey Salami"), parse_email("heba@gmail.com"), PASSWORD)

    results = await asyncio.gather(
        *(services.identity.accounts.create(new, roles=["user", "admin"]) for _ in range(2)), return_exceptions=True
    )

    assert {type(result) for result in results} == {User, UsernameTaken}
    assert await accounts(database) == 1


async def test_operator_is_told_of_a_role_that_there_is_not(services: Services, database: Database) -> None:
    new = NewAccount(parse_username("Abbey Salami"), parse_email("heba@gmail.com"), PASSWORD)

    with pytest.raises(UnknownRole, match="Role does not exist = wizard"):
        await services.identity.accounts.create(new, roles=["user", "wizard"])

    assert await accounts(database) == 0
