"""Signing in with a password."""

import pytest
from sqlalchemy import func, select

from gatepost.core.database import Database
from gatepost.sessions.models import Session
from tests.support.api import PASSWORD, Api, assert_problem


async def test_sign_in_answers_who_it_is_and_opens_a_session(api: Api, database: Database) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["username"], body["email"]) == (person.id, "Abbey Salami", "abbey.salami@example.com")
    assert body["roles"] == ["ROLE_USER"]
    assert (body["tokenType"], body["expiresIn"], body["refreshExpiresIn"]) == ("Bearer", 86400, 2592000)
    assert answer.headers["cache-control"] == "no-store"
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session)) == 2


@pytest.mark.parametrize("name", ["abbey salami", "ABBEY SALAMI", "Ａbbey Salami", "ABBEY.salami@EXAMPLE.com"])
async def test_name_is_found_however_it_is_written(api: Api, name: str) -> None:
    person = await api.sign_up("Abbey Salami")

    assert (await api.sign_in(name)).id == person.id


async def test_unknown_name_and_wrong_password_look_the_same(api: Api) -> None:
    await api.sign_up("Abbey Salami")

    wrong = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": "wrong horse"})
    unknown = await api.post("/api/auth/signin", json={"username": "Nobody", "password": "wrong horse"})

    assert_problem(unknown, 401, "invalid_credentials")
    body = assert_problem(wrong, 401, "invalid_credentials")
    assert body["message"] == "Invalid username or password!"
    assert {**unknown.json(), "requestId": ""} == {**body, "requestId": ""}
