"""A refresh at the moment when the session ends, or the account changes, at another process."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from gatepost.core.db.database import retry_conflicts
from gatepost.identity.accounts.models import User, user_roles
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.workers import (
    Workers,
    at_once,
    claims,
    codes,
    expires_at,
    refused_everywhere,
    session_id,
)

ROUNDS = 8
TABS = 8
MODERATOR_ID = 2


@dataclass(frozen=True)
class Raced:
    """Who raced, and every token that they hold afterwards."""

    person: Person
    answers: Sequence[httpx.Response]

    @property
    def session_id(self) -> int:
        """The session that all the tokens are of."""
        return session_id(self.person.access_token)

    @property
    def refresh_tokens(self) -> set[str]:
        """The one before the race, and those that it gave out."""
        return {self.person.refresh_token, *(body["refreshToken"] for body in self._given)}

    @property
    def access_tokens(self) -> list[str]:
        """The one before the race, and those that it gave out."""
        return [self.person.access_token, *(body["accessToken"] for body in self._given)]

    @property
    def _given(self) -> list[Any]:
        return [answer.json() for answer in self.answers if answer.is_success]


Ending = Callable[[Workers, Person], Awaitable[object]]


BUSY_AT_MOST = 20


async def race(workers: Workers, ending: Ending, *, position: int, of: Person | None = None) -> Raced:
    """Send refreshes of one token to both processes and, among them, what ends it."""
    person = of or await workers.first.sign_up(f"racer {uuid.uuid4().hex}")
    answers: list[httpx.Response] = []

    async def refresh(api: Api) -> None:
        answers.append(await api.refresh(person.refresh_token))

    calls: list[Awaitable[object]] = [refresh(api) for api in workers.in_turn(TABS)]
    calls.insert(position, ending(workers, person))
    await asyncio.gather(*calls)
    return Raced(person, answers)


async def ended(workers: Workers, path: str, **sent: Any) -> None:
    """Sign out; try again when the service answers that it is busy."""
    for _ in range(BUSY_AT_MOST):
        answer = await workers.second.post(path, **sent)
        if answer.status_code != 503:
            break
    assert answer.status_code == 204, answer.text


async def sign_out(workers: Workers, person: Person) -> None:
    await ended(workers, "/api/auth/signout", headers=person.headers)


async def sign_out_by_refresh_token(workers: Workers, person: Person) -> None:
    await ended(workers, "/api/auth/signout", json={"refreshToken": person.refresh_token})


async def sign_out_all(workers: Workers, person: Person) -> None:
    await ended(workers, "/api/auth/signout-all", headers=person.headers)


async def make_moderator(workers: Workers, person: Person) -> None:
    @retry_conflicts
    async def change() -> None:
        async with workers.database.begin() as tx:
            await tx.execute(insert(user_roles).values(user_id=person.id, role_id=MODERATOR_ID))
            await workers.office.identity.revocations.revoke_account(tx, person.id)

    await change()


async def disable(workers: Workers, person: Person) -> None:
    @retry_conflicts
    async def change() -> None:
        async with workers.database.begin() as tx:
            now = workers.office.platform.clock.now()
            await tx.execute(update(User).where(User.id == person.id).values(disabled_at=now))
            await workers.office.identity.revocations.revoke_account(tx, person.id)

    await change()


async def change_password_elsewhere(workers: Workers, person: Person) -> None:
    new_hash = await workers.office.platform.passwords.hash("another horse")

    @retry_conflicts
    async def change() -> None:
        async with workers.database.begin() as tx:
            await tx.execute(update(User).where(User.id == person.id).values(password_hash=new_hash))
            await workers.office.identity.sessions.end(tx, user_id=person.id, reason="password_changed")

    await change()


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (sign_out, "signed_out"),
        (sign_out_by_refresh_token, "signed_out"),
        (sign_out_all, "ended_by_owner"),
        (change_password_elsewhere, "password_changed"),
    ],
)
async def test_refresh_never_outlives_what_ended_its_session(workers: Workers, ending: Ending, reason: str) -> None:
    raced = [await race(workers, ending, position=index % (TABS + 1)) for index in range(ROUNDS)]

    for each in raced:
        assert set(codes(each.answers)) <= {"refresh_token_invalid"}
        assert {answer.status_code for answer in each.answers} <= {200, 403}
        row = await workers.session(each.session_id)
        assert (row.ended_at is not None, row.end_reason) == (True, reason)
        assert row.generation in (0, 1)
        assert row.access_expires_at >= max(expires_at(token) for token in each.access_tokens)
        [line] = await workers.revocations(each.person.id)
        assert (line.session_id, line.expires_at) == (row.id, row.access_expires_at)
        late = await at_once(api.refresh(token) for api in workers.both for token in each.refresh_tokens)
        assert codes(late) == ["refresh_token_invalid"] * len(late)
    await refused_everywhere(workers, [token for each in raced for token in each.access_tokens], code="token_revoked")


async def test_refresh_gives_no_lasting_token_to_an_account_that_is_disabled(workers: Workers) -> None:
    raced = [await race(workers, disable, position=index % (TABS + 1)) for index in range(ROUNDS)]

    for each in raced:
        assert set(codes(each.answers)) <= {"account_disabled"}
        row = await workers.session(each.session_id)
        assert row.generation == (1 if any(answer.is_success for answer in each.answers) else 0)
        [line] = await workers.revocations(each.person.id)
        assert line.expires_at >= max(expires_at(token) for token in each.access_tokens)
        late = await at_once(api.refresh(token) for api in workers.both for token in each.refresh_tokens)
        assert codes(late) == ["account_disabled"] * len(late)
    await refused_everywhere(workers, [token for each in raced for token in each.access_tokens], code="token_stale")


async def test_access_token_of_a_refresh_has_the_new_roles_or_becomes_stale(workers: Workers) -> None:
    raced = [await race(workers, make_moderator, position=index % (TABS + 1)) for index in range(ROUNDS)]

    assert [answer.status_code for each in raced for answer in each.answers] == [200] * ROUNDS * TABS
    tokens = [token for each in raced for token in each.access_tokens]
    new = [token for token in tokens if claims(token)["ver"] == 1]
    assert [claims(token)["roles"] for token in new] == [["user", "moderator"]] * len(new)
    old = [token for token in tokens if claims(token)["ver"] == 0]
    assert [claims(token)["roles"] for token in old] == [["user"]] * len(old)
    await refused_everywhere(workers, old, code="token_stale")
    for each in raced:
        [token] = each.refresh_tokens - {each.person.refresh_token}
        fresh = (await workers.second.refresh(token)).json()["accessToken"]
        for api in workers.both:
            board = await api.get("/api/test/mod", headers=bearer(fresh))
            assert (board.status_code, board.text) == (200, "Moderator Content.")


async def test_owner_and_thief_at_once_lose_that_session_and_no_other(workers: Workers) -> None:
    dead: list[str] = []
    for index in range(ROUNDS):
        person = await workers.first.sign_up(f"robbed {uuid.uuid4().hex}")
        other = await workers.second.sign_in(person.username)
        stolen, token = person.refresh_token, person.refresh_token
        for _ in range(2):
            token = (await workers.first.refresh(token)).json()["refreshToken"]

        async def replay(both: Workers, _: Person, *, stolen: str = stolen) -> None:
            assert_problem(await both.second.refresh(stolen), 403, "refresh_token_reused")

        owner = Person(person.id, person.username, "", "", person.access_token, token)
        raced = await race(workers, replay, position=index % (TABS + 1), of=owner)

        assert set(codes(raced.answers)) <= {"refresh_token_invalid"}
        row = await workers.session(raced.session_id)
        assert row.end_reason == "refresh_reused"
        [line] = await workers.revocations(person.id)
        assert (line.session_id, line.expires_at) == (row.id, row.access_expires_at)
        assert (await workers.first.user_board(other.access_token)).status_code == 200
        assert (await workers.first.refresh(other.refresh_token)).status_code == 200
        dead += raced.access_tokens
    await refused_everywhere(workers, dead, code="token_revoked")
