"""Signing in at the moment when the account changes."""

import asyncio
import uuid

import httpx
import pytest
from passlib.hash import bcrypt
from sqlalchemy import func, insert, select, update

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.core.db.database import Transaction, retry_conflicts
from gatepost.identity.accounts.models import User, user_roles
from gatepost.identity.sessions.models import Session
from gatepost.identity.sessions.repository import Sessions
from tests.support.api import PASSWORD, Api, Person, assert_problem, bearer
from tests.support.workers import Workers, at_once, codes, refused_everywhere, until_waiting_for_a_lock

ROUNDS = 12
AT_ONCE = 6
NEW_PASSWORD = "another horse"
MODERATOR_ID = 2


async def sign_in(api: Api, person: Person, password: str = PASSWORD) -> httpx.Response:
    return await api.post("/api/auth/signin", json={"username": person.username, "password": password})


async def put_password(workers: Workers, tx: Transaction, person: Person, new_hash: str) -> None:
    """Do what a change of the password does in its one transaction."""
    await tx.execute(update(User).where(User.id == person.id).values(password_hash=new_hash))
    await workers.office.identity.sessions.end(tx, user_id=person.id, reason="password_changed")


async def test_sign_in_with_the_old_password_leaves_no_session_behind_its_change(workers: Workers) -> None:
    new_hash = await workers.office.platform.passwords.hash(NEW_PASSWORD)
    given: list[str] = []
    for index in range(ROUNDS):
        person = await workers.first.sign_up(f"changer {uuid.uuid4().hex}")
        calls = [sign_in(api, person) for api in workers.in_turn(AT_ONCE)]

        @retry_conflicts
        async def change(person: Person = person) -> None:
            async with workers.database.begin() as tx:
                await put_password(workers, tx, person, new_hash)

        first, second = calls[: index % (AT_ONCE + 1)], calls[index % (AT_ONCE + 1) :]
        answered, _, others = await asyncio.gather(at_once(first), change(), at_once(second))

        answers = [*answered, *others]
        assert set(codes(answers)) <= {"invalid_credentials"}
        async with workers.database.read() as tx:
            assert await Sessions(tx).live(person.id, now=workers.office.platform.clock.now(), after=None, size=1) == []
        given += [person.access_token, *(answer.json()["accessToken"] for answer in answers if answer.is_success)]
        assert_problem(await sign_in(workers.first, person), 401, "invalid_credentials")
        assert (await sign_in(workers.second, person, NEW_PASSWORD)).status_code == 200
    await refused_everywhere(workers, given, code="token_revoked")


async def test_sign_ins_with_a_hash_of_an_earlier_system_replace_it_once(workers: Workers) -> None:
    person = await workers.first.sign_up(f"veteran {uuid.uuid4().hex}")
    async with workers.database.begin() as tx:
        old_hash = bcrypt.using(rounds=4).hash(PASSWORD)
        await tx.execute(update(User).where(User.id == person.id).values(password_hash=old_hash))

    answers = await at_once(sign_in(api, person) for api in workers.in_turn(20))

    assert [answer.status_code for answer in answers] == [200] * 20, codes(answers)
    async with workers.database.read() as tx:
        rehashed = select(func.count()).where(
            AuditEntry.user_id == person.id, AuditEntry.event == AuditEvent.PASSWORD_REHASHED.value
        )
        assert await tx.scalar(rehashed) == 1
        assert await tx.scalar(select(func.count()).where(Session.user_id == person.id)) == 21


@pytest.mark.parametrize("shared_url", [pytest.param("mysql", marks=pytest.mark.mysql)], indirect=True)
class TestOnRowsThatAnotherTransactionHolds:
    """What SQLite cannot show: it lets no transaction start to write while another one does."""

    async def test_password_that_is_being_changed_opens_no_session(self, workers: Workers) -> None:
        person = await workers.first.sign_up(f"changer {uuid.uuid4().hex}")
        new_hash = await workers.office.platform.passwords.hash(NEW_PASSWORD)

        async with workers.database.begin() as tx:
            await put_password(workers, tx, person, new_hash)
            waiting = asyncio.create_task(sign_in(workers.first, person))
            await until_waiting_for_a_lock(workers.database)

        assert_problem(await waiting, 401, "invalid_credentials")

    async def test_sign_in_during_a_change_of_roles_has_the_new_roles(self, workers: Workers) -> None:
        person = await workers.first.sign_up(f"promoted {uuid.uuid4().hex}")

        async with workers.database.begin() as tx:
            await tx.execute(insert(user_roles).values(user_id=person.id, role_id=MODERATOR_ID))
            await workers.office.identity.revocations.revoke_account(tx, person.id)
            waiting = asyncio.create_task(sign_in(workers.first, person))
            await until_waiting_for_a_lock(workers.database)

        body = (await waiting).json()
        assert body["roles"] == ["ROLE_USER", "ROLE_MODERATOR"]
        board = await workers.second.get("/api/test/mod", headers=bearer(body["accessToken"]))
        assert board.status_code == 200

    async def test_refresh_that_waits_for_a_sign_out_is_refused(self, workers: Workers) -> None:
        person = await workers.first.sign_up(f"leaving {uuid.uuid4().hex}")
        await workers.first.refresh(person.refresh_token)
        session = int(person.refresh_token.removeprefix("gpr_").partition(".")[0])

        async with workers.database.begin() as tx:
            await workers.office.identity.sessions.end(tx, session_id=session, reason="signed_out")
            waiting = asyncio.create_task(workers.second.refresh(person.refresh_token))
            await until_waiting_for_a_lock(workers.database)

        assert_problem(await waiting, 403, "refresh_token_invalid")
