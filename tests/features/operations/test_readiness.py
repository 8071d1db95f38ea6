"""Whether a process says that it can serve."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.core.db.revisions import newest_revision
from gatepost.operations.readiness import ANSWER_SECONDS
from tests.conftest import MakeServices, http_client
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.server import free_port


def failing(answer: httpx.Response) -> list[str]:
    """Return the names of the checks that failed."""
    return [error["field"] for error in answer.json()["errors"]]


async def test_service_in_order_names_all_that_it_has_asked(api: Api) -> None:
    answer = await api.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "schema": "ok", "keys": "ok", "feed": "ok"},
    }


@pytest.mark.both_databases
async def test_earlier_schema_is_not_ready_and_a_later_one_is(api: Api, services: Services) -> None:
    set_revision = text("UPDATE alembic_version SET version_num = :revision")
    try:
        async with services.platform.database.begin() as tx:
            await tx.execute(set_revision, {"revision": "0001"})
        answer = await api.get("/readyz")
        async with services.platform.database.begin() as tx:
            await tx.execute(set_revision, {"revision": "9999"})
        assert (await api.get("/readyz")).status_code == 200
    finally:
        async with services.platform.database.begin() as tx:
            await tx.execute(set_revision, {"revision": newest_revision()})

    assert_problem(answer, 503, "schema_outdated")
    assert failing(answer) == ["schema"]


async def test_feed_that_cannot_be_read_is_not_ready(api: Api, clock: FakeClock) -> None:
    clock.advance(seconds=31)

    answer = await api.get("/readyz")

    assert_problem(answer, 503, "revocation_unknown")
    assert failing(answer) == ["feed"]


@pytest.mark.both_databases
async def test_database_that_hangs_is_told_before_whoever_asks_gives_up(make_services: MakeServices) -> None:
    with free_port() as silent:
        url = f"mysql://root@127.0.0.1:{silent.getsockname()[1]}/gatepost"
        # The database itself would be waited for longer than the test.
        services = make_services(database_url=SecretStr(url), db_timeout_seconds=3600)
        async with http_client(create_app(services=services)) as client:
            async with asyncio.timeout(60):
                answers = await asyncio.gather(*(client.get("/readyz") for _ in range(3)))

    assert ANSWER_SECONDS < 1
    for answer in answers:
        assert_problem(answer, 503, "database_unavailable")
        assert failing(answer) == ["database", "keys", "feed"]
        assert answer.headers["retry-after"] == "1"
