"""Forgotten, reset and changed passwords."""

import asyncio
from hashlib import sha256

import pytest
from sqlalchemy import select

from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import decode
from gatepost.identity.links.models import OneTimeToken
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_link, take_mails

FORGOT = "/api/auth/password/forgot"
RESET = "/api/auth/password/reset"
CHANGE = "/api/auth/password/change"
NEW = "another horse"


async def ask(api: Api, services: Services, email: str) -> str:
    await take_mails(services)
    assert (await api.post(FORGOT, json={"email": email})).status_code == 202
    return await take_link(services, "reset_password")


async def test_reset_sets_the_password_and_ends_every_session(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)

    answer = await api.post(RESET, json={"token": token, "password": NEW})

    assert answer.status_code == 200
    assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    old = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
    assert_problem(old, 401, "invalid_credentials")
    assert (await api.sign_in(password=NEW)).id == person.id


async def test_reset_proves_the_address(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)
    await api.post(RESET, json={"token": token, "password": NEW})

    profile = await api.get("/api/users/me", headers=(await api.sign_in(password=NEW)).headers)

    assert profile.json()["emailVerified"] is True


async def test_forgot_answers_alike_for_every_address(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await take_mails(services)

    known = await api.post(FORGOT, json={"email": person.email.upper()})
    unknown = await api.post(FORGOT, json={"email": "nobody@example.com"})

    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    varying = ("x-request-id", "date", "ratelimit")
    assert [(k, v) for k, v in known.headers.items() if k not in varying] == [
        (k, v) for k, v in unknown.headers.items() if k not in varying
    ]
    assert [mail.address for mail in await take_mails(services)] == [person.email]


@pytest.mark.both_databases
async def test_token_lies_nowhere_in_plain_text(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)

    async with services.platform.database.read() as tx:
        stored = {
            table.name: str((await tx.execute(select(table))).all()) for table in OneTimeToken.metadata.sorted_tables
        }
    assert sha256(token.encode()).hexdigest() in stored["one_time_tokens"]
    random = token.removeprefix("gpt_")
    assert len(decode(random)) == 32
    assert [name for name, rows in stored.items() if random in rows or decode(random).hex() in rows] == []


@pytest.mark.both_databases
async def test_of_ten_resets_with_one_link_one_wins(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)

    answers = await asyncio.gather(
        *(api.post(RESET, json={"token": token, "password": f"{NEW} {number}"}) for number in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    assert (await api.sign_in(password=f"{NEW} {winner}")).id == person.id


async def test_refused_new_password_leaves_the_link_good(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)

    assert_problem(await api.post(RESET, json={"token": token, "password": "short"}), 422, "password_not_allowed")
    assert (await api.post(RESET, json={"token": token, "password": NEW})).status_code == 200


async def test_changed_password_voids_the_link(api: Api, services: Services) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)
    await api.post(CHANGE, headers=person.headers, json={"currentPassword": PASSWORD, "newPassword": NEW})

    assert_problem(await api.post(RESET, json={"token": token, "password": "third horse"}), 400, "link_invalid")


async def test_link_to_verify_does_not_reset(api: Api, services: Services) -> None:
    await api.sign_up()
    token = await take_link(services, "verify_email")

    assert_problem(await api.post(RESET, json={"token": token, "password": NEW}), 400, "link_invalid")


async def test_link_ends_with_its_time(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    token = await ask(api, services, person.email)
    clock.advance(minutes=60)

    assert_problem(await api.post(RESET, json={"token": token, "password": NEW}), 400, "link_invalid")


async def test_change_keeps_this_session_and_ends_the_others(api: Api, services: Services) -> None:
    person = await api.sign_up()
    other = await api.sign_in()
    await take_mails(services)

    answer = await api.post(CHANGE, headers=person.headers, json={"currentPassword": PASSWORD, "newPassword": NEW})

    assert answer.status_code == 204
    assert (await api.user_board(person.access_token)).status_code == 200
    assert (await api.refresh(person.refresh_token)).status_code == 200
    old = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})
    assert_problem(old, 401, "invalid_credentials")
    assert (await api.sign_in(password=NEW)).id == person.id
    assert_problem(await api.user_board(other.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(other.refresh_token), 403, "refresh_token_invalid")
    assert [mail.kind for mail in await take_mails(services)] == ["password_changed"]


async def test_change_needs_the_current_password(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.post(CHANGE, headers=person.headers, json={"currentPassword": "wrong", "newPassword": NEW})

    assert_problem(answer, 403, "wrong_password")
    assert (await api.sign_in()).id == person.id


@pytest.mark.both_databases
async def test_of_two_changes_at_once_one_wins(api: Api) -> None:
    person = await api.sign_up()

    answers = await asyncio.gather(
        *(
            api.post(
                CHANGE,
                headers=person.headers,
                json={"currentPassword": PASSWORD, "newPassword": f"{NEW} {number}"},
            )
            for number in range(4)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [204, 403, 403, 403]
