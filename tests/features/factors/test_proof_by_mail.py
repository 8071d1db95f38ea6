"""A fresh proof by a code by mail, of an account that has neither a password nor a second factor."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.settings import EmailSignIn
from gatepost.identity.accounts.models import User
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.email_codes import EMAIL, Tab, wrong
from tests.support.factors import ME, prove_address, set_up_app
from tests.support.links import Mail, take_mails
from tests.support.passkeys import add_passkey, prove_with
from tests.support.workers import claims

ASK = "/api/auth/reauthenticate/email-code"
AGAIN = "/api/auth/reauthenticate"
LATER = {"minutes": 6}


@pytest.fixture
async def owner(api: Api, services: Services, clock: FakeClock) -> Person:
    """Return somebody whose account was made by a code by mail, some time after that."""
    body = (await Tab(api, services).signed_in()).json()
    clock.advance(**LATER)
    await services.identity.revocations.poll()
    return Person(body["id"], body["username"], body["email"], "", body["accessToken"], body["refreshToken"])


async def asked(api: Api, services: Services, owner: Person) -> Mail:
    answer = await api.post(ASK, headers=owner.headers)
    assert answer.status_code == 202, answer.text
    [mail] = await take_mails(services)
    return mail


async def prove(api: Api, owner: Person, code: str) -> Person:
    answer = await api.post(AGAIN, json={"method": "email_code", "code": code}, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return replace(owner, access_token=answer.json()["accessToken"])


@pytest.mark.both_databases
async def test_code_is_a_fresh_proof(api: Api, services: Services, owner: Person, clock: FakeClock) -> None:
    refused = assert_problem(await api.post(f"{ME}/totp", headers=owner.headers), 401, "step_up_required")
    assert refused["methods"] == ["email_code"]

    mail = await asked(api, services, owner)
    assert (mail.kind, mail.address) == ("confirmation_code", EMAIL)
    proved = await prove(api, owner, mail.code)

    said = claims(proved.access_token)
    assert (said["amr"], said["auth_time"]) == (["email"], int(clock.now().timestamp()))
    assert (await api.post(f"{ME}/totp", headers=proved.headers)).status_code == 200


async def test_account_made_by_a_code_can_set_its_first_password(api: Api, services: Services, owner: Person) -> None:
    proved = await prove(api, owner, (await asked(api, services, owner)).code)

    body = {"newPassword": "another horse 12"}
    assert (await api.post("/api/auth/password/change", json=body, headers=proved.headers)).status_code == 204

    assert (await api.sign_in(owner.username, password=body["newPassword"])).id == owner.id


async def test_code_is_good_in_its_session_and_for_this_alone(api: Api, services: Services, owner: Person) -> None:
    tab = Tab(api, services)
    other = (await tab.signed_in()).json()
    mail = await asked(api, services, owner)
    answer = {"method": "email_code", "code": mail.code}

    elsewhere = await api.post(AGAIN, json=answer, headers={"Authorization": f"Bearer {other['accessToken']}"})
    assert_problem(elsewhere, 401, "invalid_code")
    assert_problem(await tab.enter(mail.code), 401, "invalid_code")
    await prove(api, owner, mail.code)
    assert_problem(await api.post(AGAIN, json=answer, headers=owner.headers), 401, "invalid_code")


@pytest.mark.both_databases
async def test_wrong_codes_make_the_session_wait_and_no_other(
    api: Api, services: Services, owner: Person, clock: FakeClock
) -> None:
    code = (await asked(api, services, owner)).code
    for _ in range(5):
        answer = await api.post(AGAIN, json={"method": "email_code", "code": wrong(code)}, headers=owner.headers)
        assert_problem(answer, 401, "invalid_code")
    fresh = (await asked(api, services, owner)).code

    answer = await api.post(AGAIN, json={"method": "email_code", "code": fresh}, headers=owner.headers)

    assert_problem(answer, 429, "too_many_attempts")
    assert (await Tab(api, services).signed_in()).status_code == 200


async def test_account_with_a_password_proves_by_that(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    await prove_address(services, person)

    refused = assert_problem(await api.post(ASK, headers=person.headers), 401, "step_up_required")
    assert refused["methods"] == ["password"]
    body = {"method": "email_code", "code": "123456"}
    assert_problem(await api.post(AGAIN, json=body, headers=person.headers), 401, "step_up_required")
    assert await take_mails(services) == []


async def test_account_with_a_second_factor_proves_by_that(api: Api, services: Services, owner: Person) -> None:
    proved = await prove(api, owner, (await asked(api, services, owner)).code)
    mail = await asked(api, services, proved)
    await set_up_app(api, services, proved)

    refused = assert_problem(await api.post(ASK, headers=owner.headers), 401, "step_up_required")
    assert refused["methods"] == ["totp", "recovery_code"]
    body = {"method": "email_code", "code": mail.code}
    assert_problem(await api.post(AGAIN, json=body, headers=owner.headers), 401, "step_up_required")


async def test_code_does_not_go_to_an_address_that_nobody_has_proved(api: Api, services: Services) -> None:
    person = await api.sign_up()
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).values(password_hash=UNUSABLE_HASH))
    await take_mails(services)

    refused = assert_problem(await api.post(ASK, headers=person.headers), 401, "step_up_required")

    assert "methods" not in refused
    assert await take_mails(services) == []


async def test_proof_by_mail_is_there_where_nobody_signs_in_by_mail(
    api: Api, make_services: MakeServices, owner: Person
) -> None:
    services = make_services(email_sign_in=EmailSignIn.OFF)
    async with started(services) as app, http_client(app) as client:
        off = Api(client)

        await prove(off, owner, (await asked(off, services, owner)).code)


@pytest.mark.parametrize("email_sign_in", EmailSignIn)
async def test_last_passkey_can_go_where_its_owner_signs_in_by_mail(
    make_services: MakeServices, clock: FakeClock, email_sign_in: EmailSignIn
) -> None:
    before, services = make_services(), make_services(email_sign_in=email_sign_in)
    async with started(before) as app, http_client(app) as client:
        api = Api(client)
        body = (await Tab(api, before).signed_in()).json()
        person = Person(body["id"], body["username"], EMAIL, "", body["accessToken"], body["refreshToken"])
        browser = await add_passkey(api, before, person)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await prove_with(api, person, browser)
        [passkey] = (await api.get(f"{ME}/passkeys", headers=person.headers)).json()["passkeys"]

        answer = await api.delete(f"{ME}/passkeys/{passkey['id']}", headers=person.headers)

    if email_sign_in is EmailSignIn.ON:
        assert answer.status_code == 204, answer.text
    else:
        assert_problem(answer, 409, "last_way_in")
