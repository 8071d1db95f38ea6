"""An access token is good within its time and for its audience, at every route of ours and in each way to send it."""

import base64
from typing import Any

import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem
from tests.support.attacks.target import signed_anew
from tests.support.clock import FakeClock
from tests.support.contract import operations

WAYS = (("Authorization", "Bearer "), ("x-access-token", ""), ("Cookie", "gatepost_access="))
ROUTES = [
    name.split()[1] for name, operation in operations().items()
    if name.startswith("GET ") and "{" not in name and {"bearer": []} in operation.get("security", ())
]  # fmt: skip
LIFE_SECONDS = 24 * 3600
SKEW_SECONDS = 60


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: the contents of a token do not depend on it."""
    return sqlite_url


async def refused(api: Api, token: str, code: str) -> None:
    """Check that a token is refused everywhere."""
    assert len(ROUTES) > 8
    for route in ROUTES:
        for header, start in WAYS:
            # What the forwarded request was; routes that nobody forwards do not look at it.
            headers = {header: start + token, "X-Original-Method": "GET"}
            assert_problem(await api.get(route, headers=headers), 401, code)


async def is_active(api: Api, services: Services, token: str) -> bool:
    """Ask introspection, as another service does."""
    secret = await services.flows.clients.add("shop", name="Shop")
    credentials = base64.b64encode(f"shop:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    answer = await api.post("/oauth/introspect", data={"token": token}, headers=headers)
    return bool(answer.json()["active"])


async def test_token_is_refused_from_the_second_in_which_it_expires(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    clock.advance(seconds=LIFE_SECONDS - 1)
    await services.identity.revocations.poll()
    assert (await api.get("/api/users/me", headers=person.headers)).status_code == 200

    # It was good a second ago, and the service remembers that it was.
    clock.advance(seconds=1)

    await refused(api, person.access_token, "token_expired")
    assert not await is_active(api, services, person.access_token)


async def test_token_is_refused_before_its_time_comes(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    begins = int(clock.now().timestamp()) + 3600
    token = signed_anew(person.access_token, services.identity.keys.signing, nbf=begins)

    clock.advance(seconds=3600 - SKEW_SECONDS - 1)
    await services.identity.revocations.poll()
    await refused(api, token, "token_invalid")
    assert not await is_active(api, services, token)
    # Two clocks may differ by a minute.
    clock.advance(seconds=1)
    assert (await api.user_board(token)).status_code == 200


@pytest.mark.parametrize(
    "audience", [None, "", "shop", "GATEPOST", "gatepost ", "https://gatepost", ["gatepost"], ["shop", "gatepost"]]
)
async def test_token_for_another_audience_is_refused(api: Api, services: Services, audience: Any) -> None:
    person = await api.sign_up()
    token = signed_anew(person.access_token, services.identity.keys.signing, aud=audience)

    await refused(api, token, "token_invalid")
    assert not await is_active(api, services, token)


async def test_token_of_a_deployment_with_the_same_keys_is_refused_where_another_audience_is_meant(
    api: Api, services: Services, make_services: MakeServices
) -> None:
    person = await api.sign_up()
    async with started(make_services(jwt_audience="shop")) as app, http_client(app) as client:
        shop = Api(client)
        own = await shop.sign_in()

        assert (await shop.user_board(own.access_token)).status_code == 200
        await refused(shop, person.access_token, "token_invalid")
    await refused(api, own.access_token, "token_invalid")
