"""One's own passkeys: adding, seeing, naming and removing them, and an account without a password."""

import asyncio
from typing import Any

import httpx
import pytest
import webauthn
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import decode, encode
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database
from gatepost.core.request_info import RequestInfo
from gatepost.flows.factors.errors import LastWayIn
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import Passkey, PasskeyChallenge, RecoveryCodes, UserHandle
from gatepost.identity.tokens.principal import UserPrincipal
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import ME, begin_sign_in, go_on, pending_token, refreshed, set_up_app
from tests.support.links import take_link, take_mails
from tests.support.passkeys import (
    OWN_ORIGIN,
    Browser,
    add,
    add_passkey,
    ask,
    options_for_new,
    pass_time,
    sign_in_with,
)
from tests.support.workers import claims
from tests.unit.passkeys.authenticator import AT, BE, BS, UP, UV

# What no two passkeys have in common.
OWN = {"id", "credential_id"}
URL = f"{ME}/passkeys"


async def remove(api: Api, person: Person, passkey_id: int, password: str = PASSWORD) -> httpx.Response:
    url = f"{URL}/{passkey_id}"
    return await api.client.request("DELETE", url, json={"password": password}, headers=person.headers)


async def remove_password(api: Api, person: Person) -> httpx.Response:
    body = {"password": PASSWORD}
    return await api.client.request("DELETE", f"{ME}/password", json=body, headers=person.headers)


async def told(services: Services) -> list[str]:
    return [mail.kind for mail in await take_mails(services)]


@pytest.mark.both_databases
async def test_passkey_is_added_and_asked_for_from_then_on(
    api: Api, services: Services, person: Person, database: Database, clock: FakeClock
) -> None:
    options, browser = await options_for_new(api, person), Browser.new()
    public_key = options["publicKey"]
    credential = browser.create(public_key, flags=UP | UV | AT | BE | BS)

    added = await add(api, person, options, credential, name="My phone")

    assert added.status_code == 201, added.text
    assert added.headers["cache-control"] == "no-store"
    body = added.json()
    assert len(set(body.pop("recoveryCodes"))) == 10
    now = clock.now().isoformat().replace("+00:00", "Z")
    assert body == {
        "id": body["id"],
        "name": "My phone",
        "provider": "1Password",
        "synced": True,
        "credentialId": credential["id"],
        "rpId": "localhost",
        "createdAt": now,
        "lastUsedAt": None,
    }
    own = {
        "rpId": "localhost",
        "userHandle": public_key["user"]["id"],
        "username": person.username,
        "passkeys": [body],
    }
    assert (await api.get(URL, headers=person.headers)).json() == own
    assert (await api.get(f"{ME}/factors", headers=person.headers)).json()["passkeys"] == [body]
    assert await told(services) == ["passkey_added"]
    refused = assert_problem(await begin_sign_in(api, person), 401, "second_factor_required")
    assert refused["methods"] == ["passkey", "recovery_code"]
    async with database.read() as tx:
        passkey = (await tx.scalars(select(Passkey))).one()
    second = webauthn.verify_registration_response(
        credential={"clientExtensionResults": {}} | credential,
        expected_challenge=decode(public_key["challenge"]),
        expected_rp_id="localhost",
        expected_origin=OWN_ORIGIN,
        require_user_verification=True,
    )
    assert (second.credential_id, second.credential_public_key) == (passkey.credential_id, passkey.public_key)


async def test_options_are_of_the_account_and_its_passkeys_are_excluded(
    api: Api, services: Services, person: Person
) -> None:
    first, second = await options_for_new(api, person), await options_for_new(api, person)

    user = first["publicKey"]["user"]
    assert (user["name"], user["displayName"], len(decode(user["id"]))) == (person.username, person.username, 32)
    assert user == second["publicKey"]["user"]
    assert first["publicKey"]["rp"] == {"id": "localhost", "name": "Gatepost"}
    assert first["publicKey"]["authenticatorSelection"]["userVerification"] == "required"
    assert first["publicKey"]["excludeCredentials"] == []
    browser = await add_passkey(api, services, person)
    excluded = (await options_for_new(api, await refreshed(api, person)))["publicKey"]["excludeCredentials"]
    assert [one["id"] for one in excluded] == [encode(browser.authenticator.credential_id)]


async def test_session_that_added_the_first_goes_on_as_resistant_to_phishing_and_the_others_end(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    other = await api.sign_in()
    began = claims(person.access_token)["auth_time"]
    await pass_time(services, clock, minutes=2)

    await add_passkey(api, services, person)

    assert_problem(await api.refresh(other.refresh_token), 403, "refresh_token_invalid")
    said = claims((await api.refresh(person.refresh_token)).json()["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:phr", ["pwd", "swk", "user", "mfa"])
    # To add a passkey is no new proof of who somebody is.
    assert said["auth_time"] == began


async def test_second_factor_added_later_ends_no_session_and_makes_no_codes(
    api: Api, services: Services, owner: Person, browser: Browser
) -> None:
    other = (await sign_in_with(api, browser)).json()

    second = await add_passkey(api, services, owner, Browser.new(b"\x07" * 16))
    app = await set_up_app(api, services, owner)

    assert (second.recovery_codes, app.recovery_codes) == ([], [])
    assert (await api.user_board(other["accessToken"])).status_code == 200
    assert (await begin_sign_in(api, owner)).json()["methods"] == ["passkey", "totp", "recovery_code"]


LIES: dict[str, Any] = {
    "another origin": {"client": {"origin": "https://localhost:8080"}},
    "another site": {"rp_id": "example.com"},
    "a frame": {"client": {"crossOrigin": True}},
    "another challenge": {"client": {"challenge": encode(b"\x01" * 32)}},
    "a sign-in": {"client": {"type": "webauthn.get"}},
    "nobody verified": {"flags": UP | AT},
    "no key": {"flags": UP | UV, "attested": b""},
    "a long id": {"attested_id": b"\x09" * 1024, "id": b"\x09" * 1024},
    "two ids": {"attested_id": b"\x08" * 32},
    "no key in it": {"cose": b"\xa0"},
    "no attestation": {"attestation": b"\xa0"},
}


async def test_whatever_is_wrong_has_one_answer(api: Api, person: Person, database: Database) -> None:
    answers = set()
    for lie, given in LIES.items():
        options = await options_for_new(api, person)
        answer = await add(api, person, options, Browser.new().create(options["publicKey"], **given))
        body = assert_problem(answer, 403, "wrong_passkey")
        answers.add(str({name: value for name, value in body.items() if name != "requestId"}))
        again = await add(api, person, options, Browser.new().create(options["publicKey"]))
        assert again.status_code == 403, f"{lie}: its challenge is good once more"

    assert len(answers) == 1
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Passkey)) == 0
        assert await tx.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0


async def test_challenge_is_of_this_session_this_account_and_this_purpose(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    elsewhere, other = await api.sign_in(), await api.sign_up("other")
    options = await options_for_new(api, person)
    credential = Browser.new().create(options["publicKey"])
    for somebody in (elsewhere, other):
        assert_problem(await add(api, somebody, options, credential), 403, "wrong_passkey")
    # It is still valid: a request of somebody else has not used it up.
    assert (await add(api, person, options, credential)).status_code == 201
    assert_problem(await add(api, person, options, credential), 403, "wrong_passkey")

    person = await refreshed(api, person)
    anybodys = await ask(api)
    new = {**options["publicKey"], "challenge": anybodys["publicKey"]["challenge"]}
    assert_problem(await add(api, person, anybodys, Browser.new(b"\x01" * 16).create(new)), 403, "wrong_passkey")
    late = await options_for_new(api, person)
    await pass_time(services, clock, minutes=10)
    credential = Browser.new(b"\x02" * 16).create(late["publicKey"])
    assert_problem(await add(api, person, late, credential), 403, "wrong_passkey")


@pytest.mark.both_databases
async def test_of_equal_responses_at_once_one_is_added(api: Api, person: Person, database: Database) -> None:
    options = await options_for_new(api, person)
    credential = Browser.new().create(options["publicKey"])

    answers = await asyncio.gather(*(add(api, person, options, credential) for _ in range(6)))

    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 5
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(Passkey)) == 1


@pytest.mark.both_databases
async def test_passkey_of_somebody_else_is_not_taken_over(
    api: Api, services: Services, owner: Person, browser: Browser
) -> None:
    thief = await api.sign_up("thief")
    with pytest.raises(AssertionError, match="wrong_passkey"):
        await add_passkey(api, services, thief, Browser.new(browser.authenticator.credential_id))

    assert (await sign_in_with(api, browser)).json()["id"] == owner.id


async def test_adding_and_removing_take_the_password(api: Api, owner: Person, browser: Browser) -> None:
    wrong: dict[str, Any] = {"headers": owner.headers, "json": {"password": "wrong horse"}}

    assert_problem(await api.post(f"{URL}/options", **wrong), 403, "wrong_password")
    assert_problem(await api.client.request("DELETE", f"{URL}/{browser.id}", **wrong), 403, "wrong_password")
    assert_problem(await api.client.request("DELETE", f"{ME}/password", **wrong), 403, "wrong_password")


async def test_address_is_proved_first(api: Api) -> None:
    person = await api.sign_up("unproved")

    answer = await api.post(f"{URL}/options", json={"password": PASSWORD}, headers=person.headers)

    assert_problem(answer, 403, "email_unverified")


async def test_where_second_factors_are_off_none_is_added_and_one_that_is_there_is_good(
    api: Api, owner: Person, browser: Browser, make_services: MakeServices
) -> None:
    async with started(make_services(second_factor="off")) as app, http_client(app) as client:
        off = Api(client)
        answer = await off.post(f"{URL}/options", json={"password": PASSWORD}, headers=owner.headers)
        assert_problem(answer, 403, "second_factors_off")
        assert_problem(await begin_sign_in(off, owner), 401, "second_factor_required")
        assert (await sign_in_with(off, browser)).status_code == 200


async def test_account_has_twenty_at_most(
    api: Api, services: Services, owner: Person, browser: Browser, database: Database
) -> None:
    begun = await options_for_new(api, owner)
    async with database.begin() as tx:
        one = (await tx.scalars(select(Passkey))).one()
        values = {name: value for name, value in vars(one).items() if name not in OWN and name[0] != "_"}
        tx.add_all(Passkey(**values, credential_id=bytes([number]) * 16) for number in range(19))

    answer = await api.post(f"{URL}/options", json={"password": PASSWORD}, headers=owner.headers)

    assert_problem(answer, 409, "too_many_passkeys")
    late = await add(api, owner, begun, Browser.new(b"\xff").create(begun["publicKey"]))
    assert_problem(late, 409, "too_many_passkeys")


async def test_name_is_changed_for_its_owner_alone(
    api: Api, services: Services, owner: Person, browser: Browser
) -> None:
    url, other = f"{URL}/{browser.id}", await api.sign_up("other")

    renamed = await api.patch(url, json={"name": "Säge 🪚"}, headers=owner.headers)

    assert (renamed.status_code, renamed.json()["name"]) == (200, "Säge 🪚")
    assert_problem(await api.patch(url, json={"name": "Mine"}, headers=other.headers), 404, "passkey_not_found")
    assert_problem(await remove(api, other, browser.id), 404, "passkey_not_found")
    for name in ("", " ", "two\nlines", " spaced", "x" * 65):
        assert (await api.patch(url, json={"name": name}, headers=owner.headers)).status_code == 422, name


async def test_removed_passkey_ends_the_other_sessions_that_it_opened(
    api: Api, services: Services, owner: Person, browser: Browser, database: Database
) -> None:
    second = await add_passkey(api, services, owner, Browser.new(b"\x07" * 16))
    by_first, by_second = (await sign_in_with(api, browser)).json(), (await sign_in_with(api, second)).json()
    await take_mails(services)

    assert (await remove(api, owner, browser.id)).status_code == 204

    assert_problem(await api.user_board(by_first["accessToken"]), 401, "token_revoked")
    for session in (by_second["accessToken"], owner.access_token):
        assert (await api.user_board(session)).status_code == 200
    assert await told(services) == ["passkey_removed"]
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(RecoveryCodes)) == 1
        events = (await tx.scalars(select(AuditEntry.event).where(AuditEntry.event.startswith("passkey.")))).all()
    assert sorted(events) == ["passkey.added", "passkey.added", "passkey.removed"]
    assert_problem(await remove(api, owner, browser.id), 404, "passkey_not_found")


async def test_recovery_codes_go_with_the_last_factor(
    api: Api, services: Services, owner: Person, browser: Browser, database: Database, clock: FakeClock
) -> None:
    app = await set_up_app(api, services, owner)
    assert (await remove(api, owner, browser.id)).status_code == 204
    await pass_time(services, clock, minutes=1)
    token = await pending_token(api, owner)
    assert (await go_on(api, token, browser.recovery_codes[0], "recovery_code")).status_code == 200
    assert app.recovery_codes == []

    removed = await api.client.request("DELETE", f"{ME}/totp", json={"password": PASSWORD}, headers=owner.headers)

    assert removed.status_code == 204
    assert (await begin_sign_in(api, owner)).status_code == 200
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(RecoveryCodes)) == 0


async def test_app_can_go_while_a_passkey_keeps_the_codes(
    api: Api, services: Services, owner: Person, browser: Browser
) -> None:
    await set_up_app(api, services, owner)

    removed = await api.client.request("DELETE", f"{ME}/totp", json={"password": PASSWORD}, headers=owner.headers)

    assert removed.status_code == 204
    assert (await begin_sign_in(api, owner)).json()["methods"] == ["passkey", "recovery_code"]


async def test_account_can_do_without_a_password_and_get_one_again_by_mail(
    api: Api, services: Services, owner: Person, browser: Browser
) -> None:
    other = (await sign_in_with(api, browser)).json()
    await take_mails(services)

    factors = "/api/users/me/factors"
    assert (await api.get(factors, headers=owner.headers)).json()["hasPassword"] is True
    assert (await remove_password(api, owner)).status_code == 204

    assert (await api.get(factors, headers=owner.headers)).json()["hasPassword"] is False
    assert await told(services) == ["password_removed"]
    assert_problem(await api.user_board(other["accessToken"]), 401, "token_revoked")
    assert (await api.user_board(owner.access_token)).status_code == 200
    for guess in (PASSWORD, "!", ""):
        assert_problem(await begin_sign_in(api, owner, guess), 401, "invalid_credentials")
    assert (await sign_in_with(api, browser)).status_code == 200
    asked = await api.post("/api/auth/password/forgot", json={"email": owner.email})
    assert asked.status_code == 202
    body = {"token": await take_link(services, "reset_password"), "password": "another horse 12"}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200
    refused = assert_problem(await begin_sign_in(api, owner, "another horse 12"), 401, "second_factor_required")
    assert refused["methods"] == ["passkey", "recovery_code"]
    assert (await sign_in_with(api, browser)).status_code == 200


async def test_last_way_in_stays(api: Api, services: Services, owner: Person, browser: Browser) -> None:
    other = await api.sign_up("other")
    assert_problem(await remove_password(api, other), 409, "last_way_in")
    second = await add_passkey(api, services, owner, Browser.new(b"\x07" * 16))

    assert (await remove_password(api, owner)).status_code == 204
    principal = services.identity.verifier.verify(owner.access_token)
    assert isinstance(principal, UserPrincipal)
    # Without a password the caller is let through by another proof. An address that is not proved is no way in.
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).values(email_verified_at=None))
    await services.flows.passkeys.remove(principal, browser.id, proved_hash=UNUSABLE_HASH, info=RequestInfo())
    with pytest.raises(LastWayIn):
        await services.flows.passkeys.remove(principal, second.id, proved_hash=UNUSABLE_HASH, info=RequestInfo())
    assert (await sign_in_with(api, second)).status_code == 200


async def test_export_tells_of_passkeys_and_deletion_takes_them_along(
    api: Api, services: Services, owner: Person, browser: Browser, database: Database, clock: FakeClock
) -> None:
    await options_for_new(api, owner)
    text = (await api.get(f"{ME}/export", headers=owner.headers)).text
    assert '"passkeys":[{"name":"Phone","credentialId":' in text.replace(" ", "")

    await api.client.request("DELETE", ME, headers=owner.headers, json={"password": PASSWORD})
    clock.advance(days=14)
    assert await services.identity.deletion.erase_due() == 1

    async with database.read() as tx:
        for model in (Passkey, UserHandle, PasskeyChallenge, RecoveryCodes):
            assert await tx.scalar(select(func.count()).select_from(model)) == 0
