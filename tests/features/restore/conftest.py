"""A copy of the database that can be put back."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from tests.support.copies import Copy


@pytest.fixture
async def copy(database_url: URL, services: Services) -> AsyncIterator[Copy]:
    """Give a maker of a copy of the database of the app under test."""
    copy = Copy(database_url)
    yield copy
    await copy.drop()
