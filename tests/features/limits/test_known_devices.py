"""Which sign-ins their owner is told of: a device is known by its token, and without one by its place and its name."""

import httpx
import pytest

from gatepost.services import Services
from tests.features.limits.conftest import MakeApi
from tests.features.recovery.test_new_device import FIREFOX, sign_in_with
from tests.support.api import PASSWORD
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
