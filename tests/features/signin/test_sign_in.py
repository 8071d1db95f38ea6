"""Signing in with a password."""

import asyncio
import os
import threading
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gatepost.core.crypto.passwords import Verdict
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import claims


async def test_sign_in_answers_who_it_is_and_opens_a_session(api: Api, database: Database, clock: FakeClock) -> None:
    person = await api.sign_up("Abbey Salami")
    clock.advance(minutes=1)

    answer = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": PASSWORD})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["username"], body["email"]) == (person.id, "Abbey Salami", "abbey.salami@example.com")
    assert body["roles"] == ["ROLE_USER"]
    assert (body["tokenType"], body["expiresIn"], body["refreshExpiresIn"]) == ("Bearer", 86400, 2592000)
    assert answer.headers["cache-control"] == "no-store"
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session)) == 2
    # Nothing of the tokens is the same for each session but what they say of the person.
    assert not {body["accessToken"], body["refreshToken"]} & {person.access_token, person.refresh_token}
    first, second = claims(person.access_token), claims(body["accessToken"])
    assert (first["sub"], first["aud"]) == (second["sub"], second["aud"]) == (str(person.id), "gatepost")
    assert first["sid"] != second["sid"]
    assert first["jti"] != second["jti"]
    assert (second["amr"], second["auth_time"]) == (["pwd"], int(clock.now().timestamp()))
    assert (second["acr"], second["client_id"]) == ("urn:gatepost:acr:1", "gatepost")
    async with database.read() as tx:
        opened = (await tx.scalars(select(Session).where(Session.id == int(second["sid"])))).one()
    assert (opened.kind, opened.acr, opened.authenticated_at) == ("sign_in", "urn:gatepost:acr:1", clock.now())
    assert (opened.client_id, opened.scope, opened.actor_id) == (None, None, None)


@pytest.mark.parametrize("name", ["abbey salami", "ABBEY SALAMI", "Ａbbey Salami", "ABBEY.salami@EXAMPLE.com"])
async def test_name_is_found_however_it_is_written(api: Api, name: str) -> None:
    person = await api.sign_up("Abbey Salami")

    assert (await api.sign_in(name)).id == person.id


async def test_unknown_name_and_wrong_password_look_the_same(api: Api) -> None:
    await api.sign_up("Abbey Salami")

    wrong = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": "wrong horse"})
    unknown = await api.post("/api/auth/signin", json={"username": "Nobody", "password": "wrong horse"})

    assert_problem(unknown, 401, "invalid_credentials")
    body = assert_problem(wrong, 401, "invalid_credentials")
    assert body["message"] == "Invalid username or password!"
    assert {**unknown.json(), "requestId": ""} == {**body, "requestId": ""}


async def test_address_is_taken_in_its_own_field(api: Api) -> None:
    person = await api.sign_up("Abbey Salami", email="heba@gmail.com")

    answer = await api.post("/api/auth/signin", json={"email": "HEBA@gmail.com ", "password": PASSWORD})

    assert answer.json()["id"] == person.id


@pytest.mark.parametrize("path", ["/api/auth/signin", "/api/auth/sigin"])
async def test_both_spellings_of_the_address_sign_in(api: Api, path: str) -> None:
    person = await api.sign_up()

    answer = await api.post(path, json={"username": person.username, "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.json()["id"] == person.id


@pytest.mark.parametrize(
    "body",
    [
        {"username": "Abbey Salami"},
        {"password": PASSWORD},
        {"username": "Abbey Salami", "email": "heba@gmail.com", "password": PASSWORD},
        {"username": None, "email": None, "password": PASSWORD},
        {"username": "", "password": PASSWORD},
        {"username": "Abbey Salami", "password": None},
        {"username": {"$ne": ""}, "password": PASSWORD},
        {"username": "Abbey Salami", "password": ["x"]},
        {"username": "Abbey Salami", "password": PASSWORD, "remember": True},
        {"username": "x" * 321, "password": PASSWORD},
        {"username": "Abbey Salami", "password": "x" * 1025},
        ["Abbey Salami", PASSWORD],
        "Abbey Salami",
        None,
    ],
)
async def test_body_that_is_no_sign_in_is_refused(api: Api, body: object) -> None:
    await api.sign_up()

    assert_problem(await api.post("/api/auth/signin", json=body), 422, "validation_failed")


@pytest.mark.parametrize(
    "name",
    ["x" * 300, f"{'x' * 250}@example.com", "two  spaces", "a@b@c", "@", " ", "' OR 1=1 --", "Abbey%", "Abbey Salam_"],
)
async def test_name_that_nobody_can_have_is_just_unknown(api: Api, name: str) -> None:
    await api.sign_up()

    answer = await api.post("/api/auth/signin", json={"username": name, "password": PASSWORD})

    assert_problem(answer, 401, "invalid_credentials")


@pytest.mark.parametrize(
    "password",
    ["", " ", "correct horse ", "Correct horse", "\x07bell", "\x7f", "x" * 1000, "\U0001d160" * 1024, "\u0301"],
)
async def test_odd_password_is_just_wrong(api: Api, password: str) -> None:
    await api.sign_up()

    for name in ("Abbey Salami", "Nobody"):
        answer = await api.post("/api/auth/signin", json={"username": name, "password": password})
        assert_problem(answer, 401, "invalid_credentials")


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800", r"\udc00\ud800"])
async def test_password_that_is_no_text_is_refused_before_it_is_checked(api: Api, escape: str) -> None:
    await api.sign_up()

    answer = await api.post(
        "/api/auth/signin",
        content=f'{{"username": "Abbey Salami", "password": "correct{escape}horse"}}',
        headers={"Content-Type": "application/json"},
    )

    assert_problem(answer, 400, "malformed_body")


@pytest.mark.parametrize("letter", ["x", "é", "ж", "漢", "ع", "ไ", "😀", "\U0001d160"])
async def test_64_characters_of_any_script_are_a_password(api: Api, letter: str) -> None:
    person = await api.sign_up(password=letter * 64)

    assert (await api.sign_in(password=letter * 64)).id == person.id
    shorter = await api.post("/api/auth/signin", json={"username": person.username, "password": letter * 63})
    assert_problem(shorter, 401, "invalid_credentials")


@pytest.mark.parametrize("password", ["x" * 72 + "end", "x" * 1024, "\U0001d160" * 1024])
async def test_no_byte_of_a_long_password_is_ignored(api: Api, password: str) -> None:
    person = await api.sign_up(password=password)

    assert (await api.sign_in(password=password)).id == person.id
    answer = await api.post("/api/auth/signin", json={"username": person.username, "password": password[:-1]})
    assert_problem(answer, 401, "invalid_credentials")


@pytest.mark.parametrize(
    "other", ["Correct Horse ", " Correct Horse", "correct horse", "CORRECT HORSE", "CorrectHorse", "Correct  Horse"]
)
async def test_password_is_taken_exactly_as_it_was_typed(api: Api, other: str) -> None:
    await api.sign_up(password="Correct Horse")

    assert (await api.sign_in(password="Correct Horse")).username == "Abbey Salami"
    wrong = await api.post("/api/auth/signin", json={"username": "Abbey Salami", "password": other})
    assert_problem(wrong, 401, "invalid_credentials")


async def test_password_is_good_until_it_is_changed(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(days=20 * 365)

    assert (await api.sign_in()).id == person.id


async def test_password_is_the_same_however_its_accents_are_typed(api: Api) -> None:
    person = await api.sign_up(password="caf\u00e9 au lait")

    assert (await api.sign_in(password="cafe\u0301 au lait")).id == person.id


async def test_disabled_account_is_told_only_to_who_knows_its_password(
    api: Api, database: Database, clock: FakeClock
) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=clock.now()))

    right = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
    wrong = await api.post("/api/auth/signin", json={"username": person.username, "password": "wrong horse"})

    assert_problem(right, 403, "account_disabled")
    assert_problem(wrong, 401, "invalid_credentials")
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Session)) == 1


async def test_expired_token_that_rides_along_is_ignored(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()
    clock.advance(minutes=1441)

    answer = await api.post(
        "/api/auth/signin", json={"username": person.username, "password": PASSWORD}, headers=person.headers
    )

    assert answer.status_code == 200


async def test_access_token_lives_as_long_as_the_setting_says(make_services: MakeServices, clock: FakeClock) -> None:
    services = make_services(jwt_access_expiration_minutes=5)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        clock.advance(seconds=299)
        await services.identity.revocations.poll()
        assert (await api.user_board(person.access_token)).status_code == 200
        clock.advance(seconds=1)
        assert_problem(await api.user_board(person.access_token), 401, "token_expired")


async def test_full_queue_of_passwords_is_told_at_once(make_services: MakeServices) -> None:
    services = make_services(password_queue_size=1)
    async with started(services) as app, http_client(app) as client:
        held = threading.Event()
        room = (os.cpu_count() or 1) + 1
        busy = [asyncio.create_task(services.platform.passwords.line.run(partial(held.wait))) for _ in range(room)]
        await asyncio.sleep(0)
        body = {"username": "Abbey Salami", "password": PASSWORD}
        refused = await client.post("/api/auth/signin", json=body)
        held.set()
        await asyncio.gather(*busy)
        served = await client.post("/api/auth/signin", json=body)

    assert_problem(refused, 503, "hashing_busy")
    assert refused.headers["retry-after"] == "1"
    assert_problem(served, 401, "invalid_credentials")


@pytest.mark.both_databases
async def test_address_that_is_replaced_by_an_unproved_one_during_a_sign_in_opens_nothing(
    make_services: MakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services(email_verification="required")
    person = await services.identity.accounts.create(
        NewAccount(parse_username("Abbey"), parse_email("abbey@example.com"), PASSWORD, is_verified=True),
        roles=["user"],
    )
    verify = services.platform.passwords.verify

    async def slow(*args: Any, **options: Any) -> Verdict:
        verdict = await verify(*args, **options)
        async with services.platform.database.begin() as tx:
            changed = {"email_verified_at": None, "version": User.version + 1}
            await tx.execute(update(User).where(User.id == person.id).values(changed))
        return verdict

    monkeypatch.setattr(services.platform.passwords, "verify", slow)
    async with started(services) as app, http_client(app) as client:
        answer = await client.post("/api/auth/signin", json={"username": "Abbey", "password": PASSWORD})

    assert_problem(answer, 403, "email_unverified")
