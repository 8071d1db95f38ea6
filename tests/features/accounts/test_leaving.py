"""Export and deletion of one's own account."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.identity.registration.service import NewAccount
from gatepost.identity.sessions.models import Session
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.links import take_mails
from tests.support.workers import held_up

ME = "/api/users/me"


async def ask_deletion(api: Api, person: Person, password: str = PASSWORD) -> datetime:
    answer = await api.client.request("DELETE", ME, headers=person.headers, json={"password": password})
    assert answer.status_code == 202, answer.text
    return datetime.fromisoformat(answer.json()["eraseAt"])


async def count(services: Services, model: type) -> int:
    async with services.platform.database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.both_databases
async def test_export_holds_all_about_me_and_no_secret(api: Api, services: Services) -> None:
    person = await api.sign_up()
    await api.sign_up("Other")
    await take_mails(services)

    answer = await api.get(f"{ME}/export", headers=person.headers)

    body = answer.json()
    assert (body["account"]["username"], body["account"]["email"]) == (person.username, person.email)
    assert [session["address"] for session in body["sessions"]] == ["203.0.113.7"]
    assert [link["purpose"] for link in body["links"]] == ["verify_email"]
    assert {entry["event"] for entry in body["activity"]} == {"account.created", "session.opened"}
    async with services.platform.database.read() as tx:
        user = await tx.get(User, person.id)
        digests = (await tx.scalars(select(OneTimeToken.digest))).all()
    assert user is not None
    assert user.password_hash not in answer.text
    assert all(digest not in answer.text for digest in digests)
    assert "Other" not in answer.text


async def test_deletion_needs_the_password(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.client.request("DELETE", ME, headers=person.headers, json={"password": "wrong"})

    assert_problem(answer, 403, "wrong_password")
    assert (await api.user_board(person.access_token)).status_code == 200


async def test_deletion_by_a_password_that_was_replaced_meanwhile_is_refused(api: Api, services: Services) -> None:
    person = await api.sign_up()
    principal = await services.identity.gate.authenticate(person.access_token)
    proved = await services.identity.reauthentication.confirm(principal, PASSWORD, info=RequestInfo())
    change = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    assert (await api.post("/api/auth/password/change", json=change, headers=person.headers)).is_success

    with pytest.raises(WrongPassword):
        await services.identity.deletion.ask_deletion(principal, proved_hash=proved.password_hash, info=RequestInfo())


@pytest.mark.both_databases
async def test_deletion_ends_every_session_and_comes_after_its_time(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    other = await api.sign_in()
    await take_mails(services)

    erase_at = await ask_deletion(api, person)

    assert erase_at == clock.now() + timedelta(days=14)
    for session in (person, other):
        assert_problem(await api.user_board(session.access_token), 401, "token_revoked")
        assert_problem(await api.refresh(session.refresh_token), 403, "refresh_token_invalid")
    assert [mail.kind for mail in await take_mails(services)] == ["deletion_planned"]
    clock.advance(days=13, hours=23)
    assert await services.identity.deletion.erase_due() == 0
    clock.advance(hours=1)
    assert await services.identity.deletion.erase_due() == 1
    assert [await count(services, model) for model in (User, Session, OneTimeToken)] == [0, 0, 0]


async def test_audit_log_keeps_the_number_alone(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    await ask_deletion(api, person)
    clock.advance(days=14)
    await services.identity.deletion.erase_due()

    async with services.platform.database.read() as tx:
        entries = (await tx.scalars(select(AuditEntry).where(AuditEntry.user_id == person.id))).all()
    assert "account.erased" in {entry.event for entry in entries}
    told = str([(entry.event, entry.details) for entry in entries])
    assert person.username not in told
    assert person.email not in told


async def test_signing_in_takes_the_deletion_back(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    await ask_deletion(api, person)
    clock.advance(days=13)

    await api.sign_in()

    clock.advance(days=2)
    assert await services.identity.deletion.erase_due() == 0
    assert (await api.sign_in()).id == person.id


@pytest.mark.both_databases
@pytest.mark.parametrize("purpose", [Purpose.COMPROMISE_REPORT, Purpose.SET_PASSWORD])
async def test_owner_who_takes_the_account_back_takes_back_the_deletion_that_a_thief_has_planned(
    api: Api, services: Services, clock: FakeClock, purpose: Purpose
) -> None:
    person = await api.sign_up()
    await ask_deletion(api, person)
    async with services.platform.database.begin() as tx:
        tokens, now = OneTimeTokens(tx), clock.now()
        asked = await tokens.ask(purpose, user_id=person.id, email_canonical=person.email, now=now)
        renewed = await tokens.renew(asked, now=now, life=timedelta(hours=1))
    assert renewed is not None
    path = "not-me" if purpose is Purpose.COMPROMISE_REPORT else "password/reset"
    body = {"token": renewed[0]} | ({} if purpose is Purpose.COMPROMISE_REPORT else {"password": "another horse"})

    assert (await api.post(f"/api/auth/{path}", json=body)).status_code == 200

    clock.advance(days=15)
    assert await services.identity.deletion.erase_due() == 0
    async with services.platform.database.read() as tx:
        assert (await tx.scalars(select(User.erase_at))).all() == [None]
        events = (await tx.scalars(select(AuditEntry.event).where(AuditEntry.user_id == person.id))).all()
    assert events.count("account.deletion_cancelled") == 1


@pytest.mark.both_databases
async def test_account_that_is_kept_while_it_is_about_to_be_deleted_is_kept(
    api: Api, services: Services, clock: FakeClock
) -> None:
    person = await api.sign_up()
    await ask_deletion(api, person)
    clock.advance(days=14)

    async with services.platform.database.begin() as tx:
        await Users(tx).cancel_deletion(person.id, now=clock.now())
        erased = await held_up(services.platform.database, services.identity.deletion.erase_due())

    assert await erased == 0
    assert await count(services, User) == 1


async def test_administrator_whose_time_has_come_is_kept_until_another_can_sign_in(
    api: Api, services: Services, clock: FakeClock
) -> None:
    people = {}
    for name in ("root", "second"):
        # The second one cannot sign in by a code by mail either.
        is_verified = name == "root"
        account = NewAccount(parse_username(name), parse_email(f"{name}@example.com"), PASSWORD, is_verified)
        await services.identity.accounts.create(account, roles=[RoleName.ADMIN])
        people[name] = await api.sign_in(name)
    plain = await api.sign_up()
    for person in (people["root"], plain):
        await ask_deletion(api, person)

    async def change(password_hash: str) -> None:
        """Let the second one lose the password, as by "this was not me", or have it again."""
        async with services.platform.database.begin() as tx:
            user = await Users(tx).get_for_update(people["second"].id)
            assert user is not None
            hashes.append(user.password_hash)
            user.password_hash = password_hash

    hashes: list[str] = []
    await change(UNUSABLE_HASH)
    clock.advance(days=14)
    assert await services.identity.deletion.erase_due() == 1
    assert await services.identity.deletion.erase_due() == 0
    await change(hashes[0])
    assert await services.identity.deletion.erase_due() == 1
    async with services.platform.database.read() as tx:
        assert (await tx.scalars(select(User.username))).all() == ["second"]


async def test_last_administrator_stays(api: Api, services: Services) -> None:
    account = NewAccount(parse_username("root"), parse_email("root@example.com"), PASSWORD, is_verified=True)
    await services.identity.accounts.create(account, roles=[RoleName.ADMIN])
    root = await api.sign_in("root")

    answer = await api.client.request("DELETE", ME, headers=root.headers, json={"password": PASSWORD})

    assert_problem(answer, 409, "last_administrator")


async def test_name_of_a_deleted_account_is_free_again(api: Api, services: Services, clock: FakeClock) -> None:
    person = await api.sign_up()
    await ask_deletion(api, person)
    clock.advance(days=14)
    await services.identity.deletion.erase_due()

    assert (await api.sign_up()).id != person.id
