"""Signing up with a passkey, and never having a password."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import encode
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import Passkey, PasskeyChallenge
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import begin_sign_in, go_on
from tests.support.links import take_link, take_mails
from tests.support.passkeys import Browser, ask, pass_time, sign_in_with
from tests.support.workers import claims
from tests.unit.passkeys.authenticator import AT, UP

NAMES = {"username": "Abbey Salami", "email": "abbey.salami@example.com"}
NEW = "another horse 12"
SIGN_UP = "/api/auth/signup"


async def begin(api: Api, **names: str) -> dict[str, Any]:
    answer = await api.post(f"{SIGN_UP}/passkey/options", json=NAMES | names)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


async def sign_up(api: Api, options: dict[str, Any], credential: Any, **other: Any) -> httpx.Response:
    body = {**NAMES, "challengeId": options["challengeId"], "credential": credential, **other}
    return await api.post(SIGN_UP, json=body)


async def signed_up(api: Api, browser: Browser) -> tuple[Person, list[str]]:
    """Sign up with a passkey, and return who that is, and the recovery codes."""
    options = await begin(api)
    answer = await sign_up(api, options, browser.create(options["publicKey"]))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    person = Person(body["id"], body["username"], body["email"], "", body["accessToken"], body["refreshToken"])
    return person, body["recoveryCodes"]


@pytest.mark.both_databases
async def test_passkey_makes_an_account_that_no_password_opens(api: Api, database: Database) -> None:
    options, browser = await begin(api), Browser.new()
    assert options["publicKey"]["user"]["name"] == "Abbey Salami"

    answer = await sign_up(api, options, browser.create(options["publicKey"]))

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["message"] == "User registered successfully!"
    assert len(set(body["recoveryCodes"])) == 10
    said = claims(body["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:phr", ["swk", "user", "mfa"])
    assert (await api.refresh(body["refreshToken"])).status_code == 200
    person = Person(body["id"], body["username"], body["email"], "", body["accessToken"], body["refreshToken"])
    for guess in ("!", "", PASSWORD):
        assert_problem(await begin_sign_in(api, person, guess), 401, "invalid_credentials")
    assert (await sign_in_with(api, browser)).json()["id"] == body["id"]
    async with database.read() as tx:
        assert not (await tx.scalars(select(User))).one().has_password


async def test_answer_of_a_sign_up_by_password_has_nothing_new(api: Api) -> None:
    answer = await api.post(SIGN_UP, json={**NAMES, "password": PASSWORD})

    assert set(answer.json()) == {
        "id", "username", "email", "roles", "tokenType", "accessToken", "expiresIn", "refreshToken",
        "refreshExpiresIn", "message",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"password": PASSWORD}, "one_way_needed"),
        ({"challengeId": None}, "one_way_needed"),
        ({"credential": None}, "one_way_needed"),
        ({"credential": None, "challengeId": None}, "missing"),
    ],
)
async def test_there_is_exactly_one_way(api: Api, extra: dict[str, Any], code: str) -> None:
    answer = await api.post(SIGN_UP, json={**NAMES, "challengeId": "x", "credential": {}, **extra})

    body = assert_problem(answer, 422, "validation_failed")
    assert [(item["field"], item["code"]) for item in body["errors"]] == [("password", code)]


@pytest.mark.parametrize(
    "lie",
    [
        {"flags": UP | AT},
        {"client": {"origin": "http://localhost:8081"}},
        {"client": {"challenge": encode(b"\x01" * 32)}},
        {"client": {"type": "webauthn.get"}},
        {"rp_id": "example.com"},
        {"attestation": b"\xa0"},
    ],
    ids=str,
)
async def test_wrong_response_makes_no_account(api: Api, database: Database, lie: dict[str, Any]) -> None:
    options = await begin(api)

    answer = await sign_up(api, options, Browser.new().create(options["publicKey"], **lie))

    assert_problem(answer, 403, "wrong_passkey")
    again = await sign_up(api, options, Browser.new().create(options["publicKey"]))
    assert_problem(again, 403, "wrong_passkey")
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 0


async def test_challenge_is_for_these_names_this_purpose_and_ten_minutes(
    api: Api, services: Services, clock: FakeClock
) -> None:
    options, browser = await begin(api), Browser.new()
    credential = browser.create(options["publicKey"])
    other = await sign_up(api, options, credential, username="Somebody")
    assert_problem(other, 403, "wrong_passkey")
    anybodys = await ask(api)
    swapped = {**options["publicKey"], "challenge": anybodys["publicKey"]["challenge"]}
    assert_problem(await sign_up(api, anybodys, browser.create(swapped)), 403, "wrong_passkey")
    assert (await sign_up(api, options, credential, username="abbey salami")).status_code == 201

    late = await begin(api, username="late", email="late@example.com")
    await pass_time(services, clock, minutes=10)
    answer = await sign_up(
        api, late, Browser.new(b"\x01" * 16).create(late["publicKey"]), username="late", email="late@example.com"
    )
    assert_problem(answer, 403, "wrong_passkey")


async def test_options_tell_nothing_of_names_that_are_taken(api: Api) -> None:
    free = await begin(api)
    await api.sign_up()
    taken = await begin(api)

    for options in (free, taken):
        del options["challengeId"], options["publicKey"]["challenge"], options["publicKey"]["user"]["id"]
    assert free == taken
    options = await begin(api)
    answer = await sign_up(api, options, Browser.new().create(options["publicKey"]))
    assert_problem(answer, 400, "username_taken")


async def test_sign_up_that_is_sent_twice_is_not_told_that_its_own_names_are_taken(api: Api) -> None:
    options, browser = await begin(api), Browser.new()
    credential = browser.create(options["publicKey"])
    assert (await sign_up(api, options, credential)).status_code == 201

    assert_problem(await sign_up(api, options, credential), 403, "wrong_passkey")

    assert (await sign_in_with(api, browser)).status_code == 200


@pytest.mark.both_databases
async def test_of_equal_sign_ups_at_once_one_makes_an_account(api: Api, database: Database) -> None:
    options = await begin(api)
    credential = Browser.new().create(options["publicKey"])

    answers = await asyncio.gather(*(sign_up(api, options, credential) for _ in range(6)))

    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} <= {201, 400, 403}
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(User)) == 1
        assert await tx.scalar(select(func.count()).select_from(Passkey)) == 1
        assert await tx.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0


@pytest.mark.both_databases
async def test_passkey_of_an_account_makes_no_second_one(api: Api) -> None:
    browser = Browser.new()
    person, _ = await signed_up(api, browser)
    names = {"username": "thief", "email": "thief@example.com"}
    options = await begin(api, **names)

    copied = Browser.new(browser.authenticator.credential_id).create(options["publicKey"])

    assert_problem(await sign_up(api, options, copied, **names), 403, "wrong_passkey")
    assert (await sign_in_with(api, browser)).json()["id"] == person.id


async def test_lost_passkey_is_recovered_by_mail_and_a_recovery_code(api: Api, services: Services) -> None:
    person, codes = await signed_up(api, Browser.new())
    verify = await take_link(services, "verify_email")
    followed = await api.post("/api/auth/email/verify", json={"token": verify}, headers=person.headers)
    assert followed.status_code == 200, followed.text
    await api.post("/api/auth/password/forgot", json={"email": person.email})
    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200

    refused = assert_problem(await begin_sign_in(api, person, NEW), 401, "second_factor_required")

    assert (await go_on(api, refused["pendingToken"], codes[0], "recovery_code")).status_code == 200


async def test_stranger_takes_no_address_hostage(api: Api, services: Services) -> None:
    strangers = Browser.new()
    person, _ = await signed_up(api, strangers)
    await take_mails(services)
    await api.post("/api/auth/password/forgot", json={"email": person.email})

    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200

    assert (await begin_sign_in(api, person, NEW)).status_code == 200
    assert_problem(await sign_in_with(api, strangers), 401, "passkey_invalid")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")


async def test_address_that_must_be_proved_is_proved_before_the_first_sign_in(make_services: MakeServices) -> None:
    services, browser = make_services(email_verification="required"), Browser.new()
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        options = await begin(api)
        waiting = await sign_up(api, options, browser.create(options["publicKey"]))
        assert (waiting.status_code, set(waiting.json())) == (202, {"message"})
        assert_problem(await sign_in_with(api, browser), 403, "email_unverified")
        verify = await take_link(services, "verify_email")
        alone = await api.post("/api/auth/email/verify", json={"token": verify})
        assert assert_problem(alone, 400, "proof_required")["methods"] == ["passkey"]
        options = await ask(api)
        proof = {"challengeId": options["challengeId"], "credential": browser.get(options["publicKey"])}
        assert (await api.post("/api/auth/email/verify", json={"token": verify, **proof})).status_code == 200
        assert (await sign_in_with(api, browser)).status_code == 200


@pytest.mark.parametrize("changes", [{"second_factor": "off"}, {"signup_reveals_taken": False}])
async def test_where_it_is_not_possible_a_password_is(make_services: MakeServices, changes: dict[str, Any]) -> None:
    async with started(make_services(**changes)) as app, http_client(app) as client:
        answer = await client.post(f"{SIGN_UP}/passkey/options", json=NAMES)
        assert_problem(answer, 403, "passkey_sign_up_unavailable")
        body = {**NAMES, "challengeId": "x", "credential": {}}
        assert_problem(await client.post(SIGN_UP, json=body), 403, "passkey_sign_up_unavailable")


async def test_closed_sign_up_is_closed(make_services: MakeServices) -> None:
    async with started(make_services(signup="closed")) as app, http_client(app) as client:
        assert_problem(await client.post(f"{SIGN_UP}/passkey/options", json=NAMES), 403, "signup_closed")
