"""What one process revokes, at that process and at the other."""

import uuid

import pytest
from sqlalchemy import insert

from gatepost.identity.accounts.models import user_roles
from tests.support.api import assert_problem, bearer
from tests.support.workers import Workers, refused_everywhere, session_id

MODERATOR_ID = 2


async def test_sign_out_holds_at_once_at_its_process_and_soon_at_the_other(workers: Workers) -> None:
    person = await workers.first.sign_up(f"leaving {uuid.uuid4().hex}")
    other = await workers.second.sign_in(person.username)
    for api in workers.both:
        assert (await api.user_board(person.access_token)).status_code == 200

    answer = await workers.first.post("/api/auth/signout", headers=person.headers)

    assert answer.status_code == 204
    assert_problem(await workers.first.user_board(person.access_token), 401, "token_revoked")
    await refused_everywhere(workers, [person.access_token], code="token_revoked")
    for api in workers.both:
        assert (await api.user_board(other.access_token)).status_code == 200


async def test_device_that_another_process_ends_is_signed_out_there_too(workers: Workers) -> None:
    person = await workers.first.sign_up(f"tidying {uuid.uuid4().hex}")
    lost = await workers.second.sign_in(person.username)

    ended = await workers.first.delete(f"/api/auth/sessions/{session_id(lost.access_token)}", headers=person.headers)

    assert ended.status_code == 204
    await refused_everywhere(workers, [lost.access_token], code="token_revoked")
    assert_problem(await workers.second.refresh(lost.refresh_token), 403, "refresh_token_invalid")
    assert (await workers.second.user_board(person.access_token)).status_code == 200


async def test_sign_out_of_the_others_keeps_this_one_everywhere(workers: Workers) -> None:
    person = await workers.first.sign_up(f"alone {uuid.uuid4().hex}")
    others = [await api.sign_in(person.username) for api in workers.in_turn(4)]

    answer = await workers.second.post("/api/auth/signout-others", headers=person.headers)

    assert answer.status_code == 204
    await refused_everywhere(workers, [other.access_token for other in others], code="token_revoked")
    for api in workers.both:
        assert (await api.user_board(person.access_token)).status_code == 200


async def test_changed_roles_make_old_tokens_stale_everywhere_and_a_refresh_shows_them(workers: Workers) -> None:
    person = await workers.first.sign_up(f"promoted {uuid.uuid4().hex}")
    tokens = [person.access_token, (await workers.second.sign_in(person.username)).access_token]

    async with workers.database.begin() as tx:
        await tx.execute(insert(user_roles).values(user_id=person.id, role_id=MODERATOR_ID))
        await workers.office.identity.revocations.revoke_account(tx, person.id)

    await refused_everywhere(workers, tokens, code="token_stale")
    fresh = (await workers.second.refresh(person.refresh_token)).json()["accessToken"]
    for api in workers.both:
        assert (await api.get("/api/test/mod", headers=bearer(fresh))).status_code == 200


async def test_change_that_is_undone_revokes_nothing(workers: Workers) -> None:
    person = await workers.first.sign_up(f"spared {uuid.uuid4().hex}")

    async def change_of_mind() -> None:
        async with workers.database.begin() as tx:
            await workers.office.identity.sessions.end(tx, user_id=person.id, reason="signed_out")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await change_of_mind()

    lines = workers.office.identity.revocations.lines_after(0)
    assert [line for line in lines if line.user_id == person.id and line.random_id is None] == []
    assert await workers.revocations(person.id) == []
    assert (await workers.first.refresh(person.refresh_token)).status_code == 200
