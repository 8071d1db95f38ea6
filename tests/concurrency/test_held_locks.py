"""A lock that somebody holds for longer than a request may wait."""

import asyncio

import httpx
import pytest
from sqlalchemy import select, update

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.workers import session_id

pytestmark = pytest.mark.both_databases

AT_ONCE = 6
PATIENCE_SECONDS = 0.5


async def sign_in(api: Api, person: Person) -> httpx.Response:
    return await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})


async def test_request_that_waits_too_long_for_a_lock_is_unavailable_and_the_next_one_is_served(
    make_services: MakeServices,
) -> None:
    services = make_services(db_timeout_seconds=PATIENCE_SECONDS, db_pool_size=2, db_max_overflow=2)
    holder: Database = make_services().platform.database
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        async with holder.begin() as tx:
            moment = services.platform.clock.now()
            await tx.execute(update(User).where(User.id == person.id).values(updated_at=moment))
            await tx.execute(
                update(Session).where(Session.id == session_id(person.access_token)).values(last_used_at=moment)
            )
            refreshes = [api.refresh(person.refresh_token) for _ in range(AT_ONCE)]
            sign_ins = [sign_in(api, person) for _ in range(AT_ONCE)]
            for refused in await asyncio.gather(*refreshes, *sign_ins):
                assert_problem(refused, 503, "database_unavailable")

        served = [await api.refresh(person.refresh_token), await sign_in(api, person)]

        assert [answer.status_code for answer in served] == [200, 200]
        async with holder.read() as tx:
            row = (await tx.scalars(select(Session).where(Session.id == session_id(person.access_token)))).one()
        assert (row.generation, row.ended_at) == (1, None)
