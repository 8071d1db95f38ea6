"""Services that sign with one algorithm or the other."""

from collections.abc import Callable

import pytest

from gatepost.composition.services import Services
from gatepost.core.settings import JwtAlgorithm, Settings
from tests.conftest import MakeServices, MakeSettings

# Those that have a private key; making one for RS256 takes its time, so not every test is for both.
every_algorithm = pytest.mark.parametrize("algorithm", [JwtAlgorithm.ES256, JwtAlgorithm.RS256])


@pytest.fixture
def algorithm() -> JwtAlgorithm:
    """Return the algorithm of the app under test."""
    return JwtAlgorithm.ES256


@pytest.fixture
async def services(make_services: MakeServices, algorithm: JwtAlgorithm) -> Services:
    """Return the services of the app under test."""
    return make_services(jwt_algorithm=algorithm)


@pytest.fixture
def settings(make_settings: MakeSettings, algorithm: JwtAlgorithm) -> Settings:
    """Return the settings of the app under test, for commands beside it."""
    return make_settings(jwt_algorithm=algorithm)


Worker = Callable[[], Services]


@pytest.fixture
def other_worker(make_services: MakeServices, algorithm: JwtAlgorithm) -> Worker:
    """Return a maker of one more worker of the same deployment."""
    return lambda: make_services(jwt_algorithm=algorithm)
