"""Who has a share of a mailbox: each device of the account, each place where it is signed in to, and all strangers."""

import pytest

from gatepost.composition.services import Services
from tests.conftest import MakeServices
from tests.features.throttling.conftest import MakeApi
from tests.features.throttling.test_mailboxes import FORGOT, ask, device_of
from tests.support.clock import FakeClock
from tests.support.links import take_mails


@pytest.fixture
def services(make_services: MakeServices) -> Services:
    return make_services(mailbox_rate="2/hour", mailbox_shared_rate="6/hour")


async def test_neighbours_behind_the_owners_address_leave_the_owners_device_a_way(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    device = await device_of(api_from("198.51.100.1"), owner.username)
    await take_mails(services)
    neighbour = api_from("198.51.100.1")
    assert await ask(neighbour, services, clock, FORGOT, owner.email, times=4) == ["reset_password"] * 2

    for address in ("198.51.100.1", "192.0.2.77"):
        own = api_from(address)
        own.client.headers["X-Device-Token"] = device
        assert await ask(own, services, clock, FORGOT, owner.email) == ["reset_password"]


async def test_thief_whose_session_was_disowned_uses_up_nothing_of_the_owners(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    owner = await api_from("198.51.100.1").sign_up()
    device = await device_of(api_from("198.51.100.1"), owner.username)
    thief = api_from("203.0.113.9")
    thief.client.headers["X-Device-Token"] = await device_of(thief, owner.username)
    warning = next(mail for mail in await take_mails(services) if mail.kind == "new_device")
    assert (await thief.post("/api/auth/not-me", json={"token": warning.token})).status_code == 200
    await take_mails(services)

    assert await ask(thief, services, clock, FORGOT, owner.email, times=6) == ["reset_password"] * 2
    own = api_from("192.0.2.99")
    own.client.headers["X-Device-Token"] = device
    assert await ask(own, services, clock, FORGOT, owner.email) == ["reset_password"]


async def test_place_where_the_account_was_signed_out_is_one_of_strangers(
    api_from: MakeApi, services: Services, clock: FakeClock
) -> None:
    home, left = api_from("198.51.100.1"), api_from("198.51.100.2")
    owner = await home.sign_up()
    once = await left.sign_in(owner.username)
    await left.post("/api/auth/signout", headers=once.headers)
    await take_mails(services)
    for index in range(10, 16):
        await ask(api_from(f"198.51.100.{index}"), services, clock, FORGOT, owner.email)

    assert await ask(left, services, clock, FORGOT, owner.email) == []
    assert await ask(home, services, clock, FORGOT, owner.email) == ["reset_password"]
