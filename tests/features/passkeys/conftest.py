"""People with a passkey."""

import pytest

from gatepost.composition.services import Services
from tests.features.admin.conftest import admin, person_with  # noqa: F401  fixtures
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import prove_address, refreshed
from tests.support.links import take_mails
from tests.support.passkeys import Browser, add_passkey, pass_time


@pytest.fixture
async def person(api: Api, services: Services) -> Person:
    """Return somebody who has signed up, and whose address is proved."""
    found = await api.sign_up()
    await prove_address(services, found)
    await take_mails(services)
    return found


@pytest.fixture
async def browser(api: Api, services: Services, person: Person, clock: FakeClock) -> Browser:
    """Return their browser, with a passkey of a minute ago."""
    found = await add_passkey(api, services, person)
    await take_mails(services)
    await pass_time(services, clock, minutes=1)
    return found


@pytest.fixture
async def owner(api: Api, person: Person, browser: Browser) -> Person:
    """Return the person of the passkey, with a token that says what their session has proved by now."""
    return await refreshed(api, person)
