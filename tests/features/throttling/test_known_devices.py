"""Which sign-ins their owner is told of: a device is known by its token, and without one by its place and its name."""

import httpx
import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from tests.features.recovery.test_new_device import FIREFOX, sign_in_with
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails


async def test_thief_who_sends_the_text_of_the_owner_is_told_of(api_from: MakeApi, services: Services) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await sign_in_with(api_from("198.51.100.1"), FIREFOX)
    await take_mails(services)

    await sign_in_with(api_from("203.0.113.9"), FIREFOX)

    assert [(mail.kind, mail.address) for mail in await take_mails(services)] == [("new_device", owner.email)]


@pytest.mark.parametrize("first", ["198.51.100.1", "2001:db8:1:2:aaaa::1"])
async def test_client_without_cookies_is_known_at_its_place(api_from: MakeApi, services: Services, first: str) -> None:
    await api_from(first).sign_up()
    await take_mails(services)
    later = first if "." in first else "2001:db8:1:2:bbbb::9"

    for _ in range(5):
        await sign_in_with(api_from(later), f"python-httpx/{httpx.__version__}")

    assert await take_mails(services) == []


async def test_device_with_a_token_is_known_wherever_it_is_and_whatever_it_sends(
    api_from: MakeApi, services: Services
) -> None:
    await api_from("198.51.100.1").sign_up()
    await take_mails(services)
    laptop = api_from("198.51.100.1")
    laptop.client.headers["X-Device-Token"] = ""
    answer = await laptop.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})
    away = api_from("203.0.113.9")
    away.client.headers["X-Device-Token"] = answer.headers["x-device-token"]

    await sign_in_with(away, FIREFOX)

    assert await take_mails(services) == []


async def test_token_that_a_disowned_device_has_kept_hides_it_no_more(api_from: MakeApi, services: Services) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    thief = api_from("203.0.113.9")
    thief.client.headers["X-Device-Token"] = ""
    answer = await thief.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")
    await thief.post("/api/auth/not-me", json={"token": warning.token})
    reset = {"token": await take_link(services, "reset_password"), "password": PASSWORD}
    assert (await api_from("198.51.100.1").post("/api/auth/password/reset", json=reset)).status_code == 200
    await take_mails(services)

    thief.client.headers["X-Device-Token"] = answer.headers["x-device-token"]
    await sign_in_with(thief, f"python-httpx/{httpx.__version__}")

    assert [(mail.kind, mail.address) for mail in await take_mails(services)] == [("new_device", owner.email)]


async def told(services: Services) -> list[str]:
    """Send what waits, and return who was told of a new device."""
    return [mail.address for mail in await take_mails(services) if mail.kind == "new_device"]


async def say_not_me(api: Api, services: Services) -> None:
    """Follow the one warning that waits, and choose the same password again."""
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")
    assert (await api.post("/api/auth/not-me", json={"token": warning.token})).status_code == 200
    reset = {"token": await take_link(services, "reset_password"), "password": PASSWORD}
    assert (await api.post("/api/auth/password/reset", json=reset)).status_code == 200
    await take_mails(services)


@pytest.mark.both_databases
async def test_sign_in_to_an_account_whose_sessions_are_all_forgotten_is_told(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await api_from("198.51.100.1").post("/api/auth/signout", headers=owner.headers)
    clock.advance(days=31)
    await services.operations.purger.run_in_turn()
    await take_mails(services)

    await sign_in_with(api_from("203.0.113.9"), FIREFOX)

    assert await told(services) == [owner.email]


@pytest.mark.parametrize(("hours", "is_told"), [(23, False), (25, True)])
async def test_first_sign_in_is_told_unless_the_account_is_new(
    api_from: MakeApi, services: Services, clock: FakeClock, hours: int, is_told: bool
) -> None:
    account = NewAccount(parse_username("Abbey Salami"), parse_email("abbey@example.com"), PASSWORD)
    await services.identity.accounts.create(account, roles=[RoleName.USER])
    clock.advance(hours=hours)
    await services.identity.revocations.poll()

    await sign_in_with(api_from("203.0.113.9"), FIREFOX)

    assert await told(services) == ["abbey@example.com"] * is_told


async def test_token_of_a_disowned_device_hides_it_no_more_once_its_session_is_forgotten(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    thief = api_from("203.0.113.9")
    thief.client.headers["X-Device-Token"] = ""
    answer = await thief.post("/api/auth/signin", json={"username": owner.username, "password": PASSWORD})
    await say_not_me(api_from("198.51.100.1"), services)
    clock.advance(days=40)
    await services.operations.purger.run_in_turn()
    await services.identity.revocations.poll()

    thief.client.headers["X-Device-Token"] = answer.headers["x-device-token"]
    await sign_in_with(thief, FIREFOX)

    assert await told(services) == [owner.email]


@pytest.mark.both_databases
@pytest.mark.parametrize("of_before", [False, True])
async def test_place_of_a_refresh_is_not_one_where_the_account_was_signed_in_to(
    api_from: MakeApi, services: Services, of_before: bool
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    await take_mails(services)
    if of_before:  # of a replica that does not write it yet
        async with services.platform.database.begin() as tx:
            await tx.execute(update(Session).values(opened_address=None))
    thief = api_from("203.0.113.9")
    stolen = {"refreshToken": owner.refresh_token}
    agent = {"User-Agent": FIREFOX}
    assert (await thief.post("/api/auth/refreshtoken", json=stolen, headers=agent)).status_code == 200

    await sign_in_with(thief, FIREFOX)

    assert await told(services) == [owner.email]


@pytest.mark.both_databases
async def test_thief_who_has_signed_out_before_is_as_unknown_as_one_who_was_signed_out(
    api_from: MakeApi, services: Services
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    thief = api_from("203.0.113.9")
    taken = await sign_in_with(thief, FIREFOX)
    await thief.post("/api/auth/signout", json={"refreshToken": taken["refreshToken"]})
    await say_not_me(api_from("198.51.100.1"), services)

    await sign_in_with(thief, FIREFOX)

    assert await told(services) == [owner.email]
