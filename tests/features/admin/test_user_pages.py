"""Pages of accounts: order, filters, search, totals, and cursors."""

import pytest
from sqlalchemy import event, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from tests.features.admin.conftest import MakePerson
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.families import family

URL = "/api/admin/users"


async def names(api: Api, admin: Person, **params: str | int | list[int]) -> list[str]:
    """Return the user names of a page."""
    answer = await api.get(URL, params=params, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return [item["username"] for item in answer.json()["items"]]


@pytest.fixture
async def people(api: Api, admin: Person, clock: FakeClock, services: Services) -> list[Person]:
    """Return five people besides the administrator, signed up a minute apart."""
    made = []
    for name in ("Eve", "abbey", "Dan", "Çelik", "Bob"):
        clock.advance(minutes=1)
        made.append(await api.sign_up(name, email=f"{name.replace('Ç', 'c')}.mail@example.com"))
    await services.identity.revocations.poll()
    return made


async def test_page_tells_how_many_there_are(api: Api, admin: Person, people: list[Person]) -> None:
    answer = await api.get(URL, params={"page": 2, "size": 4}, headers=admin.headers)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["total"], body["page"], body["size"], body["pages"], body["totalIsExact"]) == (6, 2, 4, 2, True)
    assert [item["username"] for item in body["items"]] == ["Çelik", "Bob"]
    assert body["next"] is None


async def test_page_beyond_the_last_is_empty(api: Api, admin: Person) -> None:
    body = (await api.get(URL, params={"page": 7}, headers=admin.headers)).json()

    assert (body["items"], body["total"], body["pages"], body["next"]) == ([], 1, 1, None)


@pytest.mark.both_databases
async def test_account_is_shown_without_any_secret(api: Api, admin: Person, people: list[Person]) -> None:
    answer = await api.get(URL, params={"search": "abbey"}, headers=admin.headers)

    (item,) = answer.json()["items"]
    assert set(item) == {
        "id", "username", "email", "emailVerified", "language", "roles", "permissions", "status", "hasPassword",
        "factors", "identities", "disabledAt", "eraseAt", "createdAt", "updatedAt", "lastSignInAt", "version",
    }  # fmt: skip
    assert "bcrypt" not in answer.text
    assert (item["roles"], item["status"], item["hasPassword"]) == (["user"], "active", True)


@pytest.mark.both_databases
async def test_every_order_is_the_same_by_number_and_by_cursor(api: Api, admin: Person, people: list[Person]) -> None:
    with family() as case:
        for sort, expected in {
            "id": ["Root", "Eve", "abbey", "Dan", "Çelik", "Bob"],
            "-id": ["Bob", "Çelik", "Dan", "abbey", "Eve", "Root"],
            "username": ["abbey", "Bob", "Dan", "Eve", "Root", "Çelik"],
            "-username": ["Çelik", "Root", "Eve", "Dan", "Bob", "abbey"],
            "email": ["abbey", "Bob", "Çelik", "Dan", "Eve", "Root"],
            "-email": ["Root", "Eve", "Dan", "Çelik", "Bob", "abbey"],
            "createdAt": ["Root", "Eve", "abbey", "Dan", "Çelik", "Bob"],
            "-createdAt": ["Bob", "Çelik", "Dan", "abbey", "Eve", "Root"],
        }.items():
            with case(sort):
                assert await names(api, admin, sort=sort) == expected
                walked, params = [], {"sort": sort, "size": "2"}
                while True:
                    body = (await api.get(URL, params=params, headers=admin.headers)).json()
                    walked += [item["username"] for item in body["items"]]
                    if body["next"] is None:
                        break
                    params["after"] = body["next"]
                assert walked == expected
                assert (body["total"], body["page"], body["pages"]) == (None, None, None)


@pytest.mark.both_databases
async def test_accounts_of_one_moment_are_neither_lost_nor_repeated_between_pages(
    api: Api, admin: Person, people: list[Person], database: Database, clock: FakeClock
) -> None:
    async with database.begin() as tx:
        await tx.execute(update(User).values(created_at=clock.now()))

    for sort in ("createdAt", "-createdAt"):
        seen: list[int] = []
        params = {"sort": sort, "size": "1"}
        for _ in range(6):
            body = (await api.get(URL, params=params, headers=admin.headers)).json()
            seen += [item["id"] for item in body["items"]]
            params["after"] = body["next"]
        assert seen == sorted(seen, reverse=sort.startswith("-"))
        assert len(seen) == 6


@pytest.mark.both_databases
async def test_search_finds_however_it_is_written(api: Api, admin: Person, people: list[Person]) -> None:
    with family() as case:
        for search in ("ABBEY", "abb", "Ａbbey", "abbey.mail@EXAMPLE.com", "abbey.mail@ex", "  abbey", "Abbey.M"):
            with case(search):
                assert await names(api, admin, search=search) == ["abbey"]


async def test_search_finds_by_id(api: Api, admin: Person, people: list[Person]) -> None:
    assert await names(api, admin, search=str(people[2].id)) == ["Dan"]


@pytest.mark.both_databases
async def test_accounts_are_found_by_their_ids_together_with_every_filter(
    api: Api, admin: Person, people: list[Person]
) -> None:
    ids = [people[0].id, people[2].id, 10**9]

    assert await names(api, admin, id=ids, sort="username") == ["Dan", "Eve"]
    assert await names(api, admin, id=ids, search="ev") == ["Eve"]
    assert await names(api, admin, id=ids, role="admin") == []
    assert await names(api, admin, id=ids, status="disabled") == []
    assert await names(api, admin, id=ids, role="user", status="active", sort="username") == ["Dan", "Eve"]
    too_many = await api.get(URL, params={"id": list(range(1, 102))}, headers=admin.headers)
    assert_problem(too_many, 422, "validation_failed")


@pytest.mark.both_databases
async def test_search_has_no_wildcards(api: Api, admin: Person, people: list[Person]) -> None:
    with family() as case:
        for search in ("%", "_", "\x00", "a%bey", "a_bey", "bbey", "\\", "'", "*", "bey", "\U0010ffff", "9" * 40):
            with case(search):
                assert await names(api, admin, search=search) == []


@pytest.mark.both_databases
async def test_search_is_for_the_beginnings_of_words(api: Api, admin: Person) -> None:
    await api.sign_up("Carla", email="quentin@example.com")
    await api.sign_up("Quirin", email="dora@example.com")
    await api.sign_up("Aquila", email="ada@example.com")

    assert await names(api, admin, search="qu", sort="-username") == ["Quirin", "Carla"]
    assert await names(api, admin, search="ada@example.com") == ["Aquila"]


@pytest.mark.both_databases
async def test_filters_narrow_together(
    api: Api, admin: Person, people: list[Person], person_with: MakePerson, database: Database, clock: FakeClock
) -> None:
    await person_with("Mod", "moderator")
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.username.in_(["Eve", "Mod"])).values(disabled_at=clock.now()))
        await tx.execute(update(User).where(User.username == "Dan").values(email_verified_at=clock.now()))
        await tx.execute(update(User).where(User.username == "Bob").values(erase_at=clock.now()))

    assert await names(api, admin, role="moderator") == ["Mod"]
    assert await names(api, admin, role="admin", sort="-createdAt") == ["Root"]
    assert await names(api, admin, status="disabled", sort="username") == ["Eve", "Mod"]
    assert await names(api, admin, status="disabled", role="moderator") == ["Mod"]
    assert await names(api, admin, status="active", sort="username") == ["abbey", "Dan", "Root", "Çelik"]
    assert await names(api, admin, status="deleting") == ["Bob"]
    assert "Dan" not in await names(api, admin, status="unverified")
    assert await names(api, admin, status="unverified", search="ev") == ["Eve"]
    assert await names(api, admin, status="active", search="ev") == []


@pytest.mark.both_databases
async def test_many_that_fit_are_counted_up_to_a_cap_and_read_along_the_order(
    api: Api, admin: Person, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", 3)

    body = (await api.get(URL, params={"role": "user", "sort": "-username"}, headers=admin.headers)).json()

    assert (body["total"], body["totalIsExact"]) == (6, False)
    assert [item["username"] for item in body["items"]] == ["Çelik", "Root", "Eve", "Dan", "Bob", "abbey"]
    unverified = (await api.get(URL, params={"status": "unverified", "size": 2}, headers=admin.headers)).json()
    assert (unverified["total"], unverified["totalIsExact"], len(unverified["items"])) == (3, False, 2)


async def test_deep_page_by_cursor_counts_nothing(
    api: Api, admin: Person, people: list[Person], database: Database
) -> None:
    first = (await api.get(URL, params={"size": 2}, headers=admin.headers)).json()
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        await api.get(URL, params={"size": 2, "after": first["next"]}, headers=admin.headers)
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)

    assert statements
    assert not [text for text in statements if "count(" in text.lower()]


@pytest.mark.parametrize(
    "after",
    ["", "x", "!!!", "bnVsbA", "W10", "WyJpZCIsMSwyXQ", "WyJ1c2VybmFtZSIsImEiLDFd", "WyJpZCIsIjEiLDFd", "eyJhIjoxfQ"],
)
async def test_cursor_of_another_order_or_of_nobody_is_refused(api: Api, admin: Person, after: str) -> None:
    assert_problem(await api.get(URL, params={"after": after}, headers=admin.headers), 400, "cursor_invalid")


async def test_role_that_does_not_exist_is_named(api: Api, admin: Person) -> None:
    body = assert_problem(await api.get(URL, params={"role": "boss"}, headers=admin.headers), 400, "unknown_role")

    assert body["message"] == "Failed! Role does not exist = boss"


@pytest.mark.parametrize(
    "params",
    [
        {"size": 101},
        {"size": 0},
        {"page": 0},
        {"page": 10**7},
        {"sort": "password_hash"},
        {"status": "odd"},
        {"search": ""},
    ],
)
async def test_odd_parameter_is_refused(api: Api, admin: Person, params: dict[str, str]) -> None:
    assert_problem(await api.get(URL, params=params, headers=admin.headers), 422, "validation_failed")


async def test_pages_are_for_those_with_the_permission(api: Api) -> None:
    person = await api.sign_up("Abbey Salami")

    body = assert_problem(await api.get(URL, headers=person.headers), 403, "permission_required")
    assert body["message"] == "The permission users:read is needed."
    assert_problem(await api.get(URL), 401, "token_missing")
