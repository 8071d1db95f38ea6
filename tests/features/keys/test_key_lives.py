"""The life of the keys, as whoever may read of it sees it over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import JwtAlgorithm
from gatepost.identity.accounts.models import user_roles
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock

KEYS = "/api/admin/keys"
ADMIN_ROLE = 3


async def administrator(api: Api, database: Database) -> Person:
    person = await api.sign_up("Root")
    async with database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=ADMIN_ROLE))
    return await api.sign_in("Root")


def said(clock: FakeClock) -> str:
    return clock.now().isoformat().replace("+00:00", "Z")


@pytest.fixture
def items(api: Api) -> Callable[..., Any]:
    """Return what reads the keys."""

    async def read(person: Person) -> list[dict[str, Any]]:
        answer = await api.get(KEYS, headers=person.headers)
        assert answer.status_code == 200, answer.text
        assert "PRIVATE" not in answer.text
        assert "encrypted" not in answer.text
        return answer.json()["items"]  # type: ignore[no-any-return]

    return read


async def test_keys_need_their_permission(api: Api) -> None:
    person = await api.sign_up()

    assert_problem(await api.get(KEYS), 401, "token_missing")
    assert_problem(await api.get(KEYS, headers=person.headers), 403, "permission_required")


async def test_every_moment_in_the_life_of_a_key_is_told(
    api: Api, services: Services, database: Database, clock: FakeClock, items: Callable[..., Any]
) -> None:
    made = said(clock)
    root = await administrator(api, database)
    states = {key["state"]: key for key in await items(root)}
    assert set(states) == {"active", "next"}
    first = states["active"]
    assert (first["algorithm"], first["createdAt"], first["activatedAt"]) == ("ES256", made, made)
    assert states["next"]["activatedAt"] is None

    clock.advance(seconds=360)
    assert states["next"]["knownAt"] == said(clock)
    rotated = said(clock)
    await services.admin.key_rotation.rotate()
    await services.identity.revocations.poll()
    by_kid = {key["kid"]: key for key in await items(root)}
    assert (by_kid[first["kid"]]["state"], by_kid[first["kid"]]["retiringAt"]) == ("retiring", rotated)
    assert by_kid[states["next"]["kid"]]["activatedAt"] == rotated

    clock.advance(minutes=1440 + 1)
    assert by_kid[first["kid"]]["lastTokenEndsAt"] == said(clock)
    await services.admin.key_rotation.retire(first["kid"])
    await services.identity.revocations.poll()
    *there, gone = await items(await api.sign_in("Root"))
    assert [key["state"] for key in there] == ["next", "active"]
    assert gone == {
        "kid": first["kid"],
        "algorithm": "ES256",
        "state": "retired",
        "createdAt": made,
        "knownAt": None,
        # The first key signs from its making on, so that no rotation tells of it.
        "activatedAt": None,
        "retiringAt": rotated,
        "lastTokenEndsAt": None,
        "retiredAt": said(clock),
    }


async def test_shared_secret_has_no_life_to_tell_of(make_services: MakeServices) -> None:
    services = make_services(jwt_algorithm=JwtAlgorithm.HS256, jwt_secret="a shared secret of more than 32 bytes")
    async with started(services) as app, http_client(app) as client:
        root = await administrator(Api(client), services.platform.database)
        answer = await client.get(KEYS, headers=root.headers)

    assert answer.json() == {"algorithm": "HS256", "isStored": False, "items": []}
