"""Deployments in which people, or those who administer, have to have a second factor."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import EmailVerification, SecondFactor
from gatepost.identity.accounts.models import Role
from gatepost.identity.factors.models import Passkey
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.principal import Acr
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import App, go_on, secret_of, set_up_app
from tests.support.links import take_mails
from tests.support.passkeys import Browser, ask, go_on_with, sign_in_with
from tests.support.workers import claims

SIGN_UP = {"username": "Newcomer", "email": "newcomer@example.com", "password": PASSWORD}
SIGN_IN = {"username": "Newcomer", "password": PASSWORD}


@asynccontextmanager
async def api_of(services: Services) -> AsyncIterator[Api]:
    """Give the API of services, started."""
    async with started(services) as running, http_client(running) as client:
        yield Api(client)


@pytest.fixture
def strict(make_services: MakeServices) -> Services:
    """Return a deployment in which everybody has to have one."""
    return make_services(second_factor=SecondFactor.REQUIRED, email_verification=EmailVerification.OFF)


@pytest.mark.both_databases
async def test_first_factor_is_set_up_at_the_sign_in_that_needs_it(
    strict: Services, database: Database, clock: FakeClock
) -> None:
    async with api_of(strict) as api:
        signed_up = assert_problem(await api.post("/api/auth/signup", json=SIGN_UP), 401, "second_factor_required")
        assert (signed_up["methods"], signed_up["enrolMethods"]) == ([], ["passkey", "totp"])
        pending = assert_problem(await api.post("/api/auth/signin", json=SIGN_IN), 401, "second_factor_required")
        async with database.read() as tx:
            assert await tx.scalar(select(func.count()).select_from(Session)) == 0
        token = pending["pendingToken"]

        begun = await api.post("/api/auth/signin/totp", json={"pendingToken": token})

        assert begun.status_code == 200, begun.text
        assert set(begun.json()) == {"secret", "otpauthUri", "qrSvg"}
        app = App(secret_of(begun), [])
        assert_problem(await go_on(api, token, "000000"), 401, "invalid_code")
        answer = await go_on(api, token, app.code(clock.now()))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert len(set(body["recoveryCodes"])) == 10
        assert claims(body["accessToken"])["acr"] == Acr.TWO_FACTORS
        assert (await api.refresh(body["refreshToken"])).status_code == 200
        # From now on it is a factor like any other.
        again = assert_problem(await api.post("/api/auth/signin", json=SIGN_IN), 401, "second_factor_required")
        assert again["methods"] == ["totp", "recovery_code"]
        assert "enrolMethods" not in again
        refused = await api.post("/api/auth/signin/totp", json={"pendingToken": again["pendingToken"]})
        assert_problem(refused, 401, "pending_sign_in_invalid")
        clock.advance(minutes=1)
        answer = await go_on(api, again["pendingToken"], app.code(clock.now()))
        assert answer.status_code == 200
        assert "recoveryCodes" not in answer.json()
        assert "second_factor_added" in [mail.kind for mail in await take_mails(strict)]


async def begin_passkey(api: Api, token: str) -> dict[str, Any]:
    """Return a challenge and the options for a passkey of a sign-in that has to set one up."""
    answer = await api.post("/api/auth/signin/passkey", json={"pendingToken": token})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


@pytest.mark.both_databases
async def test_first_factor_may_be_a_passkey(strict: Services) -> None:
    async with api_of(strict) as api:
        body = (await api.post("/api/auth/signup", json=SIGN_UP)).json()
        token, browser = body["pendingToken"], Browser.new()
        options = await begin_passkey(api, token)

        answer = await go_on_with(api, token, options, browser.create(options["publicKey"]))

        assert answer.status_code == 200, answer.text
        assert len(set(answer.json()["recoveryCodes"])) == 10
        said = claims(answer.json()["accessToken"])
        assert (said["acr"], said["amr"]) == (Acr.PHISHING_RESISTANT, ["pwd", "swk", "user", "mfa"])
        assert (await api.refresh(answer.json()["refreshToken"])).status_code == 200
        assert (await sign_in_with(api, browser)).status_code == 200
        again = assert_problem(await api.post("/api/auth/signin", json=SIGN_IN), 401, "second_factor_required")
        assert (again["methods"], "enrolMethods" in again) == (["passkey", "recovery_code"], False)
        refused = await api.post("/api/auth/signin/passkey", json={"pendingToken": again["pendingToken"]})
        assert_problem(refused, 401, "pending_sign_in_invalid")
        assert "passkey_added" in [mail.kind for mail in await take_mails(strict)]


@pytest.mark.both_databases
async def test_passkey_is_set_up_in_the_sign_in_that_asked_for_it(strict: Services, database: Database) -> None:
    async with api_of(strict) as api:
        first = (await api.post("/api/auth/signup", json=SIGN_UP)).json()["pendingToken"]
        second = (await api.post("/api/auth/signin", json=SIGN_IN)).json()["pendingToken"]
        options, browser = await begin_passkey(api, first), Browser.new()
        made = browser.create(options["publicKey"])
        shown = await ask(api, first)
        lie = browser.create((await begin_passkey(api, first))["publicKey"], client={"origin": "https://evil.example"})

        for token, asked, credential in (
            (second, options, made),
            (first, shown, browser.get(shown["publicKey"])),
            (first, shown, made),
            (first, await begin_passkey(api, first), lie),
        ):
            assert_problem(await go_on_with(api, token, asked, credential), 401, "passkey_invalid")

        async with database.read() as tx:
            assert await tx.scalar(select(func.count()).select_from(Passkey)) == 0
            assert await tx.scalar(select(func.count()).select_from(Session)) == 0
        # Nothing of that was a guess.
        assert (await go_on_with(api, first, options, made)).status_code == 200
        assert_problem(await go_on_with(api, second, options, made), 401, "pending_sign_in_invalid")


@pytest.mark.both_databases
async def test_passkey_of_another_account_is_nobodys_first_factor(strict: Services) -> None:
    async with api_of(strict) as api:
        browser = Browser.new()
        for name, status in (("One", 200), ("Two", 401)):
            names = {"username": name, "email": f"{name}@example.com"}
            token = (await api.post("/api/auth/signup", json={**SIGN_UP, **names})).json()["pendingToken"]
            options = await begin_passkey(api, token)
            answer = await go_on_with(api, token, options, browser.create(options["publicKey"]))
            assert answer.status_code == status, answer.text
        assert_problem(answer, 401, "passkey_invalid")


async def test_pending_token_sets_up_the_first_factor_and_nothing_more(strict: Services) -> None:
    async with api_of(strict) as api:
        body = (await api.post("/api/auth/signup", json=SIGN_UP)).json()
        headers = {"Authorization": f"Bearer {body['pendingToken']}"}
        for method, path in (
            ("GET", "/api/users/me"), ("POST", "/api/users/me/totp"), ("GET", "/api/users/me/factors"),
            ("POST", "/api/auth/reauthenticate"), ("GET", "/api/auth/sessions"),
        ):  # fmt: skip
            assert_problem(await api.client.request(method, path, headers=headers), 401, "token_invalid")
        for answer in (
            await go_on(api, body["pendingToken"], "AAAAA-AAAAA", "recovery_code"),
            await go_on(api, body["pendingToken"], "123456"),
        ):
            assert_problem(answer, 401, "invalid_code")


async def test_wrong_first_codes_make_wait_as_all_others(strict: Services) -> None:
    async with api_of(strict) as api:
        token = (await api.post("/api/auth/signup", json=SIGN_UP)).json()["pendingToken"]
        await api.post("/api/auth/signin/totp", json={"pendingToken": token})

        answers = [(await go_on(api, token, "000000")).status_code for _ in range(7)]

        assert answers[:4] == [401] * 4
        assert answers[-1] == 429


async def test_address_is_proved_before_a_factor_is_set_up(make_services: MakeServices) -> None:
    services = make_services(second_factor=SecondFactor.REQUIRED)
    async with api_of(services) as api:
        assert (await api.post("/api/auth/signup", json=SIGN_UP)).status_code == 202
        pending = (await api.post("/api/auth/signin", json=SIGN_IN)).json()

        for method in ("totp", "passkey"):
            answer = await api.post(f"/api/auth/signin/{method}", json={"pendingToken": pending["pendingToken"]})
            assert_problem(answer, 403, "email_unverified")


@pytest.mark.parametrize(
    ("roles", "permissions", "status"),
    [([], [], 200), (["admin"], [], 401), (["keeper"], ["users:read"], 401), (["cook"], ["meals:write"], 200)],
)
async def test_only_those_who_administer_have_to(
    make_services: MakeServices, roles: list[str], permissions: list[str], status: int
) -> None:
    services = make_services(second_factor=SecondFactor.REQUIRED_FOR_ADMINS, email_verification=EmailVerification.OFF)
    async with api_of(services) as api:
        person = await api.sign_up()
        root = await api.sign_up("Root")
        await give(services.platform.database, root.id, ["admin"])
        if permissions:
            async with services.platform.database.begin() as tx:
                tx.add(Role(name=roles[0], description="", permissions=permissions))
        await give(services.platform.database, person.id, roles)

        answer = await api.post("/api/auth/signin", json={"username": person.username, "password": PASSWORD})

        assert answer.status_code == status, answer.text
        assert (await api.refresh(person.refresh_token)).status_code == (200 if status == 200 else 403)


async def test_sessions_of_before_end_at_their_next_refresh(
    make_services: MakeServices, strict: Services, clock: FakeClock
) -> None:
    async with api_of(make_services(email_verification=EmailVerification.OFF)) as api:
        person, other = await api.sign_up(), await api.sign_up("Other")
        services = strict
        await set_up_app(api, services, other)
        raised = (await api.refresh(other.refresh_token)).json()
    async with api_of(strict) as api:
        assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
        assert (await api.refresh(raised["refreshToken"])).status_code == 200


async def test_oauth_form_goes_on_the_same_way(strict: Services) -> None:
    async with api_of(strict) as api:
        await api.post("/api/auth/signup", json=SIGN_UP)
        form = {"grant_type": "password", "username": "Newcomer", "password": PASSWORD}

        answer = await api.post("/api/auth/token", data=form)

        assert (answer.status_code, answer.json()["error"]) == (400, "mfa_required")
        begun = await api.post("/api/auth/signin/totp", json={"pendingToken": answer.json()["mfa_token"]})
        assert begun.status_code == 200


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "stricter",
    [
        {"second_factor": SecondFactor.REQUIRED, "email_verification": EmailVerification.OFF},
        {"email_verification": EmailVerification.REQUIRED},
    ],
    ids=["second_factor", "email_verification"],
)
async def test_session_that_could_not_be_refreshed_gets_no_new_token_by_a_proof(
    make_services: MakeServices, services: Services, stricter: dict[str, Any]
) -> None:
    async with api_of(services) as api:
        person = await api.sign_up()
    async with api_of(make_services(**stricter)) as api:
        body = {"method": "password", "password": PASSWORD}

        answer = await api.post("/api/auth/reauthenticate", json=body, headers=person.headers)

        assert_problem(answer, 401, "token_revoked")
        assert (await api.refresh(person.refresh_token)).status_code == 403


async def test_secrets_at_a_sign_in_are_limited(make_services: MakeServices) -> None:
    services = make_services(
        second_factor=SecondFactor.REQUIRED, email_verification=EmailVerification.OFF, passkey_rate="3/minute"
    )
    async with api_of(services) as api:
        pending = assert_problem(await api.post("/api/auth/signup", json=SIGN_UP), 401, "second_factor_required")
        body = {"pendingToken": pending["pendingToken"]}

        answers = [await api.post("/api/auth/signin/totp", json=body) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
