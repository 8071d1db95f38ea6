"""Nobody gives, takes or touches more than they have themselves."""

import re

import pytest

from tests.features.admin.conftest import MakePerson, MakeRole
from tests.support.api import Api, Person, assert_problem
from tests.support.contract import operations

URL = "/api/admin/users"
ROLES = "/api/admin/roles"
INVITATIONS = "/api/admin/invitations"

NEW = {"username": "Newcomer", "email": "new@example.com"}


@pytest.fixture
async def helper(make_role: MakeRole, person_with: MakePerson) -> Person:
    """Return somebody who may look after accounts and roles, without having all permissions."""
    await make_role("support", "users:read", "users:write", "roles:write", "orders:refund", "factors:reset")
    return await person_with("Helper", "support")


@pytest.mark.parametrize("roles", [[], ["user"], ["support"], ["user", "support"]])
async def test_roles_that_one_has_can_be_passed_on(api: Api, helper: Person, roles: list[str]) -> None:
    person = await api.sign_up("Abbey Salami")

    answer = await api.put(f"{URL}/{person.id}/roles", json={"roles": roles}, headers=helper.headers)

    assert sorted(answer.json()["roles"]) == sorted(roles)


@pytest.mark.parametrize("role", ["admin", "moderator", "billing", "refunds"])
async def test_role_that_one_has_not_can_be_given_to_nobody(
    api: Api, helper: Person, make_role: MakeRole, role: str
) -> None:
    await make_role("billing", "billing:write")
    await make_role("refunds", "orders:refund")
    person = await api.sign_up("Abbey Salami")

    for user_id in (person.id, helper.id):
        answer = await api.put(f"{URL}/{user_id}/roles", json={"roles": ["user", role]}, headers=helper.headers)
        assert_problem(answer, 403, "beyond_authority")
    answer = await api.post(URL, json={**NEW, "roles": [role]}, headers=helper.headers)
    assert_problem(answer, 403, "beyond_authority")
    assert (await api.user_board(person.access_token)).status_code == 200


@pytest.mark.parametrize("role", ["admin", "moderator", "billing"])
async def test_account_that_has_more_cannot_be_touched(
    api: Api, admin: Person, helper: Person, make_role: MakeRole, person_with: MakePerson, role: str
) -> None:
    await make_role("billing", "billing:write")
    above = await person_with("Above", role)
    url = f"{URL}/{above.id}"

    answers = [
        await api.patch(url, json={"email": "mine@example.com"}, headers=helper.headers),
        await api.delete(url, headers=helper.headers),
        await api.delete(f"{url}/factors", headers=helper.headers),
        await api.put(f"{url}/roles", json={"roles": ["user"]}, headers=helper.headers),
        *[
            await api.post(f"{url}/{act}", headers=helper.headers)
            for act in ("disable", "enable", "signout", "password/reset")
        ],
    ]

    for answer in answers:
        assert_problem(answer, 403, "beyond_authority")
    assert (await api.user_board(above.access_token)).status_code == 200
    assert (await api.get(url, headers=helper.headers)).json()["version"] == 1


async def test_user_role_with_a_permission_that_one_lacks_is_out_of_reach(
    api: Api, admin: Person, helper: Person
) -> None:
    person = await api.sign_up("Abbey Salami")
    await api.put(f"{URL}/{helper.id}/roles", json={"roles": ["support"]}, headers=admin.headers)
    assert (await api.patch(f"{ROLES}/1", json={"permissions": ["news:read"]}, headers=admin.headers)).is_success
    helper = await api.sign_in("Helper")

    touched = await api.post(f"{URL}/{person.id}/disable", headers=helper.headers)
    made = await api.post(URL, json=NEW, headers=helper.headers)

    assert_problem(touched, 403, "beyond_authority")
    assert_problem(made, 403, "beyond_authority")


@pytest.mark.parametrize("permissions", [["billing:write"], ["orders:refund", "audit:read"]])
async def test_role_cannot_allow_more_than_its_maker_may(
    api: Api, helper: Person, make_role: MakeRole, permissions: list[str]
) -> None:
    mine = await make_role("mine", "orders:refund")

    created = await api.post(ROLES, json={"name": "other", "permissions": permissions}, headers=helper.headers)
    changed = await api.patch(f"{ROLES}/{mine}", json={"permissions": permissions}, headers=helper.headers)

    assert_problem(created, 403, "beyond_authority")
    assert_problem(changed, 403, "beyond_authority")


async def test_role_that_allows_more_can_be_neither_changed_nor_deleted(
    api: Api, helper: Person, make_role: MakeRole
) -> None:
    above = await make_role("billing", "billing:write")

    for answer in (
        await api.patch(f"{ROLES}/{above}", json={"permissions": []}, headers=helper.headers),
        await api.patch(f"{ROLES}/{above}", json={"description": "x"}, headers=helper.headers),
        await api.delete(f"{ROLES}/{above}", headers=helper.headers),
        await api.patch(f"{ROLES}/3", json={"description": "x"}, headers=helper.headers),
    ):
        assert_problem(answer, 403, "beyond_authority")


async def test_role_within_what_one_has_can_be_made(api: Api, helper: Person) -> None:
    body = {"name": "refunds", "permissions": ["orders:refund"]}

    assert (await api.post(ROLES, json=body, headers=helper.headers)).status_code == 201


READS = [
    ("GET", URL), ("GET", f"{URL}/export"), ("GET", f"{URL}/1"), ("GET", f"{URL}/1/sessions"), ("GET", INVITATIONS),
]  # fmt: skip
WRITES = [
    ("POST", URL), ("PATCH", f"{URL}/1"), ("DELETE", f"{URL}/1"), ("PUT", f"{URL}/1/roles"),
    ("POST", f"{URL}/1/disable"),
    ("POST", f"{URL}/1/enable"), ("POST", f"{URL}/1/signout"), ("POST", f"{URL}/1/password/reset"),
    ("POST", INVITATIONS), ("DELETE", f"{INVITATIONS}/1"),
]  # fmt: skip
OF_FACTORS = [("DELETE", f"{URL}/1/factors"), ("DELETE", f"{URL}/1/identities/1")]
OF_ROLES = [("POST", ROLES), ("PATCH", f"{ROLES}/1"), ("DELETE", f"{ROLES}/1")]
READS_OF_ROLES = [("GET", ROLES), ("GET", f"{ROLES}/1")]
AUDIT, KEYS, OVERVIEW = ("GET", "/api/admin/audit"), ("GET", "/api/admin/keys"), ("GET", "/api/admin/overview")
BODIES = {
    ("POST", URL): NEW,
    ("PATCH", f"{URL}/1"): {},
    ("PUT", f"{URL}/1/roles"): {"roles": []},
    ("POST", INVITATIONS): {"email": "new@example.com"},
    ("POST", ROLES): {"name": "mine"},
    ("PATCH", f"{ROLES}/1"): {},
}


@pytest.mark.parametrize(
    ("permission", "closed"),
    [
        ("users:read", [*WRITES, *OF_ROLES, AUDIT, KEYS, *OF_FACTORS]),
        ("users:write", [*READS, *OF_ROLES, *READS_OF_ROLES, AUDIT, KEYS, OVERVIEW, *OF_FACTORS]),
        ("roles:write", [*READS, *WRITES, AUDIT, KEYS, OVERVIEW, *OF_FACTORS]),
        ("audit:read", [*READS, *WRITES, *OF_ROLES, *READS_OF_ROLES, KEYS, *OF_FACTORS]),
        ("keys:read", [*READS, *WRITES, *OF_ROLES, *READS_OF_ROLES, AUDIT, OVERVIEW, *OF_FACTORS]),
        ("factors:reset", [*READS, *WRITES, *OF_ROLES, *READS_OF_ROLES, AUDIT, KEYS, OVERVIEW]),
        ("users", [*READS, *WRITES, *OF_ROLES, *READS_OF_ROLES, AUDIT, KEYS, OVERVIEW, *OF_FACTORS]),
    ],
)
async def test_routes_ask_for_their_permission(
    api: Api, make_role: MakeRole, person_with: MakePerson, permission: str, closed: list[tuple[str, str]]
) -> None:
    await make_role("narrow", permission)
    narrow = await person_with("Narrow", "narrow")

    for method, url in closed:
        body = BODIES.get((method, url))
        answer = await api.client.request(method, url, json=body, headers=narrow.headers)
        assert_problem(answer, 403, "permission_required")


async def test_no_route_of_administration_is_open_to_everybody(api: Api) -> None:
    person = await api.sign_up()
    administration = {
        name: one for name, one in operations().items() if "/admin/" in name or "administration" in one["tags"]
    }

    # What is asked above with one permission is asked here with none: no route is left out of either.
    asked = {
        f"{method} {url}"
        for method, url in [*READS, *WRITES, *OF_ROLES, *READS_OF_ROLES, AUDIT, KEYS, OVERVIEW, *OF_FACTORS]
    }
    assert {re.sub(r"\{\w+\}", "1", name) for name in administration} == asked
    for name, operation in administration.items():
        method, path = name.split()
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        answer = await api.client.request(method, re.sub(r"\{\w+\}", "1", path), json=body, headers=person.headers)

        assert_problem(answer, 403, "permission_required")


async def test_roles_are_shown_to_who_gives_them_and_to_who_makes_them(
    api: Api, make_role: MakeRole, person_with: MakePerson
) -> None:
    for number, permission in enumerate(("users:read", "roles:write")):
        await make_role(f"narrow{number}", permission)
        person = await person_with(f"Narrow{number}", f"narrow{number}")
        assert (await api.get(ROLES, headers=person.headers)).status_code == 200


@pytest.mark.parametrize(("role", "status"), [("support", 201), ("user", 201), ("moderator", 403), ("admin", 403)])
async def test_invitation_is_no_way_round(api: Api, helper: Person, role: str, status: int) -> None:
    body = {"email": "guest@example.com", "roles": [role]}

    answer = await api.post("/api/admin/invitations", json=body, headers=helper.headers)

    assert answer.status_code == status, answer.text
