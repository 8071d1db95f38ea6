"""Published React, Vue and Angular clients of this API, in a real browser: preflights, cookies and all."""

import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from tests.clients.conftest import STRANGER, BrowserApp, OpenApp
from tests.conftest import MakeServices
from tests.support.api import PASSWORD

pytestmark = pytest.mark.browser

NAME = "Abbey Salami"
EMAIL = "heba@gmail.com"


async def _signed_in(client: BrowserApp) -> None:
    await client.call("signUp", NAME, EMAIL, PASSWORD)
    status, _ = await client.call("signIn", NAME, PASSWORD)
    assert status == 200
    await client.calls()


async def test_client_signs_up_and_in_and_shows_the_boards(client: BrowserApp) -> None:
    status, data = await client.call("signUp", NAME, EMAIL, PASSWORD)
    assert (status, data["message"]) == (201, "User registered successfully!")

    status, data = await client.call("signIn", NAME, PASSWORD)
    assert status == 200
    assert (data["username"], data["email"], data["roles"]) == (NAME, EMAIL, ["ROLE_USER"])
    assert data["accessToken"]

    assert await client.call("board", "all") == (200, "Public Content.")
    assert await client.call("board", "user") == (200, "User Content.")
    status, data = await client.call("board", "mod")
    assert (status, data["message"]) == (403, "Require Moderator Role!")
    status, data = await client.call("board", "admin")
    assert (status, data["message"]) == (403, "Require Admin Role!")


async def test_administrator_sees_every_board(client: BrowserApp, services: Services) -> None:
    account = NewAccount(parse_username("root"), parse_email("root@example.com"), PASSWORD)
    await services.identity.accounts.create(account, roles=[RoleName.USER, RoleName.MODERATOR, RoleName.ADMIN])

    _, data = await client.call("signIn", "root", PASSWORD)

    assert sorted(data["roles"]) == ["ROLE_ADMIN", "ROLE_MODERATOR", "ROLE_USER"]
    assert await client.call("board", "mod") == (200, "Moderator Content.")
    assert await client.call("board", "admin") == (200, "Admin Content.")


async def test_person_stays_signed_in_when_the_page_is_loaded_again(client: BrowserApp) -> None:
    await _signed_in(client)

    await client.open()

    assert await client.call("board", "user") == (200, "User Content.")


async def test_client_shows_why_a_name_cannot_be_taken(client: BrowserApp) -> None:
    await client.call("signUp", NAME, EMAIL, PASSWORD)

    status, data = await client.call("signUp", NAME, "another@example.com", PASSWORD)
    assert (status, data["message"]) == (400, "Failed! Username is already in use!")
    status, data = await client.call("signUp", "Another", EMAIL, PASSWORD)
    assert (status, data["message"]) == (400, "Failed! Email is already in use!")


async def test_wrong_password_is_shown_and_starts_no_refresh(client: BrowserApp) -> None:
    await client.call("signUp", NAME, EMAIL, PASSWORD)
    await client.calls()

    status, data = await client.call("signIn", NAME, "wrong horse")

    assert (status, data["message"]) == (401, "Invalid username or password!")
    assert await client.user() is None
    assert await client.calls() == ["401 auth/signin"]


async def test_expired_access_token_is_refreshed_without_the_person_noticing(client: BrowserApp) -> None:
    await _signed_in(client)
    await client.wait(hours=24, seconds=1)

    assert await client.call("board", "user") == (200, "User Content.")

    assert await client.calls() == ["401 test/user", "200 auth/refreshtoken", "200 test/user"]


async def test_client_that_keeps_its_first_refresh_token_stays_signed_in_without_rotation(
    open_app: OpenApp, make_services: MakeServices, style: str
) -> None:
    client = await open_app(make_services(refresh_token_rotation=False), style)
    await _signed_in(client)
    first = await client.user()

    for _ in range(3):
        await client.wait(days=2)
        assert await client.call("board", "user") == (200, "User Content.")

    last = await client.user()
    assert first is not None
    assert last is not None
    assert last["refreshToken"] == first["refreshToken"]
    assert await client.calls() == ["401 test/user", "200 auth/refreshtoken", "200 test/user"] * 3


async def test_ended_session_signs_the_client_out_and_starts_no_loop(client: BrowserApp) -> None:
    await _signed_in(client)
    await client.wait(days=31)

    status, data = await client.call("board", "user")

    assert (status, data["message"]) == (403, "Refresh token was expired. Please make a new signin request")
    assert await client.user() is None
    assert await client.calls() == ["401 test/user", "403 auth/refreshtoken"]


async def test_sign_in_works_while_an_expired_token_rides_along(client: BrowserApp) -> None:
    await _signed_in(client)
    await client.wait(days=31)

    assert (await client.call("signIn", NAME, PASSWORD))[0] == 200

    assert await client.call("board", "user") == (200, "User Content.")


@pytest.mark.parametrize("style", ["cookie"])
async def test_page_cannot_read_the_cookies_that_sign_it_in(client: BrowserApp) -> None:
    await _signed_in(client)

    assert await client.page.evaluate("document.cookie") == ""
    cookies = {cookie["name"]: cookie for cookie in await client.page.context.cookies()}
    assert {name: (cookie["httpOnly"], cookie["path"]) for name, cookie in cookies.items()} == {
        "gatepost_access": (True, "/"),
        "gatepost_refresh": (True, "/api/auth"),
        "gatepost_device": (True, "/"),
    }


@pytest.mark.parametrize("style", ["cookie"])
async def test_sign_out_takes_the_cookies_back_and_ends_the_session(client: BrowserApp, database: Database) -> None:
    await _signed_in(client)

    assert (await client.call("signOut"))[0] == 204

    assert [cookie["name"] for cookie in await client.page.context.cookies()] == ["gatepost_device"]
    assert (await client.call("board", "user"))[0] == 403  # of the refresh that the client tries
    assert await client.calls() == ["204 auth/signout", "401 test/user", "403 auth/refreshtoken"]
    async with database.read() as tx:
        # The session of the sign-up goes on: this client keeps nothing of it.
        assert await tx.scalar(select(func.count()).select_from(Session).where(Session.ended_at.is_(None))) == 1


async def test_page_of_another_origin_can_neither_read_nor_sign_up(client: BrowserApp, database: Database) -> None:
    await client.open(STRANGER)

    # 0: the browser keeps the answer from the page, and sends no POST after the refused preflight.
    assert (await client.call("board", "all"))[0] == 0
    assert (await client.call("signUp", NAME, EMAIL, PASSWORD))[0] == 0
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 0
