"""Common passwords and those like the account's names are refused wherever a password is set."""

import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.links import take_link

SIGN_UP = {"username": "Abbey Salami", "email": "heba@gmail.com"}
BAD = ["trustno1", "Salami2024"]


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is refused here is not in it."""
    return sqlite_url


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(refuse_common_passwords=True)


@pytest.mark.parametrize("bad", BAD)
async def test_sign_up_change_and_reset_refuse_it(api: Api, services: Services, bad: str) -> None:
    refused = await api.post("/api/auth/signup", json={**SIGN_UP, "password": bad})
    body = assert_problem(refused, 422, "password_not_allowed")
    assert body["errors"][0]["field"] == "password"
    person = await api.sign_up(SIGN_UP["username"], email=SIGN_UP["email"])

    change = {"currentPassword": PASSWORD, "newPassword": bad}
    refused = await api.post("/api/auth/password/change", json=change, headers=person.headers)
    assert assert_problem(refused, 422, "password_not_allowed")["errors"][0]["field"] == "newPassword"
    await api.post("/api/auth/password/forgot", json={"email": person.email})
    token = await take_link(services, "reset_password")
    refused = await api.post("/api/auth/password/reset", json={"token": token, "password": bad})
    assert_problem(refused, 422, "password_not_allowed")
    # The link stays good.
    answer = await api.post("/api/auth/password/reset", json={"token": token, "password": "another horse"})
    assert answer.status_code == 200


@pytest.mark.parametrize(("environment", "status"), [("development", 201), ("production", 422)])
async def test_production_refuses_by_itself_what_development_accepts(
    make_services: MakeServices, environment: str, status: int
) -> None:
    async with started(make_services(environment=environment)) as app, http_client(app) as client:
        answer = await client.post("/api/auth/signup", json={**SIGN_UP, "password": "12345678"})

    assert answer.status_code == status
