"""RFC 7662, and who may ask."""

import base64

import httpx
import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api
from tests.support.clock import FakeClock
from tests.support.workers import claims

Credentials = tuple[str, str]


async def test_good_token_is_active_with_its_claims(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()

    answer = await api.post("/oauth/introspect", data={"token": person.access_token}, auth=credentials)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body == {"active": True, "token_type": "Bearer", **claims(person.access_token)}
    assert (body["sub"], body["username"], body["client_id"]) == (str(person.id), "Abbey Salami", "gatepost")
    assert body["aud"] == "gatepost"
    assert body["iss"] == "http://localhost:8080"


async def test_credentials_may_come_in_the_form(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()
    form = {"token": person.access_token, "client_id": credentials[0], "client_secret": credentials[1]}

    answer = await api.post("/oauth/introspect", data=form)

    assert answer.json()["active"] is True


async def test_hint_and_unknown_fields_are_ignored(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()
    form = {"token": person.access_token, "token_type_hint": "refresh_token", "resource": "https://notes.example"}

    assert (await api.post("/oauth/introspect", data=form, auth=credentials)).json()["active"] is True


async def test_refresh_token_is_never_active(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()
    form = {"token": person.refresh_token, "token_type_hint": "refresh_token"}

    answer = await api.post("/oauth/introspect", data=form, auth=credentials)

    assert (answer.status_code, answer.json()) == (200, {"active": False})


@pytest.mark.parametrize("text", ["x", "a.b.c", "é" * 100, "x" * 8192, "\ud7ff.\u0000.\u007f"])
async def test_text_that_is_no_token_is_not_active(api: Api, credentials: Credentials, text: str) -> None:
    answer = await api.post("/oauth/introspect", data={"token": text}, auth=credentials)

    assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_ended_stale_and_expired_tokens_are_not_active(
    api: Api, services: Services, credentials: Credentials, clock: FakeClock, database: Database
) -> None:
    ended, changed, late = [await api.sign_up(name) for name in ("ended", "changed", "late")]
    await api.post("/api/auth/signout", headers=ended.headers)
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, changed.id)

    async def is_active(token: str) -> bool:
        answer = await api.post("/oauth/introspect", data={"token": token}, auth=credentials)
        assert answer.status_code == 200
        assert answer.json()["active"] or answer.json() == {"active": False}
        return bool(answer.json()["active"])

    assert not await is_active(ended.access_token)
    assert not await is_active(changed.access_token)
    assert await is_active(late.access_token)
    clock.advance(minutes=1440)
    await services.identity.revocations.poll()
    assert not await is_active(late.access_token)


@pytest.mark.parametrize("mode", ["feed", "strict"])
async def test_sign_out_at_another_worker_holds_at_once(
    api: Api, make_services: MakeServices, database: Database, credentials: Credentials, mode: str
) -> None:
    person, other = await api.sign_up(), await api.sign_in()
    async with started(make_services(revocation_mode=mode)) as app, http_client(app) as client:

        async def is_active(token: str) -> bool:
            answer = await client.post("/oauth/introspect", data={"token": token}, auth=credentials)
            assert answer.status_code == 200
            return bool(answer.json()["active"])

        assert await is_active(person.access_token)
        # This worker reads the feed again in a second.
        await api.post("/api/auth/signout", headers=person.headers)
        assert not await is_active(person.access_token)
        assert await is_active(other.access_token)
        async with database.begin() as tx:
            await tx.execute(update(User).where(User.id == other.id).values(token_version=1))
        assert not await is_active(other.access_token)


async def test_what_cannot_be_told_is_not_called_inactive(api: Api, credentials: Credentials, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(seconds=31)

    answer = await api.post("/oauth/introspect", data={"token": person.access_token}, auth=credentials)

    assert answer.status_code == 503
    assert answer.json()["code"] == "revocation_unknown"


async def test_token_of_a_shared_secret_is_introspected(make_services: MakeServices) -> None:
    services = make_services(jwt_algorithm="HS256", jwt_secret="shared-0123456789-abcdefghijklmnopqrstuvwxyz")
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        secret = await services.flows.clients.add("notes", name="Notes")
        person = await api.sign_up()

        answer = await api.post("/oauth/introspect", data={"token": person.access_token}, auth=("notes", secret))

        assert answer.json()["sub"] == str(person.id)


def _basic(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic bm90ZXM"},
        {"Authorization": "Bearer notes"},
        _basic(b""),
        _basic(b"notes"),
        _basic(b"notes:"),
        _basic(b"notes:gps_wrong"),
        _basic(b"nobody:gps_wrong"),
        _basic(b":" + b"0" * 64),
        _basic(b"\xff\xfe:x"),
        _basic(b"%ED%A0%80:%ED%A0%80"),
        _basic("nötes:nötes".encode()),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/introspect", "/api/auth/revocations"])
async def test_wrong_credentials_are_refused_with_a_challenge(
    api: Api, credentials: Credentials, path: str, headers: dict[str, str]
) -> None:
    if path == "/oauth/introspect":
        answer = await api.post(path, data={"token": "x"}, headers=headers)
        body = answer.json()
        assert (body["error"], body["error_description"]) == ("invalid_client", body["message"])
    else:
        answer = await api.get(path, headers=headers)

    _is_refused(answer)


@pytest.mark.parametrize(
    "form", [{"client_id": "notes"}, {"client_secret": "x"}, {"client_id": "notes", "client_secret": "x"}]
)
async def test_wrong_credentials_in_the_form_are_refused(
    api: Api, credentials: Credentials, form: dict[str, str]
) -> None:
    _is_refused(await api.post("/oauth/introspect", data={"token": "x", **form}))


async def test_feed_takes_no_credentials_from_a_body(api: Api, credentials: Credentials) -> None:
    form = {"client_id": credentials[0], "client_secret": credentials[1]}

    _is_refused(await api.client.request("GET", "/api/auth/revocations", data=form))


async def test_access_token_of_a_person_is_no_credential(api: Api, credentials: Credentials) -> None:
    person = await api.sign_up()

    _is_refused(await api.post("/oauth/introspect", data={"token": person.access_token}, headers=person.headers))
    _is_refused(await api.get("/api/auth/revocations", headers=person.headers))


async def test_question_without_a_token_is_an_invalid_request(api: Api, credentials: Credentials) -> None:
    # RFC 6749, section 3.2: a parameter without a value was not sent.
    for form in ({}, {"token": ""}, {"token": "x" * 8193}):
        answer = await api.post("/oauth/introspect", data=form, auth=credentials)

        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert (body["error"], body["error_description"]) == ("invalid_request", body["message"])
        assert "x" * 100 not in answer.text


def _is_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "invalid_client"
    assert answer.headers["www-authenticate"] == 'Basic realm="gatepost", charset="UTF-8"'
    assert answer.headers["cache-control"] == "no-store"
