"""Routes that ask for a permission: in the service, and in another service that verifies our tokens."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import insert, select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.access.deps import require_permission
from gatepost.identity.accounts.authority import Authority
from gatepost.identity.accounts.models import Role, user_roles
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.sdk import Gatepost
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock

ISSUER = "http://localhost:8080"


@pytest.fixture(autouse=True)
async def _moderators_refund(database: Database) -> AsyncIterator[None]:
    """Give the role moderator a permission of the deployment's own, for one test."""
    async with database.begin() as tx:
        await tx.execute(update(Role).where(Role.name == "moderator").values(permissions=["orders:refund"]))
    yield
    async with database.begin() as tx:
        await tx.execute(update(Role).where(Role.name == "moderator").values(permissions=[]))


@pytest.fixture
async def other_service(app: FastAPI, services: Services, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of another service, which follows the one under test."""
    secret = await services.flows.clients.add("orders", name="Orders")
    issuer = httpx.AsyncClient(transport=httpx.ASGITransport(app))
    gatepost = Gatepost(issuer=ISSUER, client_id="orders", client_secret=secret, http=issuer, clock=clock)
    orders = FastAPI()
    _add_routes(orders, gatepost.require_permission("orders:refund"), gatepost.require_permission("a:b", "c:d"))
    async with gatepost, httpx.AsyncClient(transport=httpx.ASGITransport(orders), base_url="http://orders") as client:
        yield client


def _add_routes(app: FastAPI, one: object, either: object) -> None:
    @app.get("/refunds")
    async def refunds(user: Annotated[UserPrincipal, Depends(one)]) -> dict[str, str]:
        return {"by": user.username}

    @app.get("/either")
    async def either_route(user: Annotated[UserPrincipal, Depends(either)]) -> dict[str, str]:
        return {"by": user.username}


async def with_role(api: Api, database: Database, username: str, role: str) -> Person:
    """Return somebody with a role."""
    person = await api.sign_up(username)
    async with database.begin() as tx:
        role_id = await tx.scalar(select(Role.id).where(Role.name == role))
        if role != "user":
            await tx.execute(insert(user_roles).values(user_id=person.id, role_id=role_id))
    return await api.sign_in(username)


@pytest.fixture
def here(app: FastAPI, api: Api) -> Api:
    """Return the service under test, with two more routes."""
    _add_routes(app, require_permission("orders:refund"), require_permission("a:b", "c:d"))
    # The mounted files answer everything below them, and nothing here.
    return api


@pytest.mark.parametrize(("role", "may"), [("user", False), ("moderator", True), ("admin", True)])
async def test_route_of_ours_is_open_to_who_has_the_permission(
    here: Api, database: Database, role: str, may: bool
) -> None:
    person = await with_role(here, database, "Abbey Salami", role)

    answer = await here.get("/refunds", headers=person.headers)

    if may:
        assert answer.json() == {"by": "Abbey Salami"}
    else:
        body = assert_problem(answer, 403, "permission_required")
        assert body["message"] == "The permission orders:refund is needed."


@pytest.mark.parametrize(("role", "may"), [("user", False), ("moderator", True), ("admin", True)])
async def test_route_of_another_service_is_open_to_who_has_the_permission(
    api: Api, other_service: httpx.AsyncClient, database: Database, role: str, may: bool
) -> None:
    person = await with_role(api, database, "Abbey Salami", role)

    answer = await other_service.get("/refunds", headers=person.headers)

    if may:
        assert answer.json() == {"by": "Abbey Salami"}
    else:
        assert answer.status_code == 403
        assert answer.json()["detail"] == {
            "code": "permission_required",
            "message": "The permission orders:refund is needed.",
        }


async def test_any_of_several_permissions_will_do(
    here: Api, other_service: httpx.AsyncClient, database: Database
) -> None:
    moderator = await with_role(here, database, "Mod", "moderator")
    refused = await here.get("/either", headers=moderator.headers)
    assert assert_problem(refused, 403, "permission_required")["message"] == "The permission a:b or c:d is needed."
    assert (await other_service.get("/either", headers=moderator.headers)).status_code == 403

    async with database.begin() as tx:
        await tx.execute(update(Role).where(Role.name == "moderator").values(permissions=["c:d"]))
    again = await here.sign_in("Mod")

    assert (await here.get("/either", headers=again.headers)).status_code == 200
    assert (await other_service.get("/either", headers=again.headers)).status_code == 200


async def test_nobody_without_a_token_passes(here: Api, other_service: httpx.AsyncClient) -> None:
    assert_problem(await here.get("/refunds"), 401, "token_missing")
    assert (await other_service.get("/refunds")).status_code == 401


@pytest.mark.both_databases
async def test_boards_still_go_by_role(api: Api, database: Database) -> None:
    moderator = await with_role(api, database, "Mod", "moderator")

    assert (await api.get("/api/test/mod", headers=moderator.headers)).status_code == 200
    refused = await api.get("/api/test/admin", headers=moderator.headers)
    assert assert_problem(refused, 403, "role_required")["message"] == "Require Admin Role!"


@pytest.mark.parametrize(
    ("mine", "theirs", "reached"),
    [
        ({"admin": ["*"]}, {"admin": ["*"]}, True),
        ({"admin": ["*"]}, {"x": ["a:b"]}, True),
        ({"x": ["a:b"]}, {"x": ["a:b"]}, True),
        ({"x": ["a:b"]}, {}, True),
        ({"x": ["a:b"]}, {"user": []}, True),
        ({"x": ["a:b"]}, {"user": ["a:b"]}, True),
        ({"x": ["a:b"]}, {"user": ["c:d"]}, False),
        ({"x": ["a:b"]}, {"y": ["a:b"]}, False),
        ({"x": ["a:b"]}, {"moderator": []}, False),
        ({"x": ["a:b"]}, {"x": ["a:b"], "y": []}, False),
        ({"x": ["a:b"]}, {"admin": ["*"]}, False),
    ],
)
def test_authority_reaches_what_one_has(
    mine: dict[str, list[str]], theirs: dict[str, list[str]], reached: bool
) -> None:
    ids = {name: number for number, name in enumerate({**mine, **theirs}, 1)}
    permissions = frozenset(word for words in mine.values() for word in words)
    authority = Authority(frozenset(ids[name] for name in mine), permissions)

    roles = [Role(id=ids[name], name=name, permissions=words) for name, words in theirs.items()]
    assert authority.reaches(roles) is reached
