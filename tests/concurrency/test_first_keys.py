"""Several replicas that start at once on a database without signing keys."""

import asyncio

import pytest
from sqlalchemy import delete, select

from gatepost.composition.services import Services
from gatepost.identity.keys.models import StoredKey
from tests.conftest import MakeServices

pytestmark = pytest.mark.both_databases

ROUNDS = 5
REPLICAS = 4


async def test_replicas_that_start_at_once_agree_on_one_active_and_one_next_key(make_services: MakeServices) -> None:
    for _ in range(ROUNDS):
        replicas = [make_services() for _ in range(REPLICAS)]

        await asyncio.gather(*(replica.identity.keys.start() for replica in replicas))

        async with replicas[0].platform.database.read() as tx:
            stored = (await tx.scalars(select(StoredKey))).all()
        assert sorted(key.slot or "" for key in stored) == ["ES256:active", "ES256:next"]
        [active] = [key.kid for key in stored if key.slot == "ES256:active"]
        rings = [replica.identity.keys for replica in replicas]
        assert {keys.signing.kid for keys in rings} == {active}
        assert [set(replica.identity.keys.verifying) for replica in replicas] == [
            {key.kid for key in stored}
        ] * REPLICAS
        await without_keys(replicas[0])


async def without_keys(replica: Services) -> None:
    """Take the keys away, so that the next round starts like the first."""
    async with replica.platform.database.begin() as tx:
        await tx.execute(delete(StoredKey))
