"""A passkey as the second factor of a sign-in by password."""

from typing import Any

import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import encode
from gatepost.core.db.database import Database
from gatepost.identity.assurance.models import PendingSignIn
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import pending_token
from tests.support.passkeys import OPTIONS, Browser, add_passkey, ask, go_on_with, pass_time, prove_with
from tests.support.workers import claims
from tests.unit.passkeys.authenticator import UP


@pytest.mark.both_databases
async def test_passkey_goes_on_with_a_sign_in_once(
    api: Api, owner: Person, browser: Browser, database: Database
) -> None:
    token = await pending_token(api, owner)
    options = await ask(api, token)
    allowed = [one["id"] for one in options["publicKey"]["allowCredentials"]]
    assert allowed == [encode(browser.authenticator.credential_id)]
    credential = browser.get(options["publicKey"])

    answer = await go_on_with(api, token, options, credential)

    assert answer.status_code == 200, answer.text
    said = claims(answer.json()["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:phr", ["pwd", "swk", "user", "mfa"])
    assert_problem(await go_on_with(api, token, options, credential), 401, "pending_sign_in_invalid")
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(PendingSignIn)) == 0


async def test_security_key_that_sends_no_handle_is_enough_here(api: Api, owner: Person, browser: Browser) -> None:
    token = await pending_token(api, owner)
    options = await ask(api, token)

    credential = browser.get(options["publicKey"], response={"userHandle": None})

    assert (await go_on_with(api, token, options, credential)).status_code == 200


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "lie",
    [
        {"flags": UP},
        {"client": {"origin": "http://localhost:8081"}},
        {"signature": b"\x00"},
        {"id": b"\x08" * 32},
        {"response": {"userHandle": encode(b"\x05" * 32)}},
    ],
    ids=str,
)
async def test_wrong_response_uses_its_challenge_up_and_not_the_sign_in(
    api: Api, owner: Person, browser: Browser, lie: dict[str, Any]
) -> None:
    token = await pending_token(api, owner)
    options = await ask(api, token)
    right = browser.get(options["publicKey"])

    wrong = await go_on_with(api, token, options, browser.get(options["publicKey"], **lie))

    assert_problem(wrong, 401, "passkey_invalid")
    assert_problem(await go_on_with(api, token, options, right), 401, "passkey_invalid")
    again = await ask(api, token)
    assert (await go_on_with(api, token, again, browser.get(again["publicKey"]))).status_code == 200


async def test_wrong_passkeys_make_nobody_wait(api: Api, owner: Person, browser: Browser) -> None:
    token = await pending_token(api, owner)
    for _ in range(8):
        options = await ask(api, token)
        wrong = await go_on_with(api, token, options, browser.get(options["publicKey"], signature=b"\x00"))
        assert_problem(wrong, 401, "passkey_invalid")

    options = await ask(api, token)
    assert (await go_on_with(api, token, options, browser.get(options["publicKey"]))).status_code == 200


async def test_challenge_is_of_one_sign_in(api: Api, services: Services, owner: Person, browser: Browser) -> None:
    first, second = await pending_token(api, owner), await pending_token(api, owner)
    for options in (await ask(api), await ask(api, second)):
        answer = await go_on_with(api, first, options, browser.get(options["publicKey"]))
        assert_problem(answer, 401, "passkey_invalid")

    other = await api.sign_up("other")
    theirs = await add_passkey(api, services, other, Browser.new(b"\x07" * 20))
    options = await ask(api, first)
    answer = await go_on_with(api, first, options, theirs.get(options["publicKey"]))
    assert_problem(answer, 401, "passkey_invalid")


async def test_options_need_a_sign_in_that_waits_still(
    api: Api, services: Services, owner: Person, browser: Browser, clock: FakeClock
) -> None:
    token = await pending_token(api, owner)
    for wrong in ("gpq_unknown", owner.access_token[:128], token[:-1]):
        answer = await api.post(OPTIONS, json={"pendingToken": wrong})
        assert_problem(answer, 401, "pending_sign_in_invalid")

    await pass_time(services, clock, minutes=10)
    assert_problem(await api.post(OPTIONS, json={"pendingToken": token}), 401, "pending_sign_in_invalid")
    changed = await pending_token(api, owner)
    owner = await prove_with(api, owner, browser)
    await add_passkey(api, services, owner, Browser.new(b"\x07" * 20))
    assert_problem(await api.post(OPTIONS, json={"pendingToken": changed}), 401, "pending_sign_in_invalid")


@pytest.mark.parametrize(
    "body",
    [
        {"method": "passkey", "code": "123456"},
        {"method": "passkey", "challengeId": "x"},
        {"method": "passkey", "challengeId": "x", "credential": {}, "code": "123456"},
        {"method": "totp"},
        {"method": "totp", "challengeId": "x", "credential": {}},
    ],
)
async def test_each_method_takes_what_is_its_own(api: Api, body: dict[str, Any]) -> None:
    answer = await api.post("/api/auth/signin/continue", json={"pendingToken": "gpq_x", **body})

    assert_problem(answer, 422, "validation_failed")


async def test_wrong_passkeys_that_nobody_counts_fill_no_table(
    api: Api, owner: Person, browser: Browser, database: Database
) -> None:
    token = await pending_token(api, owner)

    for _ in range(5):
        answer = await go_on_with(api, token, {"challengeId": "A" * 22}, browser.get({"challenge": "AA", "rpId": "x"}))
        assert_problem(answer, 401, "passkey_invalid")

    async with database.read() as tx:
        failed = select(func.count()).select_from(AuditEntry).where(AuditEntry.event == "sign_in.failed")
        assert await tx.scalar(failed) == 1
