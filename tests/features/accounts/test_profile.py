"""One's own account."""

from datetime import datetime

from sqlalchemy import delete

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.support.api import Api, assert_problem
from tests.support.clock import FakeClock


async def test_profile_shows_the_account_and_no_more(api: Api, clock: FakeClock) -> None:
    person = await api.sign_up()

    answer = await api.get("/api/users/me", headers=person.headers)

    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {
        "id", "username", "email", "emailVerified", "language", "roles", "permissions", "createdAt", "updatedAt",
    }  # fmt: skip
    assert (body["id"], body["username"], body["email"]) == (person.id, person.username, person.email)
    assert body["roles"] == ["ROLE_USER"]
    assert datetime.fromisoformat(body["createdAt"]) == clock.now()
    assert answer.headers["cache-control"] == "no-store"


async def test_profile_needs_a_token(api: Api) -> None:
    body = assert_problem(await api.get("/api/users/me"), 401, "token_missing")

    assert body["message"] == "Unauthorized!"


async def test_token_of_a_deleted_account_shows_nothing(api: Api, database: Database) -> None:
    person = await api.sign_up()
    async with database.begin() as tx:
        await tx.execute(delete(User).where(User.id == person.id))

    assert_problem(await api.get("/api/users/me", headers=person.headers), 404, "user_not_found")
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
