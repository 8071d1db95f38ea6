"""A registered resource server."""

import pytest

from gatepost.composition.services import Services
from tests.support.api import Api

CLIENT_ID = "notes"


@pytest.fixture
async def credentials(api: Api, services: Services) -> tuple[str, str]:
    """Return the client id and the secret of a resource server."""
    return CLIENT_ID, await services.flows.clients.add(CLIENT_ID, name="Notes")
