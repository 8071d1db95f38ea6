"""The boards: who may see which, and which of several tokens decides."""

import pytest
from sqlalchemy import insert

from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import user_roles
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock

BOARDS = {
    "all": "Public Content.",
    "user": "User Content.",
    "mod": "Moderator Content.",
    "admin": "Admin Content.",
}
ROLE_IDS = {"user": 1, "moderator": 2, "admin": 3}


async def person_with(api: Api, database: Database, *roles: str) -> Person:
    """Return somebody signed in who has these roles besides `user`."""
    person = await api.sign_up()
    if roles:
        async with database.begin() as tx:
            await tx.execute(insert(user_roles), [{"user_id": person.id, "role_id": ROLE_IDS[role]} for role in roles])
    return await api.sign_in()


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        ((), {"all", "user"}),
        (("moderator",), {"all", "user", "mod"}),
        (("admin",), {"all", "user", "admin"}),
        (("moderator", "admin"), {"all", "user", "mod", "admin"}),
    ],
)
async def test_each_role_sees_its_boards(api: Api, database: Database, roles: tuple[str, ...], seen: set[str]) -> None:
    person = await person_with(api, database, *roles)

    answers = {board: await api.get(f"/api/test/{board}", headers=person.headers) for board in BOARDS}

    assert {board for board, answer in answers.items() if answer.status_code == 200} == seen
    for board in seen:
        assert answers[board].text == BOARDS[board]
        assert answers[board].headers["content-type"] == "text/plain; charset=utf-8"


async def test_sign_in_tells_the_roles_for_menus(api: Api, database: Database) -> None:
    person = await person_with(api, database, "moderator", "admin")

    answer = await api.post("/api/auth/signin", json={"username": person.username, "password": person.password})

    assert answer.json()["roles"] == ["ROLE_USER", "ROLE_MODERATOR", "ROLE_ADMIN"]


@pytest.mark.parametrize(("board", "message"), [("mod", "Require Moderator Role!"), ("admin", "Require Admin Role!")])
async def test_refusal_names_the_role(api: Api, board: str, message: str) -> None:
    person = await api.sign_up()

    body = assert_problem(await api.get(f"/api/test/{board}", headers=person.headers), 403, "role_required")

    assert body["message"] == message


async def test_public_board_looks_at_no_token(api: Api) -> None:
    answer = await api.get("/api/test/all", headers=bearer("broken"))

    assert (answer.status_code, answer.text) == (200, "Public Content.")


@pytest.mark.parametrize("board", ["user", "mod", "admin"])
async def test_missing_token_is_challenged_without_an_error(api: Api, board: str) -> None:
    answer = await api.get(f"/api/test/{board}")

    assert assert_problem(answer, 401, "token_missing")["message"] == "Unauthorized!"
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatepost"'


async def test_challenge_tells_expired_revoked_and_invalid_apart(api: Api, clock: FakeClock) -> None:
    person, ended = await api.sign_up(), await api.sign_in()
    await api.post("/api/auth/signout", headers=ended.headers)

    invalid = await api.user_board("no.good.token")
    revoked = await api.user_board(ended.access_token)
    clock.advance(minutes=1440)
    expired = await api.user_board(person.access_token)

    for answer, code in ((invalid, "token_invalid"), (revoked, "token_revoked"), (expired, "token_expired")):
        assert assert_problem(answer, 401, code)["message"] == "Unauthorized!"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="gatepost", error="invalid_token"')


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
async def test_scheme_is_read_in_any_case(api: Api, scheme: str) -> None:
    person = await api.sign_up()

    answer = await api.get("/api/test/user", headers={"Authorization": f"{scheme} {person.access_token}"})

    assert answer.status_code == 200


async def test_each_of_the_three_places_is_enough(api: Api) -> None:
    token = (await api.sign_up()).access_token

    for headers in (bearer(token), {"x-access-token": token}, {"Cookie": f"gatepost_access={token}"}):
        assert (await api.get("/api/test/user", headers=headers)).text == "User Content."


@pytest.mark.parametrize(
    ("good", "present"),
    [
        ("authorization", {"authorization", "x-access-token", "cookie"}),
        ("x-access-token", {"x-access-token", "cookie"}),
        ("cookie", {"cookie"}),
    ],
)
async def test_the_first_place_that_is_present_decides(api: Api, good: str, present: set[str]) -> None:
    token = (await api.sign_up()).access_token

    def headers(of_good: str, of_others: str) -> dict[str, str]:
        forms = {"authorization": "Bearer {}", "x-access-token": "{}", "cookie": "gatepost_access={}"}
        return {name: forms[name].format(of_good if name == good else of_others) for name in present}

    decided_well = await api.get("/api/test/user", headers=headers(token, "broken"))
    decided_badly = await api.get("/api/test/user", headers=headers("broken", token))

    assert decided_well.status_code == 200
    assert_problem(decided_badly, 401, "token_invalid")


@pytest.mark.parametrize("other", ["Basic YTpi", "Bearer", "", "Token x"])
async def test_another_authorization_leaves_the_next_place_to_decide(api: Api, other: str) -> None:
    token = (await api.sign_up()).access_token

    answer = await api.get("/api/test/user", headers={"Authorization": other, "x-access-token": token})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "token", ["", " ", ".", "..", "a.b", "a.b.c", "a.b.c.d", "x" * 10000, "e30.e30.", "\u00e9.\u00e9.\u00e9"]
)
async def test_text_that_is_no_token_is_invalid(api: Api, token: str) -> None:
    answer = await api.get("/api/test/user", headers={b"Authorization": b"Bearer " + token.encode()})

    assert_problem(answer, 401, "token_invalid")


async def test_refresh_token_is_no_access_token(api: Api) -> None:
    person = await api.sign_up()

    assert_problem(await api.user_board(person.refresh_token), 401, "token_invalid")


async def test_access_token_is_no_refresh_token(api: Api) -> None:
    person = await api.sign_up()

    answer = await api.refresh(person.access_token)

    assert 400 <= answer.status_code < 500
