"""Two replicas on one database, the clock of one of which is wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from gatepost.composition.services import Services
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount
from tests.conftest import MakeServices, http_client, started
from tests.faults.conftest import ADMIN
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import claims

pytestmark = pytest.mark.both_databases


@dataclass(frozen=True)
class Replica:
    """A replica and its clock."""

    services: Services
    clock: FakeClock
    api: Api

    async def admin(self) -> Person:
        """Sign the administrator in here."""
        return await self.api.sign_in(ADMIN["username"], password=ADMIN["password"])


@dataclass(frozen=True)
class Pair:
    """A replica whose clock is right, and one whose clock is not."""

    right: Replica
    wrong: Replica

    async def pass_time(self, **parts: float) -> None:
        """Let time pass, in which each reads the feed, as it does every second."""
        for replica in (self.right, self.wrong):
            replica.clock.advance(**parts)
            await replica.services.identity.revocations.poll()


@pytest.fixture
async def pair(make_services: MakeServices, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """Give the two; the parameter is by how many seconds the one is wrong."""
    async with replica(make_services, 0) as right, replica(make_services, request.param) as wrong:
        admin = NewAccount(
            parse_username(ADMIN["username"]), parse_email("admin@example.com"), ADMIN["password"], is_verified=True
        )
        await right.services.identity.accounts.create(admin, roles=[RoleName.USER, RoleName.ADMIN])
        yield Pair(right, wrong)


@asynccontextmanager
async def replica(make_services: MakeServices, wrong_by: int) -> AsyncIterator[Replica]:
    """Give a replica whose clock is wrong by so many seconds."""
    clock = FakeClock(wrong_by=timedelta(seconds=wrong_by))
    services = make_services(own_clock=clock)
    async with started(services) as app, http_client(app) as client:
        yield Replica(services, clock, Api(client))


async def change_roles(at: Replica, person: Person, *roles: str) -> None:
    """Change roles as the administrator."""
    admin = await at.admin()
    url = f"/api/admin/users/{person.id}/roles"
    (await at.api.put(url, json={"roles": list(roles)}, headers=admin.headers)).raise_for_status()


async def refreshed(at: Replica, refresh_token: str) -> dict[str, Any]:
    """Refresh; return the new pair."""
    body: dict[str, Any] = (await at.api.refresh(refresh_token)).raise_for_status().json()
    return body


@pytest.mark.parametrize("pair", [-30, 30], indirect=True)
async def test_half_a_minute_is_noticed_by_nobody(pair: Pair) -> None:
    for here, there in ((pair.right, pair.wrong), (pair.wrong, pair.right)):
        person = await here.api.sign_up(f"wrong {here.clock.now()}".replace(":", ".")[:30])
        assert (await there.api.user_board(person.access_token)).status_code == 200
        tokens = await refreshed(there, person.refresh_token)
        assert (await here.api.user_board(tokens["accessToken"])).status_code == 200

        await change_roles(there, person, "user", "moderator")
        await pair.pass_time(seconds=1)
        assert_problem(await here.api.user_board(tokens["accessToken"]), 401, "token_stale")
        tokens = await refreshed(here, tokens["refreshToken"])
        assert claims(tokens["accessToken"])["roles"] == ["user", "moderator"]
        assert (await there.api.user_board(tokens["accessToken"])).status_code == 200

        await there.api.post("/api/auth/signout", json={"refreshToken": tokens["refreshToken"]})
        await pair.pass_time(seconds=1)
        assert_problem(await here.api.user_board(tokens["accessToken"]), 401, "token_revoked")
        assert_problem(await here.api.refresh(tokens["refreshToken"]), 403, "refresh_token_invalid")


@pytest.mark.parametrize("pair", [-300, 300], indirect=True)
async def test_token_from_a_clock_five_minutes_ahead_is_refused_until_its_time(pair: Pair) -> None:
    late, ahead = sorted((pair.right, pair.wrong), key=lambda replica: replica.clock.now())
    of_late, of_ahead = await late.api.sign_up("from late"), await ahead.api.sign_up("from ahead")

    assert (await ahead.api.user_board(of_late.access_token)).status_code == 200
    assert_problem(await late.api.user_board(of_ahead.access_token), 401, "token_invalid")
    tokens = await refreshed(late, of_ahead.refresh_token)
    assert (await late.api.user_board(tokens["accessToken"])).status_code == 200
    assert (await ahead.api.user_board(tokens["accessToken"])).status_code == 200
    await pair.pass_time(minutes=5)
    assert (await late.api.user_board(of_ahead.access_token)).status_code == 200


@pytest.mark.parametrize("pair", [-300, 300], indirect=True)
async def test_what_is_revoked_under_a_clock_five_minutes_wrong_is_revoked_everywhere(pair: Pair) -> None:
    for here, there in ((pair.right, pair.wrong), (pair.wrong, pair.right)):
        name = "wrong" if here is pair.wrong else "right"
        changed, gone = await here.api.sign_up(f"{name} changed"), await here.api.sign_up(f"{name} gone")
        await change_roles(there, changed, "user", "moderator")
        signed_out = await there.api.post("/api/auth/signout", json={"refreshToken": gone.refresh_token})
        assert signed_out.is_success
        await pair.pass_time(seconds=1)

        assert_problem(await here.api.user_board(changed.access_token), 401, "token_stale")
        assert_problem(await here.api.user_board(gone.access_token), 401, "token_revoked")
        assert_problem(await here.api.refresh(gone.refresh_token), 403, "refresh_token_invalid")
        tokens = await refreshed(here, changed.refresh_token)
        assert claims(tokens["accessToken"])["roles"] == ["user", "moderator"]


@pytest.mark.parametrize("pair", [-300, 300], indirect=True)
async def test_revocation_outlives_the_token_on_the_latest_clock(pair: Pair, make_services: MakeServices) -> None:
    late, ahead = sorted((pair.right, pair.wrong), key=lambda replica: replica.clock.now())
    person = await late.api.sign_up("late person")
    await late.api.post("/api/auth/signout", headers=person.headers)
    life = late.services.settings.access_token_life
    await pair.pass_time(seconds=life.total_seconds() - 1)

    assert await ahead.services.identity.revocations.purge() == 0

    starting = make_services(own_clock=late.clock)
    async with started(starting) as app, http_client(app) as client:
        assert_problem(await Api(client).user_board(person.access_token), 401, "token_revoked")


@pytest.mark.parametrize("pair", [300], indirect=True)
async def test_clock_that_is_set_right_forgets_no_revocation(pair: Pair) -> None:
    person = await pair.right.api.sign_up("set right")
    for jump in (-300, 300):
        pair.wrong.clock.correct(timedelta(seconds=jump))
        one = await pair.right.api.sign_in("set right")
        await pair.right.api.post("/api/auth/signout", headers=one.headers)
        await pair.pass_time(seconds=1)
        assert_problem(await pair.wrong.api.user_board(one.access_token), 401, "token_revoked")
        assert (await pair.wrong.api.user_board(person.access_token)).status_code == 200
