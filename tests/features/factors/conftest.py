"""People with an authenticator app, and those who guess its codes."""

import pytest

from gatepost.composition.services import Services
from tests.features.admin.conftest import admin, make_role, person_with  # noqa: F401  fixtures
from tests.features.throttling.conftest import api_from  # noqa: F401  a fixture
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import App, set_up_app
from tests.support.links import take_mails


@pytest.fixture
async def person(api: Api) -> Person:
    """Return somebody who has signed up."""
    return await api.sign_up()


@pytest.fixture
async def app_of_person(api: Api, services: Services, person: Person, clock: FakeClock) -> App:
    """Return their app; the code that confirmed it is of a minute ago."""
    app = await set_up_app(api, services, person)
    await take_mails(services)
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    return app
