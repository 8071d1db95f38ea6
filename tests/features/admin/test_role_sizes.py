"""How large roles may be: an access token has to hold them, and a browser has to accept it as a cookie."""

from typing import Any

import pytest
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.core.crypto.jws import LONGEST_TOKEN
from gatepost.core.db.database import Database
from gatepost.core.settings import JwtAlgorithm, TokenTransport
from gatepost.identity.accounts.models import Role
from gatepost.identity.accounts.names import LONGEST_USERNAME
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.rights import MOST_BYTES, size_of
from gatepost.identity.tokens.access_tokens import LONGEST
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson, MakeRole, at_once, give
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.links import take_link
from tests.support.workers import claims, held_up

URL = "/api/admin/users"
ROLES = "/api/admin/roles"
INVITATIONS = "/api/admin/invitations"
COOKIE_BYTES = 4096
# Six bytes a character in a token, and twelve.
LONGEST_NAME = "\u9f98" * LONGEST_USERNAME
LONGEST_NAME_OF_ALL = "\U00020000" * LONGEST_USERNAME


def words(count: int, *, start: str = "w") -> list[str]:
    """Return permissions of 64 characters; eleven of them fill half of a token."""
    return [f"{start}{number:02}".ljust(64, "x") for number in range(count)]


async def weigh(database: Database, role_id: int, count: int) -> None:
    """Give a role more permissions than the limit allows, as a role from before the limit may have."""
    async with database.begin() as tx:
        await tx.execute(update(Role).where(Role.id == role_id).values(permissions=words(count)))


@pytest.fixture
async def halves(make_role: MakeRole) -> tuple[int, int]:
    """Return two roles, each of which takes more than half of the limit."""
    return await make_role("left", *words(12, start="l")), await make_role("right", *words(12, start="r"))


async def test_roles_that_are_too_long_together_are_given_in_no_way(
    api: Api, admin: Person, halves: tuple[int, int]
) -> None:
    person = await api.sign_up("Abbey Salami")
    roles = ["left", "right"]
    guest = {"email": "guest@example.com", "roles": roles}

    for answer in (
        await api.put(f"{URL}/{person.id}/roles", json={"roles": roles}, headers=admin.headers),
        await api.post(URL, json={"username": "Guest", **guest}, headers=admin.headers),
        await api.post(INVITATIONS, json=guest, headers=admin.headers),
    ):
        assert_problem(answer, 409, "roles_too_long")
    assert (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()["roles"] == ["user"]
    assert (await api.get(INVITATIONS, headers=admin.headers)).json() == []
    for role in roles:
        answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["user", role]}, headers=admin.headers)
        assert answer.is_success


async def test_permissions_that_roles_share_count_once(api: Api, admin: Person, make_role: MakeRole) -> None:
    for name in ("one", "two", "three"):
        await make_role(name, *words(15))
    person = await api.sign_up("Abbey Salami")

    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": ["one", "two", "three"]}, headers=admin.headers)

    assert answer.is_success


async def test_role_that_is_too_long_alone_is_neither_made_nor_grown(
    api: Api, admin: Person, make_role: MakeRole
) -> None:
    mine = await make_role("mine")

    made = await api.post(ROLES, json={"name": "long", "permissions": words(32)}, headers=admin.headers)
    grown = await api.patch(f"{ROLES}/{mine}", json={"permissions": words(32)}, headers=admin.headers)

    assert_problem(made, 409, "roles_too_long")
    assert_problem(grown, 409, "roles_too_long")


@pytest.mark.both_databases
@pytest.mark.parametrize("change", [{"permissions": words(13, start="n")}, {"name": "n" * 64}])
async def test_role_that_grows_too_long_for_one_of_its_holders_stays_as_it_is(
    api: Api,
    admin: Person,
    make_role: MakeRole,
    person_with: MakePerson,
    halves: tuple[int, int],
    change: dict[str, Any],
) -> None:
    small = await make_role("small", *words(10, start="s"))
    crowd = [await person_with(f"Person {number}", "small") for number in range(3)]
    both = await person_with("Both", "small", "left")
    await api.put(f"{URL}/{crowd[0].id}/roles", json={"roles": ["right"]}, headers=admin.headers)
    before = (await api.get(f"{ROLES}/{small}", headers=admin.headers)).json()

    answer = await api.patch(f"{ROLES}/{small}", json=change, headers=admin.headers)

    assert_problem(answer, 409, "roles_too_long")
    assert (await api.get(f"{ROLES}/{small}", headers=admin.headers)).json() == before
    assert (await api.user_board(both.access_token)).status_code == 200
    await api.put(f"{URL}/{both.id}/roles", json={"roles": ["user", "small"]}, headers=admin.headers)
    assert (await api.patch(f"{ROLES}/{small}", json=change, headers=admin.headers)).is_success


async def test_role_that_grows_in_the_middle_of_anothers_growth_waits_for_its_end(
    api: Api, admin: Person, database: Database, make_role: MakeRole, person_with: MakePerson
) -> None:
    ids = [await make_role(name, f"{name}:x") for name in ("one", "two")]
    both, second = await person_with("Both", "one", "two"), await person_with("Second", "admin")
    grow = [
        api.patch(f"{ROLES}/{role_id}", json={"permissions": words(14, start=f"a{role_id}")}, headers=by.headers)
        for role_id, by in zip(ids, (admin, second), strict=True)
    ]

    async with database.begin() as tx:
        # The last row that a change of either role needs: after it has seen that what it wants fits.
        await Users(tx).get_for_update(both.id)
        tasks = [await held_up(database, call, waiting=number) for number, call in enumerate(grow, 1)]
    answers = [await task for task in tasks]

    assert sorted(answer.status_code for answer in answers) == [200, 409], [each.text for each in answers]
    assert len((await api.refresh(both.refresh_token)).json()["accessToken"]) <= LONGEST


@pytest.mark.both_databases
async def test_role_that_grows_and_is_given_at_once_is_not_too_long(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson, halves: tuple[int, int]
) -> None:
    small, second = await make_role("small"), await person_with("Second", "admin")
    person = await person_with("Person", "left")

    answers = await at_once(
        api.patch(f"{ROLES}/{small}", json={"permissions": words(14, start="s")}, headers=admin.headers),
        api.put(f"{URL}/{person.id}/roles", json={"roles": ["left", "small"]}, headers=second.headers),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409], [each.text for each in answers]


@pytest.mark.parametrize("algorithm", [JwtAlgorithm.ES256, JwtAlgorithm.RS256])
async def test_longest_account_signs_in_by_cookie_and_is_known(
    make_services: MakeServices, database: Database, algorithm: JwtAlgorithm
) -> None:
    url = "https://login.example.com/" + "x" * 222
    services = make_services(jwt_algorithm=algorithm, public_url=url, token_transport=TokenTransport.BOTH)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up(LONGEST_NAME, email="long@example.com")
        async with database.begin() as tx:
            role = Role(name="r" * 64, description="", permissions=words(21))
            tx.add(role)
        assert MOST_BYTES - len(words(1)[0]) <= size_of([Role(name="user", permissions=[]), role]) <= MOST_BYTES
        await give(database, person.id, ["r" * 64])

        answer = await api.post("/api/auth/signin", json={"username": LONGEST_NAME, "password": PASSWORD})

        token = answer.json()["accessToken"]
        assert claims(token)["permissions"] == words(21)
        assert claims(token)["username"] == LONGEST_NAME
        cookies = answer.headers.get_list("set-cookie")
        assert max(len(cookie) for cookie in cookies) + len("__Host-; Secure") <= COOKIE_BYTES
        assert (await api.user_board(token)).status_code == 200


async def test_beside_the_longest_name_of_all_roles_that_do_not_fit_are_left_out(
    make_services: MakeServices, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    url = "https://login.example.com/" + "x" * 222
    # Its signatures are the longest.
    services = make_services(jwt_algorithm=JwtAlgorithm.RS256, public_url=url, token_transport=TokenTransport.BOTH)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        person = await api.sign_up(LONGEST_NAME_OF_ALL, email="long@example.com")
        async with database.begin() as tx:
            tx.add_all([Role(name="some", description="", permissions=words(10, start="s")),
                        Role(name="zebra", description="", permissions=words(11, start="z"))])  # fmt: skip
        await give(database, person.id, ["some", "zebra"])

        answer = await api.post("/api/auth/signin", json={"username": LONGEST_NAME_OF_ALL, "password": PASSWORD})

        token = answer.json()["accessToken"]
        assert len(token) <= LONGEST
        assert (claims(token)["username"], claims(token)["roles"]) == (LONGEST_NAME_OF_ALL, ["user", "some"])
        assert f"account {person.id} has more roles than fit into an access token: 1 left out" in caplog.messages
        assert (await api.user_board(token)).status_code == 200


async def test_account_of_before_the_bound_signs_in_with_the_roles_that_fit(
    api: Api, admin: Person, database: Database, make_role: MakeRole, person_with: MakePerson
) -> None:
    huge, _ = await make_role("huge"), await make_role("zebra", "zebra:ride")
    person = await person_with("Person", "huge", "zebra", "moderator")
    await weigh(database, huge, 200)

    answer = await api.post("/api/auth/signin", json={"username": "Person", "password": PASSWORD})

    token = answer.json()["accessToken"]
    assert len(token) <= LONGEST < LONGEST_TOKEN
    assert (claims(token)["roles"], claims(token)["permissions"]) == (["user", "moderator", "zebra"], ["zebra:ride"])
    assert max(len(cookie) for cookie in answer.headers.get_list("set-cookie")) <= COOKIE_BYTES
    assert (await api.user_board(token)).status_code == 200
    refreshed = (await api.refresh(answer.json()["refreshToken"])).json()["accessToken"]
    assert claims(refreshed)["roles"] == ["user", "moderator", "zebra"]
    assert (await api.post("/api/auth/signout", headers={"x-access-token": refreshed})).status_code == 204
    assert person.id == answer.json()["id"]


@pytest.mark.both_databases
async def test_account_of_before_the_bound_can_lose_roles_step_by_step(
    api: Api, admin: Person, database: Database, make_role: MakeRole, person_with: MakePerson
) -> None:
    huge, _ = await make_role("huge"), await make_role("zebra", "zebra:ride")
    person = await person_with("Person", "huge", "zebra", "moderator")
    await weigh(database, huge, 200)
    url = f"{URL}/{person.id}/roles"

    less = await api.put(url, json={"roles": ["user", "huge", "zebra"]}, headers=admin.headers)
    more = await api.put(url, json={"roles": ["user", "huge", "zebra", "moderator"]}, headers=admin.headers)
    smaller = await api.patch(f"{ROLES}/{huge}", json={"permissions": words(32)}, headers=admin.headers)

    assert less.json()["roles"] == ["user", "huge", "zebra"]
    assert_problem(more, 409, "roles_too_long")
    assert smaller.is_success


async def test_invitation_whose_roles_have_grown_too_long_makes_no_account(
    api: Api, admin: Person, services: Services, make_role: MakeRole, halves: tuple[int, int]
) -> None:
    small = await make_role("small")
    body = {"email": "guest@example.com", "roles": ["left", "small"]}
    assert (await api.post(INVITATIONS, json=body, headers=admin.headers)).status_code == 201
    token = await take_link(services, "invitation")
    grown = {"permissions": words(14, start="s")}
    assert (await api.patch(f"{ROLES}/{small}", json=grown, headers=admin.headers)).is_success
    guest = {"username": "Guest", "email": "guest@example.com", "password": PASSWORD, "invitation": token}

    assert_problem(await api.post("/api/auth/signup", json=guest), 409, "roles_too_long")
    assert (await api.patch(f"{ROLES}/{small}", json={"permissions": []}, headers=admin.headers)).is_success
    assert (await api.post("/api/auth/signup", json=guest)).status_code == 201
