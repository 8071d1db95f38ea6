"""Names of roles: what other services ask for, and therefore nobody's to take, to move or to imitate."""

import pytest
from sqlalchemy import func, select

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import RetiredRoleName
from tests.features.admin.conftest import MakePerson, MakeRole, at_once
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.workers import claims

URL = "/api/admin/roles"
CHECK = "/api/auth/check"


@pytest.fixture
async def helper(make_role: MakeRole, person_with: MakePerson) -> Person:
    """Return somebody who may look after roles, without having all permissions."""
    await make_role("support", "users:read", "users:write", "roles:write", "orders:refund")
    return await person_with("Helper", "support")


async def id_of(api: Api, admin: Person, name: str) -> int:
    """Return the id of a role."""
    roles = (await api.get(URL, headers=admin.headers)).json()
    return next(int(role["id"]) for role in roles if role["name"] == name)


async def test_name_of_a_role_that_one_lacks_is_not_taken_over(
    api: Api, admin: Person, helper: Person, make_role: MakeRole
) -> None:
    theirs, mine = await make_role("vault", "orders:refund"), await id_of(api, admin, "support")

    moved = await api.patch(f"{URL}/{theirs}", json={"name": "vault2"}, headers=helper.headers)
    taken = await api.patch(f"{URL}/{mine}", json={"name": "vault"}, headers=helper.headers)

    assert_problem(moved, 403, "beyond_authority")
    assert_problem(taken, 403, "beyond_authority")
    token = (await api.refresh(helper.refresh_token)).json()["accessToken"]
    answer = await api.get(CHECK, params={"role": "vault"}, headers={"x-access-token": token})
    assert_problem(answer, 403, "role_required")


@pytest.mark.parametrize("role", ["user", "moderator", "vault", "empty"])
@pytest.mark.parametrize("change", [{"description": "x"}, {"permissions": []}, {"permissions": ["orders:refund"]}])
async def test_role_that_one_lacks_is_not_changed_whatever_it_allows(
    api: Api, admin: Person, helper: Person, make_role: MakeRole, role: str, change: dict[str, object]
) -> None:
    await make_role("vault", "orders:refund")
    await make_role("empty")
    url = f"{URL}/{await id_of(api, admin, role)}"

    assert_problem(await api.patch(url, json=change, headers=helper.headers), 403, "beyond_authority")


@pytest.mark.parametrize("role", ["vault", "empty"])
async def test_role_that_one_lacks_is_not_deleted(
    api: Api, admin: Person, helper: Person, make_role: MakeRole, role: str
) -> None:
    await make_role("vault", "orders:refund")
    await make_role("empty")

    answer = await api.delete(f"{URL}/{await id_of(api, admin, role)}", headers=helper.headers)

    assert_problem(answer, 403, "beyond_authority")


@pytest.mark.both_databases
async def test_role_that_one_has_is_changed_within_what_one_may_and_not_renamed(
    api: Api, admin: Person, helper: Person
) -> None:
    url = f"{URL}/{await id_of(api, admin, 'support')}"

    for name in ("finance", "support2"):
        assert_problem(await api.patch(url, json={"name": name}, headers=helper.headers), 403, "beyond_authority")
    change = {"name": "support", "description": "Helps.", "permissions": ["roles:write", "users:read"]}
    answer = await api.patch(url, json=change, headers=helper.headers)
    assert answer.json()["permissions"] == ["roles:write", "users:read"]


async def test_name_that_was_freed_waits_for_the_last_token_with_it(
    api: Api, admin: Person, make_role: MakeRole, clock: FakeClock, services: Services
) -> None:
    renamed, deleted = await make_role("vault", "vault:open"), await make_role("safe", "safe:open")
    other = await make_role("other")
    assert (await api.patch(f"{URL}/{renamed}", json={"name": "vault2"}, headers=admin.headers)).is_success
    assert (await api.delete(f"{URL}/{deleted}", headers=admin.headers)).status_code == 204

    for name in ("vault", "safe"):
        made = await api.post(URL, json={"name": name}, headers=admin.headers)
        moved = await api.patch(f"{URL}/{other}", json={"name": name}, headers=admin.headers)
        assert "It is free from" in assert_problem(made, 409, "role_name_retired")["message"]
        assert_problem(moved, 409, "role_name_retired")

    clock.advance(minutes=services.settings.jwt_access_expiration_minutes + 15)
    await services.identity.revocations.poll()
    admin = await api.sign_in("Root")
    assert (await api.post(URL, json={"name": "vault"}, headers=admin.headers)).status_code == 201
    assert (await api.patch(f"{URL}/{other}", json={"name": "safe"}, headers=admin.headers)).is_success


async def test_role_may_have_its_own_name_back(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson
) -> None:
    url = f"{URL}/{await make_role('vault')}"
    holder = await person_with("Holder", "vault")
    for name in ("vault2", "vault", "vault2", "vault"):
        assert (await api.patch(url, json={"name": name}, headers=admin.headers)).json()["name"] == name

    token = (await api.refresh(holder.refresh_token)).json()["accessToken"]
    assert claims(token)["roles"] == ["user", "vault"]
    taken = await api.post(URL, json={"name": "vault2"}, headers=admin.headers)
    assert_problem(taken, 409, "role_name_retired")


@pytest.mark.both_databases
async def test_name_that_is_freed_at_the_same_moment_is_not_taken(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson
) -> None:
    second = await person_with("Second", "admin")
    for number in range(3):
        url = f"{URL}/{await make_role(f'vault{number}')}"

        moved, made = await at_once(
            api.patch(url, json={"name": f"moved{number}"}, headers=admin.headers),
            api.post(URL, json={"name": f"vault{number}"}, headers=second.headers),
        )

        assert moved.status_code == 200
        assert made.json()["code"] in {"role_name_taken", "role_name_retired"}


@pytest.mark.both_databases
async def test_names_go_once_no_token_with_them_is_left(
    api: Api, admin: Person, make_role: MakeRole, clock: FakeClock, services: Services, database: Database
) -> None:
    assert (await api.delete(f"{URL}/{await make_role('vault')}", headers=admin.headers)).status_code == 204
    assert await services.admin.role_editor.purge() == 0
    clock.advance(minutes=services.settings.jwt_access_expiration_minutes + 15)

    assert await services.admin.role_editor.purge() == 1
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(RetiredRoleName)) == 0


@pytest.mark.parametrize(
    "name",
    [
        "role_admin", "role-admin", "role_", "role_role_admin",
        "Admin", "ADMIN", "ROLE_ADMIN", "admin ", " admin", "adm\u0131n", "\uff41dmin", "admin\u200b",
    ],
)  # fmt: skip
async def test_name_that_reads_like_another_is_refused(api: Api, admin: Person, make_role: MakeRole, name: str) -> None:
    url = f"{URL}/{await make_role('support')}"

    made = await api.post(URL, json={"name": name}, headers=admin.headers)
    renamed = await api.patch(url, json={"name": name}, headers=admin.headers)

    assert_problem(made, 422, "validation_failed")
    assert_problem(renamed, 422, "validation_failed")


@pytest.mark.parametrize("name", ["admin", "moderator", "user"])
async def test_built_in_name_is_taken(api: Api, admin: Person, make_role: MakeRole, name: str) -> None:
    url = f"{URL}/{await make_role('support')}"

    assert_problem(await api.post(URL, json={"name": name}, headers=admin.headers), 400, "role_name_taken")
    assert_problem(await api.patch(url, json={"name": name}, headers=admin.headers), 400, "role_name_taken")


@pytest.mark.parametrize("role", ["admin", "Admin", "admin ", "ROLE_ADMIN", "role_admin"])
async def test_check_knows_a_role_by_its_very_name(
    api: Api, admin: Person, helper: Person, make_role: MakeRole, role: str
) -> None:
    answer = await api.get(CHECK, params={"role": role}, headers=admin.headers)

    assert answer.status_code == (204 if role == "admin" else 403)
    assert_problem(await api.get(CHECK, params={"role": role}, headers=helper.headers), 403, "role_required")
