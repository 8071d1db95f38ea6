"""`gatepost.sdk`: what its dependencies let through, and what they answer."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.sdk import Gatepost, Unauthorized, UserPrincipal
from tests.features.sdk.conftest import MakeGatepost, Network, Notes, notes_app, notes_of, until_it_answers
from tests.support.api import Api
from tests.support.attacks.target import signed_anew
from tests.support.clock import FakeClock

JWKS = "/.well-known/jwks.json"


async def test_good_token_says_who_it_is(api: Api, notes: Notes) -> None:
    person = await api.sign_up()

    answer = await notes.me(person.access_token)

    assert (answer.status_code, answer.json()) == (200, {"id": person.id, "name": "Abbey Salami", "roles": ["user"]})


async def test_token_in_the_other_header_is_good_and_the_first_decides(api: Api, notes: Notes) -> None:
    person = await api.sign_up()

    assert (await notes.api.get("/me", headers={"x-access-token": person.access_token})).status_code == 200
    both = {"Authorization": "Bearer wrong", "x-access-token": person.access_token}
    _is_refused(await notes.api.get("/me", headers=both), "token_invalid")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp4"}, {"Authorization": "Bearer "}])
async def test_request_without_a_token_is_401(notes: Notes, headers: dict[str, str]) -> None:
    answer = await notes.api.get("/me", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["detail"] == {"code": "token_missing", "message": "Unauthorized!"}
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "e30.e30.e30", "eyJraWQiOiJ4In0.e30.e30", "." * 100, "x" * 9000])
async def test_text_that_is_no_token_is_401(notes: Notes, token: str) -> None:
    headers = [(b"Authorization", f"Bearer {token}".encode())]

    _is_refused(await notes.api.client.get("/me", headers=headers), "token_invalid")


async def test_refresh_token_is_401(api: Api, notes: Notes) -> None:
    _is_refused(await notes.me((await api.sign_up()).refresh_token), "token_invalid")


async def test_expired_token_is_401(api: Api, services: Services, notes: Notes, clock: FakeClock) -> None:
    person = await api.sign_up()
    assert (await notes.me(person.access_token)).status_code == 200
    clock.advance(minutes=1440)

    _is_refused(await notes.me(person.access_token), "token_expired")


async def test_token_is_401_before_its_time_comes(api: Api, services: Services, notes: Notes, clock: FakeClock) -> None:
    person = await api.sign_up()
    begins = int(clock.now().timestamp()) + 62
    token = signed_anew(person.access_token, services.identity.keys.signing, nbf=begins)

    _is_refused(await notes.me(token), "token_invalid")
    # Two clocks may differ by a minute.
    clock.advance(seconds=2)
    assert (await notes.me(token)).status_code == 200


@pytest.mark.parametrize("audience", [None, "", "shop", "GATEPOST", ["gatepost"], ["shop", "gatepost"]])
async def test_token_for_another_audience_is_401(api: Api, services: Services, notes: Notes, audience: object) -> None:
    person = await api.sign_up()
    token = signed_anew(person.access_token, services.identity.keys.signing, aud=audience)

    _is_refused(await notes.me(token), "token_invalid")
    assert (await notes.me(person.access_token)).status_code == 200


async def test_service_that_waits_for_another_audience_lets_nobody_in(
    api: Api, make_gatepost: MakeGatepost, network: Network
) -> None:
    person = await api.sign_up()
    async with notes_of(make_gatepost(audience="shop"), network) as notes:
        # The issuer says whom its tokens are for, so nothing of it is taken.
        assert (await notes.me(person.access_token)).status_code == 503


async def test_role_that_is_missing_is_403(api: Api, services: Services, notes: Notes) -> None:
    person = await api.sign_up()

    refused = await notes.api.get("/admin", headers=person.headers)

    assert refused.status_code == 403
    assert refused.json()["detail"] == {"code": "role_required", "message": "Require Admin Role!"}


async def test_role_that_is_there_passes(api: Api, make_gatepost: MakeGatepost) -> None:
    person = await api.sign_up()
    async with make_gatepost() as gatepost:
        principal = await gatepost.verify(person.access_token)

        assert principal.roles == ("user",)
        assert await gatepost.require_role("user")(principal) is principal


async def test_ended_session_is_401(api: Api, notes: Notes) -> None:
    ended, other = await api.sign_up(), await api.sign_in()
    assert (await notes.me(ended.access_token)).status_code == 200

    await api.post("/api/auth/signout", headers=ended.headers)

    answer = await until_it_answers(lambda: notes.me(ended.access_token), 401)
    _is_refused(answer, "token_revoked")
    assert (await notes.me(other.access_token)).status_code == 200


async def test_session_that_ended_before_the_start_is_401_at_once(
    api: Api, make_gatepost: MakeGatepost, network: Network
) -> None:
    person = await api.sign_up()
    await api.post("/api/auth/signout", headers=person.headers)

    async with notes_of(make_gatepost(), network) as notes:
        _is_refused(await notes.me(person.access_token), "token_revoked")


async def test_changed_account_is_401_until_the_token_is_refreshed(
    api: Api, services: Services, database: Database, notes: Notes
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)

    answer = await until_it_answers(lambda: notes.me(person.access_token), 401)

    _is_refused(answer, "token_stale")
    refreshed = (await api.refresh(person.refresh_token)).json()
    assert (await notes.me(refreshed["accessToken"])).status_code == 200


async def test_token_of_a_rotated_key_is_good_at_once_for_many_at_a_time(
    api: Api, services: Services, notes: Notes, clock: FakeClock
) -> None:
    # Two rotations in haste: the key that signs now was never published before.
    for _ in range(2):
        await services.admin.key_rotation.rotate(force=True)
    await services.identity.keys.load()
    person = await api.sign_up()
    clock.advance(seconds=10)
    asked = notes.network.times(JWKS)

    answers = await asyncio.gather(*(notes.me(person.access_token) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert notes.network.times(JWKS) == asked + 1


async def test_unknown_key_is_looked_for_at_most_every_ten_seconds(notes: Notes, clock: FakeClock) -> None:
    asked = notes.network.times(JWKS)
    token = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im5vYm9keXMiLCJ0eXAiOiJhdCtqd3QifQ.e30.AAAA"

    for _ in range(5):
        _is_refused(await notes.me(token), "token_invalid")
    assert notes.network.times(JWKS) == asked
    clock.advance(seconds=10)
    for _ in range(5):
        _is_refused(await notes.me(token), "token_invalid")
    assert notes.network.times(JWKS) == asked + 1


async def test_retired_key_is_noticed_when_the_keys_are_read_again(
    api: Api, services: Services, notes: Notes, clock: FakeClock
) -> None:
    person = await api.sign_up()
    old = services.identity.keys.signing.kid
    await services.admin.key_rotation.rotate(force=True)
    await services.admin.key_rotation.retire(old, force=True)
    await services.identity.keys.load()
    assert (await notes.me(person.access_token)).status_code == 200

    clock.advance(seconds=300)
    await services.identity.revocations.poll()

    _is_refused(await until_it_answers(lambda: notes.me(person.access_token), 401), "token_invalid")


async def test_app_that_forgot_the_lifespan_is_told(api: Api, make_gatepost: MakeGatepost, network: Network) -> None:
    person = await api.sign_up()

    with pytest.raises(RuntimeError, match=r"write FastAPI\(lifespan=gatepost.lifespan\)"):
        await make_gatepost().verify(person.access_token)


async def test_gatepost_can_be_entered_again(api: Api, make_gatepost: MakeGatepost) -> None:
    person = await api.sign_up()
    gatepost = make_gatepost()
    for _ in range(2):
        async with gatepost:
            assert (await gatepost.verify(person.access_token)).user_id == person.id
    with pytest.raises(RuntimeError, match="not running"):
        await gatepost.verify(person.access_token)


async def test_issuer_is_reached_at_another_address(api: Api, make_gatepost: MakeGatepost, app: FastAPI) -> None:
    person = await api.sign_up()
    hosts: set[str] = set()

    async def note(request: httpx.Request) -> None:
        hosts.add(request.url.netloc.decode())

    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), event_hooks={"request": [note]}) as http,
        make_gatepost(address="http://gatepost:9000/", http=http) as gatepost,
    ):
        assert (await gatepost.verify(person.access_token)).user_id == person.id
    assert hosts == {"gatepost:9000"}


async def test_docs_of_the_app_ask_for_a_token(make_gatepost: MakeGatepost) -> None:
    document: dict[str, Any] = notes_app(make_gatepost()).openapi()

    assert document["paths"]["/me"]["get"]["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert "parameters" not in document["paths"]["/admin"]["get"]


async def test_verify_tells_what_is_wrong_by_its_error(api: Api, make_gatepost: MakeGatepost) -> None:
    person = await api.sign_up()
    async with make_gatepost() as gatepost:
        principal = await gatepost.verify(person.access_token)
        assert isinstance(principal, UserPrincipal)
        with pytest.raises(Unauthorized) as refusal:
            await gatepost.verify("x")
    assert refusal.value.code == "token_invalid"


def test_secret_is_not_in_any_repr() -> None:
    gatepost = Gatepost(issuer="http://localhost:8080", client_id="notes", client_secret="gps_very_secret")

    assert "gps_" not in repr(gatepost) + repr(gatepost._issuer) + repr(gatepost._issuer._settings)


def _is_refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.json()["detail"] == {"code": code, "message": "Unauthorized!"}
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
