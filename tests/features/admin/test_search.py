"""Finding people: by words, addresses, domains and numbers; the same on every database, however many there are."""

import re
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, text

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import SearchWord, User, search_words_of
from tests.features.admin.conftest import MakePerson, MakeRole, at_once
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import prove_again
from tests.support.statements import statements

URL = "/api/admin/users"
NAMES = {
    "Jörg Müller": "joerg.mueller@mail.example.com",
    "Anna Maria Weiß": "amw+shop@example.com",
    "Łukasz": "lukasz_k@xn--mnchen-3ya.de",
    "Anna Schmidt": "schmidt@mail.example.com",
    "山田太郎": "taro@example.co.jp",
    "annabell": "anna@example.org",
}


async def found(api: Api, admin: Person, search: str, **params: str) -> list[str]:
    """Return the user names that a search finds, by name."""
    answer = await api.get(URL, params={"search": search, "sort": "username", **params}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return [item["username"] for item in answer.json()["items"]]


@pytest.fixture
async def people(api: Api, admin: Person, clock: FakeClock, services: Services) -> dict[str, int]:
    """Return the ids of some people, signed up a minute apart."""
    ids = {}
    for name, email in NAMES.items():
        clock.advance(minutes=1)
        ids[name] = (await api.sign_up(name, email=email)).id
    await services.identity.revocations.poll()
    return ids


@pytest.mark.both_databases
async def test_words_domains_and_numbers_find(api: Api, admin: Person, people: dict[str, int]) -> None:
    annas = ["Anna Maria Weiß", "Anna Schmidt", "annabell"]
    for search, expected in {
        "muller": ["Jörg Müller"],
        "MÜLLER jorg": ["Jörg Müller"],
        "mueller joerg": ["Jörg Müller"],
        "weiss": ["Anna Maria Weiß"],
        "maria": ["Anna Maria Weiß"],
        "shop": ["Anna Maria Weiß"],
        "anna": annas,
        "anna example.org": ["annabell"],
        "mail.example.com": ["Anna Schmidt", "Jörg Müller"],
        "@example.com": ["Anna Maria Weiß", "Anna Schmidt", "Jörg Müller", "Root"],
        "example": [*annas, "Jörg Müller", "Root", "山田太郎"],
        "münchen": ["Łukasz"],
        "xn--mnchen-3ya.de": ["Łukasz"],
        "lukasz.k": ["Łukasz"],
        "太郎": ["山田太郎"],
        "lukasz_k@MÜNCHEN.de": ["Łukasz"],
        "Anna Schmidt <schmidt@mail.example.com>,": ["Anna Schmidt"],
        f"#{people['annabell']}": ["annabell"],
        f" # {people['annabell']}": [],
        str(people["annabell"]): ["annabell"],
        "#0": [],
        "#": [],
        "anna nobody": [],
        "üller": [],
        "' OR '1'='1": [],
    }.items():
        assert await found(api, admin, search) == expected, search


@pytest.mark.both_databases
async def test_whole_name_or_address_is_found_where_it_has_no_word(api: Api, admin: Person) -> None:
    await api.sign_up("~~~", email="!#$@example.com")

    assert await found(api, admin, "~~~") == ["~~~"]
    assert "~~~" in await found(api, admin, "!#$@EXAMPLE.com")


async def test_account_is_counted_once_however_many_words_fit(api: Api, admin: Person, people: dict[str, int]) -> None:
    body = (await api.get(URL, params={"search": "a", "size": 2}, headers=admin.headers)).json()

    assert (body["total"], body["totalIsExact"], len(body["items"])) == (3, True, 2)


@pytest.mark.both_databases
@pytest.mark.parametrize("search", ["anna", "anna example", "a"])
async def test_answers_are_the_same_however_many_there_are(
    api: Api, admin: Person, people: dict[str, int], search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walked(sort: str, **params: str) -> list[int]:
        ids, asked = [], {"search": search, "sort": sort, "size": "2", **params}
        while True:
            body = (await api.get(URL, params=asked, headers=admin.headers)).json()
            ids += [item["id"] for item in body["items"]]
            if body["next"] is None:
                return ids
            asked["after"] = body["next"]

    orders = ("id", "-id", "username", "-email", "createdAt", "-createdAt", "lastSignInAt", "-lastSignInAt")
    filters: tuple[dict[str, str], ...] = ({}, {"role": "user"}, {"status": "active"}, {"status": "disabled"})
    few = {(sort, *given.items()): await walked(sort, **given) for sort in orders for given in filters}
    assert few["id",]

    monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", 0)
    # How far it is walked, how many entries are too many, how many words are few.
    for walk, far, few_words in ((0, 100, 16), (1, 100, 0), (3, 0 if " " not in search else 100, 0), (100, 100, 1)):
        monkeypatch.setattr("gatepost.admin.accounts.lists.WALK", walk)
        monkeypatch.setattr("gatepost.admin.accounts.finding.FAR", far)
        monkeypatch.setattr("gatepost.admin.accounts.finding.FEW_WORDS", few_words)
        many = {(sort, *given.items()): await walked(sort, **given) for sort in orders for given in filters}
        assert many == few, (walk, far, few_words)


async def test_total_of_many_says_that_there_may_be_more(
    api: Api, admin: Person, people: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", 2)

    body = (await api.get(URL, params={"search": "example"}, headers=admin.headers)).json()

    # As many as the page shows, at least.
    assert (body["total"], body["totalIsExact"], len(body["items"])) == (6, False, 6)
    first = (await api.get(URL, params={"search": "example", "size": 3}, headers=admin.headers)).json()
    assert (first["total"], first["totalIsExact"], first["pages"]) == (4, False, 2)


@pytest.mark.both_databases
async def test_name_of_now_finds_and_that_of_before_does_not(
    api: Api, admin: Person, people: dict[str, int], database: Database
) -> None:
    person = await api.sign_in("annabell")
    answer = await api.patch("/api/users/me", json={"username": "Zoë"}, headers=person.headers)
    assert answer.status_code == 200, answer.text
    for search, expected in {"annabell": [], "zoe": ["Zoë"], "anna@example.org": ["Zoë"]}.items():
        assert await found(api, admin, search) == expected, search

    admin = await prove_again(api, admin, admin.password, "password")
    changed = await api.patch(f"{URL}/{person.id}", json={"email": "z@new.example.net"}, headers=admin.headers)
    assert changed.status_code == 200, changed.text
    for search, expected in {"anna@example.org": [], "new.example.net": ["Zoë"], "zoe": ["Zoë"]}.items():
        assert await found(api, admin, search) == expected, search

    gone = await api.delete(f"{URL}/{person.id}", headers=admin.headers)
    assert gone.status_code == 204, gone.text
    assert await found(api, admin, "zoe") == []
    async with database.read() as tx:
        left = await tx.scalars(select(SearchWord.word).where(SearchWord.user_id == person.id))
        assert left.all() == []


@pytest.mark.both_databases
async def test_words_are_those_of_the_names_after_changes_at_once(
    api: Api, admin: Person, people: dict[str, int], database: Database
) -> None:
    person_id = people["annabell"]
    path = f"{URL}/{person_id}"

    admin = await prove_again(api, admin, admin.password, "password")
    changes = [{"username": f"Name {number}"} for number in range(4)]
    changes += [{"email": f"m{number}@example.net"} for number in range(4)]
    answers = await at_once(*(api.patch(path, json=change, headers=admin.headers) for change in changes))
    assert {answer.status_code for answer in answers} <= {200, 503}

    async with database.read() as tx:
        user = (await tx.scalars(select(User).where(User.id == person_id))).one()
        words = set((await tx.scalars(select(SearchWord.word).where(SearchWord.user_id == person_id))).all())
    names = {"username": user.username, "email": user.email, "email_canonical": user.email_canonical}
    assert words == {row["word"] for row in search_words_of(person_id, **names)}


@pytest.mark.both_databases
async def test_search_of_any_kind_is_answered(api: Api, admin: Person, people: dict[str, int]) -> None:
    kinds = [
        "%", "_", "\\", "\x00", "a\x00b", "..", "@", "🙂", "\u0301", "\u202eanna", "ı", "İ" * 300, "x" * 320,
        " ".join("abcdefgh"[number % 8] for number in range(160)), "#" * 320, "#99999999999999999999",
        "9" * 320, "anna" + "\t" * 100 + "maria", "\ufdfa" * 80,
    ]  # fmt: skip
    for search in kinds:
        answer = await api.get(URL, params={"search": search}, headers=admin.headers)
        assert answer.status_code == 200, (search, answer.text)
    too_long = await api.get(URL, params={"search": "x" * 10_000}, headers=admin.headers)
    assert_problem(too_long, 422, "validation_failed")


async def test_reading_is_enough_to_search(api: Api, person_with: MakePerson, make_role: MakeRole) -> None:
    await make_role("reader", "users:read")
    reader = await person_with("Reader", "reader")

    assert await found(api, reader, "reader") == ["Reader"]


@pytest.fixture
async def crowd(database: Database, admin: Person, clock: FakeClock) -> int:
    """Return how many people share a domain; the database has looked at how they are spread."""
    count, now = 3_000, clock.now()
    async with database.begin() as tx:
        rows = [
            {
                "username": f"crowd {number}", "username_canonical": f"crowd {number}",
                "email": f"c{number}@crowd.example", "email_canonical": f"c{number}@crowd.example", "language": "en",
                "password_hash": "!", "token_version": 0, "version": 1, "created_at": now, "updated_at": now,
            }
            for number in range(count)
        ]  # fmt: skip
        await tx.execute(insert(User.__table__), rows)  # type: ignore[arg-type]
        users = await tx.scalars(select(User).where(User.username.like("crowd %")))
        words = [
            row
            for user in users
            for row in search_words_of(
                user.id, username=user.username, email=user.email, email_canonical=user.email_canonical
            )
        ]
        await tx.execute(insert(SearchWord), words)
    async with database.begin() as tx:
        is_sqlite = database.engine.dialect.name == "sqlite"
        await tx.execute(text("ANALYZE" if is_sqlite else "ANALYZE TABLE users, search_words"))
    return count


async def plans(database: Database, asked: list[tuple[str, Any]]) -> list[str]:
    """Return the query plan of the database, one line per table."""
    lines = []
    async with database.read() as tx:
        connection = await tx.connection()
        rows: Any
        for statement, values in asked:
            if database.engine.dialect.name == "sqlite":
                rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()
                lines += [str(row[3]) for row in rows]
            else:
                rows = (await connection.exec_driver_sql(f"EXPLAIN {statement}", values)).all()
                lines += [f"{row[2]} {row[3]} {row[5]}" for row in rows]
    return lines


@pytest.mark.both_databases
async def test_search_reads_indexes_and_never_all_accounts(
    api: Api, admin: Person, crowd: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, values: Any, *_: object) -> None:
        if "FROM users" in statement or "search_words" in statement:
            asked.append((statement, values))

    # SQLite has no other words for walking along the accounts by id until a page is full, which is for many alone.
    always = r"^SCAN search_words|^(users|search_words\S*) ALL"
    for cap, whole in ((crowd * 10, rf"{always}|^SCAN users$"), (100, always)):
        monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", cap)
        for search in ("crowd 77", "crowd.example", "c77@crowd.example", "#77", "crowd", "nobody", "c7 example"):
            asked.clear()
            event.listen(database.engine.sync_engine, "before_cursor_execute", note)
            try:
                for sort in ("id", "username", "-createdAt", "-lastSignInAt"):
                    await found(api, admin, search, sort=sort)
            finally:
                event.remove(database.engine.sync_engine, "before_cursor_execute", note)
            lines = await plans(database, asked)
            assert lines, search
            assert [line for line in lines if re.search(whole, line)] == [], (cap, search, lines)


@pytest.mark.parametrize("cap", [10_000, 0])
async def test_search_asks_a_few_questions(
    api: Api, admin: Person, people: dict[str, int], database: Database, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", cap)

    with statements(database) as asked:
        assert await found(api, admin, "anna example") != []

    # The gate asks one; then who is meant, how many, which, accounts, roles, identities. Among many: where the walk
    # ends, whom it finds, how many more there are.
    assert len(asked) <= (7 if cap else 10), asked


@pytest.mark.both_databases
async def test_accounts_without_words_are_found_by_what_they_are_called_whole(
    api: Api, admin: Person, people: dict[str, int], database: Database
) -> None:
    async with database.begin() as tx:
        await tx.execute(delete(SearchWord))

    for search in ("anna maria WEIẞ", "amw+shop@example.com", f"#{people['Anna Maria Weiß']}"):
        assert await found(api, admin, search) == ["Anna Maria Weiß"], search
