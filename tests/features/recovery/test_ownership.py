"""Whose an account is that somebody has made with an address: theirs who prove it, and who show that they made it."""

from typing import Any

import pytest
from sqlalchemy import select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.factors import begin_sign_in, prove_address, set_up_app
from tests.support.links import take_link, take_mails
from tests.support.passkeys import Browser, add_passkey, ask, sign_in_with

VERIFY, REFUSE = "/api/auth/email/verify", "/api/auth/email/refuse"
FORGOT, RESET = "/api/auth/password/forgot", "/api/auth/password/reset"
CHANGE, NOT_ME = "/api/auth/email/change", "/api/auth/not-me"
VICTIM, NEW = "victim@example.com", "another horse 12"


async def with_passkey(api: Api) -> tuple[Person, Browser]:
    """Sign up a stranger who has no password, with the victim's address."""
    browser, names = Browser.new(), {"username": "Stranger", "email": VICTIM}
    begun = await api.post("/api/auth/signup/passkey/options", json=names)
    assert begun.status_code == 200, begun.text
    credential = browser.create(begun.json()["publicKey"])
    body = {**names, "challengeId": begun.json()["challengeId"], "credential": credential}
    made = (await api.post("/api/auth/signup", json=body)).json()
    person = Person(made["id"], "Stranger", VICTIM, "", made["accessToken"], made["refreshToken"])
    return person, browser


async def is_verified(database: Database, person: Person) -> bool:
    async with database.read() as tx:
        verified_at = await tx.scalar(select(User.email_verified_at).where(User.id == person.id))
        first = await tx.scalar(select(User.first_verified_at).where(User.id == person.id))
    assert (verified_at is None) == (first is None)
    return verified_at is not None


async def left(database: Database, person: Person) -> set[str]:
    """Return what an account can be signed in to with."""
    async with database.read() as tx:
        has_password = (await tx.scalars(select(User).where(User.id == person.id))).one().has_password
        tables: list[Any] = [Passkey, TotpSecret, RecoveryCodes]
        there = {table.__tablename__ for table in tables if await tx.scalar(select(table.user_id)) is not None}
    return there | ({"password"} if has_password else set())


async def taken_back(database: Database) -> list[dict[str, Any]]:
    async with database.read() as tx:
        query = select(AuditEntry.details).where(AuditEntry.event == "account.taken_back")
        return list(await tx.scalars(query))


@pytest.mark.both_databases
async def test_link_alone_verifies_nothing_that_a_stranger_has_made(
    api: Api, services: Services, database: Database
) -> None:
    for make in (with_passkey, None):
        stranger = (await make(api))[0] if make is not None else await api.sign_up("Second", email="two@example.com")
        token = await take_link(services, "verify_email")

        problem = assert_problem(await api.post(VERIFY, json={"token": token}), 400, "proof_required")

        assert problem["methods"] == (["passkey"] if make is not None else ["password"])
        assert not await is_verified(database, stranger)
        # It stays good for whoever made the account.
        assert (await api.post(VERIFY, json={"token": token}, headers=stranger.headers)).status_code == 200
        assert await is_verified(database, stranger)


@pytest.mark.both_databases
async def test_whoever_says_that_it_was_a_stranger_ends_all_that_is_theirs(
    api: Api, services: Services, database: Database
) -> None:
    stranger, browser = await with_passkey(api)
    token = await take_link(services, "verify_email")

    assert (await api.post(REFUSE, json={"token": token})).status_code == 200

    assert await left(database, stranger) == set()
    assert not await is_verified(database, stranger)
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")
    assert_problem(await api.refresh(stranger.refresh_token), 403, "refresh_token_invalid")
    assert_problem(await api.user_board(stranger.access_token), 401, "token_revoked")
    assert await taken_back(database) == [{"removed": ["passkey", "recovery_code"], "sessions": 1}]
    for path in (VERIFY, REFUSE):
        assert_problem(await api.post(path, json={"token": token}), 400, "link_invalid")
    await api.post(FORGOT, json={"email": VICTIM})
    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post(RESET, json=body)).status_code == 200
    assert (await begin_sign_in(api, stranger, NEW)).status_code == 200


async def test_password_and_links_of_a_stranger_end_as_well(api: Api, services: Services, database: Database) -> None:
    stranger = await api.sign_up("Stranger", email=VICTIM)
    token = await take_link(services, "verify_email")
    wish = {"email": "stranger@example.com", "currentPassword": PASSWORD}
    assert (await api.post(CHANGE, json=wish, headers=stranger.headers)).status_code == 202
    strangers = await take_link(services, "confirm_new_email")

    assert (await api.post(REFUSE, json={"token": token})).status_code == 200

    assert await taken_back(database) == [{"removed": ["password"], "sessions": 1}]
    assert_problem(await begin_sign_in(api, stranger), 401, "invalid_credentials")
    assert_problem(await api.post(VERIFY, json={"token": strangers, "password": PASSWORD}), 400, "link_invalid")


async def test_session_of_another_account_shows_nothing(api: Api, services: Services, database: Database) -> None:
    stranger = await api.sign_up("Stranger", email=VICTIM)
    token = await take_link(services, "verify_email")
    other, ended = await api.sign_up("Other"), await api.sign_in("Stranger")
    await api.post("/api/auth/signout", headers=ended.headers)

    for headers in (other.headers, ended.headers, {"Authorization": "Bearer nonsense"}):
        assert_problem(await api.post(VERIFY, json={"token": token}, headers=headers), 400, "proof_required")

    assert not await is_verified(database, stranger)


async def test_passkey_of_another_account_shows_nothing(api: Api, services: Services, database: Database) -> None:
    stranger = await api.sign_up("Stranger", email=VICTIM)
    token = await take_link(services, "verify_email")
    browser = await add_passkey(api, services, await api.sign_up("Other"))
    options = await ask(api)
    proof = {"challengeId": options["challengeId"], "credential": browser.get(options["publicKey"])}

    assert_problem(await api.post(VERIFY, json={"token": token, **proof}), 400, "proof_required")

    assert not await is_verified(database, stranger)


async def test_password_is_checked_as_at_a_sign_in(api: Api, services: Services, database: Database) -> None:
    person = await api.sign_up("Person", email=VICTIM)
    token = await take_link(services, "verify_email")
    for _ in range(5):
        wrong = await api.post(VERIFY, json={"token": token, "password": "a guess"})
        assert_problem(wrong, 403, "wrong_sign_up_password")

    assert_problem(await api.post(VERIFY, json={"token": token, "password": PASSWORD}), 429, "too_many_attempts")

    assert not await is_verified(database, person)
    assert_problem(await begin_sign_in(api, person), 429, "too_many_attempts")


async def test_one_proof_at_a_time(api: Api) -> None:
    proofs: list[dict[str, Any]] = [{"challengeId": "x"}, {"credential": {}}]
    proofs.append({"password": PASSWORD, "challengeId": "x", "credential": {}})
    for proof in proofs:
        answer = await api.post(VERIFY, json={"token": "gpt_x", **proof})
        assert "incomplete_factor" in str(assert_problem(answer, 422, "validation_failed")["errors"])


@pytest.mark.both_databases
async def test_new_address_belongs_to_who_asked_for_it(api: Api, services: Services) -> None:
    """Whoever follows a link that somebody else has asked for gives nobody their address."""
    stranger = await api.sign_up("Stranger")
    await prove_address(services, stranger)
    await take_mails(services)
    wish = {"email": VICTIM, "currentPassword": PASSWORD}
    assert (await api.post(CHANGE, json=wish, headers=stranger.headers)).status_code == 202
    token = await take_link(services, "confirm_new_email")

    assert_problem(await api.post(VERIFY, json={"token": token}), 400, "proof_required")
    assert (await api.post(REFUSE, json={"token": token})).status_code == 200

    assert_problem(await api.post(VERIFY, json={"token": token}, headers=stranger.headers), 400, "link_invalid")
    own = (await api.get("/api/users/me", headers=stranger.headers)).json()
    assert (own["email"], own["emailVerified"]) == (stranger.email, True)


@pytest.mark.both_databases
async def test_reset_before_the_first_proof_removes_all_and_later_ones_remove_nothing(
    api: Api, services: Services, database: Database
) -> None:
    stranger, browser = await with_passkey(api)
    await take_mails(services)
    await api.post(FORGOT, json={"email": VICTIM})
    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post(RESET, json=body)).status_code == 200
    assert await left(database, stranger) == {"password"}
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")

    owner = await api.sign_in("Stranger", password=NEW)
    own = await add_passkey(api, services, owner, Browser.new(b"\x07" * 32))
    await take_mails(services)
    await api.post(FORGOT, json={"email": VICTIM})
    body = {"token": await take_link(services, "reset_password"), "password": PASSWORD}
    assert (await api.post(RESET, json=body)).status_code == 200

    assert (await sign_in_with(api, own)).status_code == 200
    assert_problem(await begin_sign_in(api, owner), 401, "second_factor_required")


async def test_app_that_a_stranger_has_set_up_ends_like_the_rest(
    api: Api, services: Services, database: Database
) -> None:
    """Where addresses were not verified at first, an app can be there before one is."""
    stranger = await api.sign_up("Stranger", email=VICTIM)
    await set_up_app(api, services, stranger)
    async with database.begin() as tx:
        await tx.execute(update(User).values(email_verified_at=None, first_verified_at=None))
    await take_mails(services)
    await api.post(FORGOT, json={"email": VICTIM})

    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post(RESET, json=body)).status_code == 200

    assert await left(database, stranger) == {"password"}
    assert (await begin_sign_in(api, stranger, NEW)).status_code == 200


async def test_not_me_before_the_first_proof_removes_the_passkey_of_the_sign_up(
    api: Api, services: Services, database: Database
) -> None:
    stranger, browser = await with_passkey(api)
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    assert (await sign_in_with(api, browser, **headers)).status_code == 200
    warning = await take_link(services, "new_device")

    assert (await api.post(NOT_ME, json={"token": warning})).status_code == 200

    assert await left(database, stranger) == set()
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")
    assert_problem(await api.user_board(stranger.access_token), 401, "token_revoked")


async def test_where_no_address_is_verified_a_reset_removes_no_factor(make_services: MakeServices) -> None:
    services = make_services(email_verification="off")
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up()
        await set_up_app(api, services, person)
        async with services.platform.database.begin() as tx:
            await tx.execute(update(User).values(email_verified_at=None, first_verified_at=None))
        await take_mails(services)
        await api.post(FORGOT, json={"email": person.email})

        body = {"token": await take_link(services, "reset_password"), "password": NEW}
        assert (await api.post(RESET, json=body)).status_code == 200

        assert_problem(await begin_sign_in(api, person, NEW), 401, "second_factor_required")


async def test_refused_link_of_a_hidden_sign_up_makes_no_account(make_services: MakeServices) -> None:
    services = make_services(email_verification="required", signup_reveals_taken=False)
    async with started(services) as app, http_client(app) as client:
        api, body = Api(client), {"username": "Stranger", "email": VICTIM, "password": PASSWORD}
        assert (await api.post("/api/auth/signup", json=body)).status_code == 202
        token = await take_link(services, "verify_email")

        assert (await api.post(REFUSE, json={"token": token})).status_code == 200

        assert_problem(await api.post(VERIFY, json={"token": token, "password": PASSWORD}), 400, "link_invalid")
        await api.post("/api/auth/email/resend", json={"email": VICTIM})
        assert await take_mails(services) == []


@pytest.mark.both_databases
async def test_account_that_nobody_can_sign_in_to_has_nothing_to_show(
    api: Api, services: Services, database: Database
) -> None:
    person = await api.sign_up("Person", email=VICTIM)
    token = await take_link(services, "verify_email")
    async with database.begin() as tx:
        user = (await tx.scalars(select(User))).one()
        user.password_hash = UNUSABLE_HASH

    assert (await api.post(VERIFY, json={"token": token})).status_code == 200
    assert await is_verified(database, person)
