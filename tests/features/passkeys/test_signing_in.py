"""Signing in with a passkey alone."""

import asyncio
from typing import Any

import pytest
import webauthn
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.base64url import decode, encode
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.passkeys.method import NOBODYS_KEY
from gatepost.identity.factors.models import Passkey, PasskeyChallenge
from gatepost.identity.sessions.models import Session
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import begin_sign_in
from tests.support.links import take_mails
from tests.support.passkeys import (
    OPTIONS,
    OWN_ORIGIN,
    SIGN_IN,
    Browser,
    add_passkey,
    ask,
    options_for_new,
    sign_in,
    sign_in_with,
)
from tests.support.statements import commits, statements
from tests.support.workers import claims
from tests.unit.passkeys.authenticator import BE, BS, UP, UV, cose_of

HANDLE = encode(b"\x05" * 32)


@pytest.mark.both_databases
async def test_passkey_alone_signs_in_as_resistant_to_phishing(
    api: Api, owner: Person, browser: Browser, database: Database
) -> None:
    options = await ask(api)
    credential = browser.get(options["publicKey"])

    answer = await sign_in(api, options, credential)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["id"], body["username"]) == (owner.id, owner.username)
    said = claims(body["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:phr", ["swk", "user", "mfa"])
    assert (await api.user_board(body["accessToken"])).status_code == 200
    assert (await api.refresh(body["refreshToken"])).status_code == 200
    async with database.read() as tx:
        passkey = (await tx.scalars(select(Passkey))).one()
        session = (
            await tx.scalars(select(Session).where(Session.acr == said["acr"], Session.amr == "swk user mfa"))
        ).one()
    assert session.proofs is not None
    assert [(proof["by"], proof["credential"]) for proof in session.proofs] == [("passkey", passkey.id)]
    webauthn.verify_authentication_response(
        credential={"clientExtensionResults": {}} | credential,
        expected_challenge=decode(options["publicKey"]["challenge"]),
        expected_rp_id="localhost",
        expected_origin=OWN_ORIGIN,
        credential_public_key=passkey.public_key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


async def test_options_are_the_same_for_everybody_but_for_the_challenge(api: Api, browser: Browser) -> None:
    first, second = await ask(api), await ask(api)

    assert first["challengeId"] != second["challengeId"]
    assert first["publicKey"].pop("challenge") != second["publicKey"].pop("challenge")
    assert (
        first["publicKey"]
        == second["publicKey"]
        == {
            "timeout": 300_000,
            "rpId": "localhost",
            "allowCredentials": [],
            "userVerification": "required",
        }
    )


LIES: dict[str, Any] = {
    "another origin": {"client": {"origin": "http://localhost:8081"}},
    "another site": {"rp_id": "example.com"},
    "a frame": {"client": {"crossOrigin": True}},
    "a frame of another page": {"client": {"topOrigin": "https://example.com"}},
    "another challenge": {"client": {"challenge": encode(b"\x01" * 32)}},
    "another ceremony": {"client": {"type": "webauthn.create"}},
    "nobody verified": {"flags": UP},
    "nobody there": {"flags": UV},
    "a backup where none can be": {"flags": UP | UV | BS},
    "another eligibility": {"flags": UP | UV | BE},
    "another key": {"key": ec.derive_private_key(8, ec.SECP256R1())},
    "everybody's key": {"key": ec.derive_private_key(1, ec.SECP256R1())},
    "no signature": {"signature": b""},
    "another handle": {"response": {"userHandle": HANDLE}},
    "no handle": {"response": {"userHandle": None}},
    "an unknown passkey": {"id": b"\x08" * 32},
    "an unknown passkey of everybody's key": {"id": b"\x08" * 32, "key": ec.derive_private_key(1, ec.SECP256R1())},
    "two ids": {"answer": {"rawId": encode(b"\x08" * 32)}},
    "a long id": {"id": b"\x09" * 1024},
    "another type": {"answer": {"type": "password"}},
    "no response": {"answer": {"response": None}},
    "an attested key": {"attested": b"\x00" * 50},
    "bytes behind": {"behind": b"\x00"},
}


async def test_whatever_is_wrong_has_one_answer(api: Api, owner: Person, browser: Browser, database: Database) -> None:
    answers, forgotten = {}, []
    for lie, given in LIES.items():
        options = await ask(api)
        answer = await sign_in(api, options, browser.get(options["publicKey"], **given))
        body = assert_problem(answer, 401, "passkey_invalid")
        answers[lie] = {name: value for name, value in body.items() if name != "requestId"}
        if answers[lie].pop("unknownCredential", False):
            forgotten.append(lie)
        assert not [name for name in answer.headers if name.lower() == "set-cookie"], lie

    assert len({str(answer) for answer in answers.values()}) == 1
    # What no account has, and is right as far as one sees: browsers may forget it, and nothing else.
    assert forgotten == ["an unknown passkey", "an unknown passkey of everybody's key"]
    async with database.read() as tx:
        failed = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "sign_in.failed"))).all()
        assert await tx.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0
    assert {entry.details["reason"] for entry in failed} == {"wrong_passkey"}
    whys = {entry.details["why"] for entry in failed}
    assert whys >= {"origin", "rp_id", "cross_origin", "challenge", "signature", "user_handle", "credential_id"}
    assert (await sign_in_with(api, browser)).status_code == 200


@pytest.mark.parametrize("credential", [{}, {"id": 1}, {"id": "!", "rawId": "!", "type": "public-key"}])
async def test_what_is_no_credential_has_the_same_answer(api: Api, credential: dict[str, Any]) -> None:
    assert_problem(await sign_in(api, await ask(api), credential), 401, "passkey_invalid")


@pytest.mark.both_databases
async def test_sign_in_asks_the_database_little(api: Api, browser: Browser, database: Database) -> None:
    options = await ask(api)
    credential = browser.get(options["publicKey"])

    with statements(database) as found, commits(database) as committed:
        answer = await sign_in(api, options, credential)

    assert answer.status_code == 200
    # The challenge is read and used up, the passkey read and its counter stored; a session and what tells of it.
    assert len(found) == 6, "\n\n".join(found)
    assert len(committed) == 2


@pytest.mark.both_databases
async def test_challenge_is_good_once_whatever_came_of_it(api: Api, browser: Browser) -> None:
    options = await ask(api)
    right = browser.get(options["publicKey"])
    assert (await sign_in(api, options, browser.get(options["publicKey"], flags=UP))).status_code == 401

    assert_problem(await sign_in(api, options, right), 401, "passkey_invalid")

    other = await ask(api)
    again = browser.get(other["publicKey"])
    assert (await sign_in(api, other, again)).status_code == 200
    assert_problem(await sign_in(api, other, again), 401, "passkey_invalid")


async def test_challenge_is_good_for_ten_minutes(api: Api, browser: Browser, clock: FakeClock) -> None:
    in_time, too_late = await ask(api), await ask(api)
    clock.advance(minutes=9, seconds=59)
    assert (await sign_in(api, in_time, browser.get(in_time["publicKey"]))).status_code == 200
    clock.advance(seconds=1)

    assert_problem(await sign_in(api, too_late, browser.get(too_late["publicKey"])), 401, "passkey_invalid")


async def test_challenge_of_another_purpose_signs_nobody_in(api: Api, owner: Person, browser: Browser) -> None:
    registration = await options_for_new(api, owner)
    token = (await begin_sign_in(api, owner)).json()["pendingToken"]
    waiting = await ask(api, token)

    for options in (registration, waiting):
        request = {"challenge": options["publicKey"]["challenge"], "rpId": "localhost"}
        assert_problem(await sign_in(api, options, browser.get(request)), 401, "passkey_invalid")


@pytest.mark.both_databases
async def test_of_equal_responses_at_once_one_signs_in(api: Api, browser: Browser, database: Database) -> None:
    options = await ask(api)
    credential = browser.get(options["publicKey"])

    answers = await asyncio.gather(*(sign_in(api, options, credential) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    async with database.read() as tx:
        opened = select(func.count()).select_from(AuditEntry).where(AuditEntry.event == "session.opened")
        # The sign-up was the first.
        assert await tx.scalar(opened) == 2


@pytest.mark.both_databases
async def test_counter_that_does_not_grow_is_refused_and_the_owner_is_told(
    api: Api, services: Services, browser: Browser, database: Database, clock: FakeClock
) -> None:
    browser.sign_count = 41
    assert (await sign_in_with(api, browser)).status_code == 200
    await take_mails(services)

    for _ in range(3):
        browser.sign_count = 41
        assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")

    mails = await take_mails(services)
    assert [mail.kind for mail in mails] == ["passkey_copied"]
    assert "Passkey: Phone" in mails[0].text
    async with database.read() as tx:
        assert await tx.scalar(select(Passkey.sign_count)) == 42
        told = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "passkey.copied"))).all()
    assert [entry.details for entry in told] == [{"passkey": browser.id}]
    browser.sign_count = 50
    assert (await sign_in_with(api, browser)).status_code == 200
    clock.advance(days=1)
    browser.sign_count = 3
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")
    assert "passkey_copied" in [mail.kind for mail in await take_mails(services)]


async def test_stranger_cannot_make_the_owner_be_told(api: Api, services: Services, browser: Browser) -> None:
    browser.sign_count = 41
    assert (await sign_in_with(api, browser)).status_code == 200
    await take_mails(services)
    options = await ask(api)

    forged = browser.get(options["publicKey"], sign_count=1, key=ec.derive_private_key(8, ec.SECP256R1()))
    assert_problem(await sign_in(api, options, forged), 401, "passkey_invalid")

    assert await take_mails(services) == []


async def test_disabled_account_is_told_to_who_has_the_passkey_alone(
    api: Api, owner: Person, browser: Browser, database: Database, clock: FakeClock
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(User).values(disabled_at=clock.now()))

    assert_problem(await sign_in_with(api, browser), 403, "account_disabled")
    options = await ask(api)
    forged = browser.get(options["publicKey"], key=ec.derive_private_key(8, ec.SECP256R1()))
    assert_problem(await sign_in(api, options, forged), 401, "passkey_invalid")


async def test_address_that_must_be_proved_is_asked_for(
    api: Api, owner: Person, browser: Browser, database: Database, make_services: MakeServices
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(User).values(email_verified_at=None))

    async with started(make_services(email_verification="required")) as app, http_client(app) as client:
        assert_problem(await sign_in_with(Api(client), browser), 403, "email_unverified")


async def test_removed_passkey_signs_nobody_in(api: Api, owner: Person, browser: Browser, clock: FakeClock) -> None:
    url = f"/api/users/me/passkeys/{browser.id}"
    removed = await api.client.request("DELETE", url, json={"password": PASSWORD}, headers=owner.headers)
    assert removed.status_code == 204, removed.text

    assert assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")["unknownCredential"] is True
    too_late = await ask(api)
    clock.advance(minutes=10)
    expired = await sign_in(api, too_late, browser.get(too_late["publicKey"]))
    assert "unknownCredential" not in assert_problem(expired, 401, "passkey_invalid")


async def test_browser_hears_of_an_unknown_passkey_that_is_synced(api: Api) -> None:
    browser, options = Browser.new(), await ask(api)
    browser.handle = b"\x01" * 32

    answer = await sign_in(api, options, browser.get(options["publicKey"], flags=UP | UV | BE | BS))

    assert assert_problem(answer, 401, "passkey_invalid")["unknownCredential"] is True


async def test_passkeys_of_two_people_do_not_mix(api: Api, services: Services, owner: Person, browser: Browser) -> None:
    other = await api.sign_up("other")
    theirs = await add_passkey(api, services, other, Browser.new(b"\x07" * 20))

    assert (await sign_in_with(api, browser)).json()["id"] == owner.id
    assert (await sign_in_with(api, theirs)).json()["id"] == other.id
    theirs.handle, browser.handle = browser.handle, theirs.handle
    for mixed in (theirs, browser):
        assert_problem(await sign_in_with(api, mixed), 401, "passkey_invalid")


async def test_owner_is_told_of_a_new_device(api: Api, services: Services, browser: Browser, clock: FakeClock) -> None:
    clock.advance(days=2)

    await sign_in_with(api, browser, **{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"})

    assert [mail.kind for mail in await take_mails(services)] == ["new_device"]


async def test_account_that_changes_meanwhile_is_read_again(
    api: Api, services: Services, owner: Person, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = services.identity.passkey_sign_in.verify
    times = []

    async def verify_and_change(attempt: Any) -> Any:
        proof = await verify(attempt)
        times.append(proof)
        renamed = await api.patch("/api/users/me", json={"language": "de"}, headers=owner.headers)
        assert renamed.status_code == 200
        return proof

    monkeypatch.setattr(services.identity.passkey_sign_in, "verify", verify_and_change)

    assert (await sign_in_with(api, browser)).status_code == 200
    assert len(times) == 1


@pytest.mark.both_databases
async def test_passkey_that_is_removed_meanwhile_opens_no_session(
    api: Api, services: Services, owner: Person, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = services.identity.passkey_sign_in.verify

    async def verify_and_remove(attempt: Any) -> Any:
        proof = await verify(attempt)
        url = f"/api/users/me/passkeys/{browser.id}"
        removed = await api.client.request("DELETE", url, json={"password": PASSWORD}, headers=owner.headers)
        assert removed.status_code == 204, removed.text
        return proof

    monkeypatch.setattr(services.identity.passkey_sign_in, "verify", verify_and_remove)

    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")


async def test_strangers_get_so_many_challenges_from_one_address(make_services: MakeServices) -> None:
    services = make_services(passkey_rate="3/minute")
    async with started(services) as app, http_client(app) as client:
        answers = [await client.post(OPTIONS, json={}) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]


async def test_challenges_are_purged_after_their_time(
    api: Api, services: Services, database: Database, clock: FakeClock
) -> None:
    await ask(api)
    clock.advance(minutes=11)
    await ask(api)

    await services.operations.purger.run_in_turn()

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(PasskeyChallenge)) == 1


async def test_where_browsers_would_refuse_passkeys_nobody_is_asked_for_one(make_services: MakeServices) -> None:
    async with started(make_services(public_url="http://192.0.2.7:8080")) as app, http_client(app) as client:
        assert_problem(await client.post(OPTIONS, json={}), 403, "passkeys_unavailable")
        body = {"challengeId": "x", "credential": {}}
        assert_problem(await client.post(SIGN_IN, json=body), 401, "passkey_invalid")
        assert (await client.get("/.well-known/webauthn")).json() == {"origins": []}


async def test_origins_of_other_sites_are_published(make_services: MakeServices) -> None:
    origins = ("https://app.example.com", "https://example.org", f"android:apk-key-hash:{'A' * 43}")
    services = make_services(
        public_url="https://auth.example.com", passkey_rp_id="example.com", passkey_origins=origins
    )
    async with started(services) as app, http_client(app) as client:
        answer = await client.get("/.well-known/webauthn")
        assert (await client.post(OPTIONS, json={})).json()["publicKey"]["rpId"] == "example.com"

    assert answer.json() == {"origins": ["https://example.org"]}
    assert answer.headers["cache-control"] == "public, max-age=3600"


def test_key_of_nobody_is_a_key() -> None:
    assert cose_of(ec.derive_private_key(1, ec.SECP256R1())) == NOBODYS_KEY
