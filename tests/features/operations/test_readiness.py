"""Whether a process says that it can serve."""

from sqlalchemy import text

from gatepost.core.migrations import newest_revision
from gatepost.services import Services
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock


async def test_service_in_order_is_ready(api: Api) -> None:
    answer = await api.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_earlier_schema_is_not_ready_and_a_later_one_is(api: Api, services: Services) -> None:
    set_revision = text("UPDATE alembic_version SET version_num = :revision")
    try:
        async with services.database.begin() as tx:
            await tx.execute(set_revision, {"revision": "0001"})
        assert_problem(await api.get("/readyz"), 503, "schema_outdated")
        async with services.database.begin() as tx:
            await tx.execute(set_revision, {"revision": "9999"})
        assert (await api.get("/readyz")).status_code == 200
    finally:
        async with services.database.begin() as tx:
            await tx.execute(set_revision, {"revision": newest_revision()})


async def test_feed_that_cannot_be_read_is_not_ready(api: Api, clock: FakeClock) -> None:
    clock.advance(seconds=31)

    assert_problem(await api.get("/readyz"), 503, "revocation_unknown")
