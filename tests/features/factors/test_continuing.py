"""Going on with a sign-in: what it takes, what it opens, and what becomes of it when the account changes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.models import PendingSignIn
from gatepost.identity.sessions.models import Session
from tests.features.throttling.conftest import MakeApi
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import App, begin_sign_in, go_on, pending_token, prove_address, refreshed, set_up_app
from tests.support.links import take_link, take_mails
from tests.support.workers import claims

WRONG = "000000"


async def count(database: Database, model: type) -> int:
    async with database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(model)) or 0


async def test_password_and_code_open_a_session_of_two_factors(
    api: Api, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    begun = await begin_sign_in(api, person)
    body = assert_problem(begun, 401, "second_factor_required")
    assert (body["methods"], body["expiresIn"]) == (["totp", "recovery_code"], 600)
    assert body["pendingToken"].startswith("gpq_")
    assert "set-cookie" not in begun.headers
    assert begun.headers["cache-control"] == "no-store"
    sessions = await count(database, Session)
    clock.advance(seconds=20)

    answer = await go_on(api, body["pendingToken"], app_of_person.code(clock.now()))

    assert answer.status_code == 200, answer.text
    plain = await api.sign_up("plain")
    without = await begin_sign_in(api, plain)
    assert answer.json().keys() == without.json().keys()
    assert sorted(answer.headers.keys()) == sorted(without.headers.keys())
    said = claims(answer.json()["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:2", ["pwd", "otp", "mfa"])
    assert said["auth_time"] == int(clock.now().timestamp())
    assert await count(database, Session) == sessions + 3
    assert await count(database, PendingSignIn) == 0


async def test_oauth_form_says_it_in_its_own_words(
    api: Api, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    form = {"grant_type": "password", "username": person.username, "password": PASSWORD}

    answer = await api.post("/api/auth/token", data=form)

    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["mfa_token"][:4]) == ("mfa_required", "gpq_")
    assert (await go_on(api, body["mfa_token"], app_of_person.code(clock.now()))).status_code == 200


async def test_recovery_code_stands_in_for_the_app(api: Api, person: Person, app_of_person: App) -> None:
    token = await pending_token(api, person)

    assert (await go_on(api, token, app_of_person.recovery_codes[0].lower(), "recovery_code")).status_code == 200

    token = await pending_token(api, person)
    assert_problem(await go_on(api, token, app_of_person.recovery_codes[0], "recovery_code"), 401, "invalid_code")


async def test_wrong_password_says_nothing_of_the_factor(api: Api, person: Person, app_of_person: App) -> None:
    with_factor = await begin_sign_in(api, person, "wrong horse")
    without = await api.post("/api/auth/signin", json={"username": "nobody", "password": "wrong horse"})

    assert_problem(with_factor, 401, "invalid_credentials")
    assert {**with_factor.json(), "requestId": ""} == {**without.json(), "requestId": ""}


async def test_code_is_good_for_one_sign_in(api: Api, person: Person, app_of_person: App, clock: FakeClock) -> None:
    first, second = await pending_token(api, person), await pending_token(api, person)
    code = app_of_person.code(clock.now())

    assert (await go_on(api, first, code)).status_code == 200

    assert_problem(await go_on(api, second, code), 401, "invalid_code")
    assert (await go_on(api, second, app_of_person.code(clock.now(), away=1))).status_code == 200


async def test_of_equal_codes_at_once_one_opens_a_session(
    api: Api, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    tokens = [await pending_token(api, person) for _ in range(4)]
    sessions, code = await count(database, Session), app_of_person.code(clock.now())

    answers = await asyncio.gather(*(go_on(api, tokens[index % 4], code) for index in range(20)))

    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 429, 503}
    assert await count(database, Session) == sessions + 1


async def test_pending_sign_in_is_used_once(api: Api, person: Person, app_of_person: App, clock: FakeClock) -> None:
    token = await pending_token(api, person)
    assert (await go_on(api, token, app_of_person.code(clock.now()))).status_code == 200

    again = await go_on(api, token, app_of_person.code(clock.now(), away=1))

    assert_problem(again, 401, "pending_sign_in_invalid")


@pytest.mark.parametrize(("seconds", "is_good"), [(599, True), (600, False)])
async def test_pending_sign_in_ends_after_ten_minutes(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock, seconds: int, is_good: bool
) -> None:
    token = await pending_token(api, person)
    clock.advance(seconds=seconds)

    answer = await go_on(api, token, app_of_person.code(clock.now()))

    assert answer.is_success is is_good, answer.text
    if not is_good:
        assert_problem(answer, 401, "pending_sign_in_invalid")
        await services.operations.purger.run_in_turn()
        assert await count(services.platform.database, PendingSignIn) == 0


@pytest.mark.parametrize("token", ["gpq_nothing", "x", "gpr_1.0.h3Zk", "ä" * 100])
async def test_made_up_token_is_refused(api: Api, person: Person, app_of_person: App, token: str) -> None:
    assert_problem(await go_on(api, token, WRONG), 401, "pending_sign_in_invalid")


Change = Callable[[Api, Services, Person], Awaitable[None]]


async def disabled(_: Api, services: Services, person: Person) -> None:
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(disabled_at=services.platform.clock.now()))


async def password_reset(api: Api, services: Services, person: Person) -> None:
    await api.post("/api/auth/password/forgot", json={"email": person.email})
    body = {"token": await take_link(services, "reset_password"), "password": "another horse"}
    assert (await api.post("/api/auth/password/reset", json=body)).is_success


async def password_changed(api: Api, _: Services, person: Person) -> None:
    person = await refreshed(api, person)
    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    assert (await api.post("/api/auth/password/change", json=body, headers=person.headers)).is_success


async def said_not_me(api: Api, services: Services, person: Person) -> None:
    person = await refreshed(api, person)
    assert (await api.post("/api/users/me/recovery-codes", headers=person.headers)).is_success
    token = await take_link(services, "recovery_codes_replaced")
    assert (await api.post("/api/auth/not-me", json={"token": token})).is_success


async def renamed(api: Api, _: Services, person: Person) -> None:
    assert (await api.patch("/api/users/me", json={"username": "Another"}, headers=person.headers)).is_success


async def restored(_: Api, services: Services, person: Person) -> None:
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(random_id="0123456789abcdef"))


async def erased(_: Api, services: Services, person: Person) -> None:
    async with services.platform.database.begin() as tx:
        await services.identity.deletion.erase(tx, person.id)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (disabled, 403, "account_disabled"),
        (password_reset, 401, "pending_sign_in_invalid"),
        (password_changed, 401, "pending_sign_in_invalid"),
        (said_not_me, 401, "pending_sign_in_invalid"),
        (renamed, 401, "pending_sign_in_invalid"),
        (restored, 401, "pending_sign_in_invalid"),
        (erased, 401, "pending_sign_in_invalid"),
    ],
)
async def test_sign_in_of_an_account_that_has_changed_is_not_gone_on_with(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock,
    change: Change, status: int, code: str,
) -> None:  # fmt: skip
    token = await pending_token(api, person)
    async with services.platform.database.read() as tx:
        before = await tx.scalar(select(func.count()).select_from(Session).where(Session.ended_at.is_(None))) or 0
    await change(api, services, person)

    assert_problem(await go_on(api, token, app_of_person.code(clock.now())), status, code)

    async with services.platform.database.read() as tx:
        after = await tx.scalar(select(func.count()).select_from(Session).where(Session.ended_at.is_(None))) or 0
    assert after <= before


async def test_reset_of_a_password_removes_no_factor_and_opens_no_session(
    api: Api, services: Services, person: Person, app_of_person: App, database: Database
) -> None:
    sessions = await count(database, Session)

    await password_reset(api, services, person)

    assert await count(database, Session) == sessions
    assert_problem(await begin_sign_in(api, person, "another horse"), 401, "second_factor_required")


async def test_wrong_codes_make_wait_over_all_attempts_and_methods(
    api_from: MakeApi,
    services: Services,
    person: Person,
    app_of_person: App,
    clock: FakeClock,
) -> None:
    thief = api_from("198.51.100.1")
    tokens = [await pending_token(thief, person) for _ in range(3)]
    for index in range(5):
        method = "totp" if index % 2 else "recovery_code"
        assert_problem(await go_on(thief, tokens[index % 3], WRONG, method), 401, "invalid_code")

    right = await go_on(thief, await pending_token(thief, person), app_of_person.code(clock.now()))

    assert_problem(right, 429, "too_many_attempts")
    assert right.headers["retry-after"] == "5"
    [mail] = [mail for mail in await take_mails(services) if mail.kind == "codes_guessed"]
    assert (mail.address, "198.51.100.1" in mail.text) == (person.email, True)
    clock.advance(seconds=5)
    assert (await go_on(thief, tokens[0], app_of_person.code(clock.now()))).status_code == 200


async def test_owner_on_a_known_device_does_not_wait_for_a_stranger(
    api_from: MakeApi,
    api: Api,
    person: Person,
    app_of_person: App,
    clock: FakeClock,
) -> None:
    known = await go_on(
        api, await pending_token(api, person), app_of_person.code(clock.now()), **{"X-Device-Token": ""}
    )
    device = {"X-Device-Token": known.headers["x-device-token"]}
    thief = api_from("198.51.100.1")
    token = await pending_token(thief, person)
    for _ in range(6):
        await go_on(thief, token, WRONG)
    clock.advance(seconds=4)

    owner = await begin_sign_in(api, person, **device)
    code = app_of_person.code(clock.now(), away=1)

    assert (await go_on(api, owner.json()["pendingToken"], code, **device)).status_code == 200
    assert_problem(await go_on(thief, token, WRONG), 429, "too_many_attempts")


async def test_guesses_at_once_get_no_more_answers_than_one_by_one(
    api: Api, person: Person, app_of_person: App, database: Database
) -> None:
    tokens = [await pending_token(api, person) for _ in range(3)]

    answers = await asyncio.gather(*(go_on(api, tokens[index % 3], WRONG) for index in range(20)))

    statuses = Counter(answer.status_code for answer in answers)
    # On a machine that is busy with other things somebody may wait for the rows too long.
    assert (statuses[401], statuses[401] + statuses[429] + statuses[503]) == (5, 20)
    async with database.read() as tx:
        reasons = [entry.details.get("reason") for entry in await tx.scalars(select(AuditEntry))]
    assert reasons.count("wrong_code") == 5


async def test_new_device_is_told_of_once_it_is_signed_in(
    api_from: MakeApi,
    services: Services,
    person: Person,
    app_of_person: App,
    clock: FakeClock,
) -> None:
    away = api_from("198.51.100.1")
    token = await pending_token(away, person)
    assert await take_mails(services) == []

    await go_on(away, token, app_of_person.code(clock.now()))

    assert [mail.kind for mail in await take_mails(services)] == ["new_device"]


async def test_sign_in_with_a_code_takes_a_deletion_back(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    person = await refreshed(api, person)
    await api.client.request("DELETE", "/api/users/me", headers=person.headers)
    token = await pending_token(api, person)
    async with database.read() as tx:
        assert await tx.scalar(select(User.erase_at)) is not None

    assert (await go_on(api, token, app_of_person.code(clock.now()))).status_code == 200

    async with database.read() as tx:
        assert await tx.scalar(select(User.erase_at)) is None


async def test_session_of_one_factor_that_was_opened_before_the_app_counted_goes_on_no_more(
    api: Api, services: Services, person: Person, database: Database, clock: FakeClock
) -> None:
    await prove_address(services, person)
    await set_up_app(api, services, person)
    async with database.begin() as tx:
        await tx.execute(update(Session).values(acr="urn:gatepost:acr:1", amr="pwd"))

    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
