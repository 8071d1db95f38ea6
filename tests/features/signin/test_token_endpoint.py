"""The OAuth 2.0 token endpoint: its form, its answer and its errors (RFC 6749)."""

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.support.api import PASSWORD, Api
from tests.support.clock import FakeClock

TOKEN = "/api/auth/token"


def assert_oauth_error(answer: httpx.Response, error: str) -> dict[str, Any]:
    """Check that an answer is this error of RFC 6749, section 5.2."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert body["error"] == error
    assert body["error_description"] == body["message"]
    assert body["status"] == 400
    return body


async def test_password_grant_answers_in_the_names_of_oauth(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(
        TOKEN, data={"grant_type": "password", "username": person.username, "password": PASSWORD, "scope": "all"}
    )

    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 86400)
    assert answer.headers["cache-control"] == "no-store"
    assert [cookie.partition("=")[0] for cookie in answer.headers.get_list("set-cookie")] == ["gatepost_device"]
    assert (await api.user_board(body["access_token"])).status_code == 200


async def test_refresh_grant_gives_the_next_pair(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": person.refresh_token})

    assert answer.status_code == 200
    body = answer.json()
    assert body["refresh_token"] != person.refresh_token
    assert (await api.user_board(body["access_token"])).status_code == 200


@pytest.mark.parametrize("password", ["wrong horse", "x" * 1000, "\x00", " "])
async def test_wrong_password_is_an_invalid_grant(api: Api, password: str) -> None:
    person = await api.sign_up()

    answer = await api.post(TOKEN, data={"grant_type": "password", "username": person.username, "password": password})

    body = assert_oauth_error(answer, "invalid_grant")
    assert body["error_description"] == "Invalid username or password!"


async def test_disabled_account_is_an_invalid_grant(api: Api, database: Database, clock: FakeClock) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))

    by_password = await api.post(
        TOKEN, data={"grant_type": "password", "username": person.username, "password": PASSWORD}
    )
    by_refresh = await api.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": person.refresh_token})

    assert assert_oauth_error(by_password, "invalid_grant")["code"] == "account_disabled"
    assert assert_oauth_error(by_refresh, "invalid_grant")["code"] == "account_disabled"


async def test_refresh_token_that_is_none_is_an_invalid_grant(api: Api) -> None:
    answer = await api.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": "gpr_1.0.forged"})

    assert_oauth_error(answer, "invalid_grant")


async def test_expired_session_is_an_invalid_grant(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(days=30)

    answer = await api.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": person.refresh_token})

    assert assert_oauth_error(answer, "invalid_grant")["code"] == "refresh_token_expired"


@pytest.mark.parametrize("grant_type", ["authorization_code", "client_credentials", "PASSWORD", "x"])
async def test_unknown_grant_type_is_named_as_such(api: Api, grant_type: str) -> None:
    answer = await api.post(TOKEN, data={"grant_type": grant_type, "username": "x", "password": "x"})

    assert_oauth_error(answer, "unsupported_grant_type")


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password"},
        {"grant_type": "password", "username": "Abbey Salami"},
        {"grant_type": "password", "password": "x"},
        {"grant_type": "password", "username": "Abbey Salami", "password": ""},
        {"grant_type": "refresh_token"},
        {"username": "Abbey Salami", "password": "x"},
        {"grant_type": ""},
        {"grant_type": "x" * 65},
        {"grant_type": "password", "username": "x" * 321, "password": "x"},
        {},
    ],
)
async def test_form_that_lacks_a_field_is_an_invalid_request(api: Api, form: dict[str, str]) -> None:
    assert_oauth_error(await api.post(TOKEN, data=form), "invalid_request")


async def test_json_is_no_form(api: Api) -> None:
    answer = await api.post(TOKEN, json={"grant_type": "password", "username": "x", "password": "secret horse"})

    assert_oauth_error(answer, "invalid_request")
    assert "secret horse" not in answer.text


async def test_form_of_bytes_that_are_no_text_is_a_wrong_password(api: Api) -> None:
    answer = await api.post(
        TOKEN,
        content=b"grant_type=password&username=%ED%A0%80&password=%FF%FE%00",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert_oauth_error(answer, "invalid_grant")
