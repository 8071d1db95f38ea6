"""The roles: making, changing and deleting them, and the access tokens of those who have them."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from gatepost.audit.log import AuditEvent
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import Role, User, user_roles
from gatepost.identity.sessions.models import Revocation
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson, MakeRole, at_once, give
from tests.support.api import Api, Person, assert_problem
from tests.support.workers import claims

URL = "/api/admin/roles"


@pytest.fixture
async def other(app: object, make_services: MakeServices) -> AsyncIterator[tuple[Api, Services]]:
    """Give the API of a second app on the same database, and its services."""
    services = make_services()
    async with started(services) as second, http_client(second) as client:
        yield Api(client), services


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write two accounts a transaction, so that a role soon has more holders than one takes."""
    monkeypatch.setattr("gatepost.admin.roles.service.BATCH", 2)


async def details(database: Database, event: AuditEvent) -> tuple[int | None, dict[str, object]]:
    """Return who did it, and what the audit log says of it."""
    async with database.read() as tx:
        entry = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == event.value))).one()
    return entry.actor_id, entry.details


async def test_built_in_roles_are_listed_first(api: Api, admin: Person, make_role: MakeRole) -> None:
    await make_role("support", "users:read")

    roles = (await api.get(URL, headers=admin.headers)).json()

    assert [(role["name"], role["permissions"], role["isBuiltIn"]) for role in roles] == [
        ("user", [], True),
        ("moderator", [], True),
        ("admin", ["*"], True),
        ("support", ["users:read"], False),
    ]


async def test_role_is_made_with_each_permission_once(api: Api, admin: Person, database: Database) -> None:
    body = {"name": "support", "description": "Hilft.", "permissions": ["users:read", "orders:refund", "users:read"]}

    answer = await api.post(URL, json=body, headers=admin.headers)

    assert answer.status_code == 201
    role = answer.json()
    assert role["permissions"] == ["orders:refund", "users:read"]
    assert answer.headers["location"] == f"{URL}/{role['id']}"
    assert (await api.get(answer.headers["location"], headers=admin.headers)).json() == role
    after = {"name": "support", "description": "Hilft.", "permissions": ["orders:refund", "users:read"]}
    assert await details(database, AuditEvent.ROLE_CREATED) == (admin.id, {"role": role["id"], "after": after})


async def test_role_of_ones_own_stands_in_the_tokens_of_who_gets_it(api: Api, admin: Person) -> None:
    await api.post(URL, json={"name": "support", "permissions": ["orders:refund"]}, headers=admin.headers)
    person = await api.sign_up("Abbey Salami")

    await api.put(f"/api/admin/users/{person.id}/roles", json={"roles": ["user", "support"]}, headers=admin.headers)

    token = (await api.refresh(person.refresh_token)).json()["accessToken"]
    assert (claims(token)["roles"], claims(token)["permissions"]) == (["user", "support"], ["orders:refund"])


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""}, {"name": "Support"}, {"name": "1st"}, {"name": "a" * 65}, {"name": "a b"}, {"name": "a\n"},
        {"name": "ok", "permissions": ["*"]}, {"name": "ok", "permissions": ["users:"]},
        {"name": "ok", "permissions": [":read"]}, {"name": "ok", "permissions": ["Users:read"]},
        {"name": "ok", "permissions": ["a" * 65]}, {"name": "ok", "permissions": ["a:b\n"]},
        {"name": "ok", "permissions": [f"word{number}" for number in range(33)]},
        {"name": "ok", "description": "x" * 256}, {"name": "ok", "id": 1},
    ],
)  # fmt: skip
async def test_role_that_breaks_a_rule_is_refused(api: Api, admin: Person, body: dict[str, object]) -> None:
    assert_problem(await api.post(URL, json=body, headers=admin.headers), 422, "validation_failed")


@pytest.mark.both_databases
async def test_name_is_taken_once(api: Api, admin: Person, make_role: MakeRole) -> None:
    await make_role("support")
    mine = await make_role("mine")

    made = await api.post(URL, json={"name": "support"}, headers=admin.headers)
    renamed = await api.patch(f"{URL}/{mine}", json={"name": "support"}, headers=admin.headers)
    answers = await at_once(*(api.post(URL, json={"name": "raced"}, headers=admin.headers) for _ in range(4)))

    assert_problem(made, 400, "role_name_taken")
    assert_problem(renamed, 400, "role_name_taken")
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]


@pytest.mark.parametrize("change", [{"permissions": ["orders:read"]}, {"name": "helpers"}])
async def test_change_makes_tokens_of_holders_stale_here_and_elsewhere(
    api: Api,
    admin: Person,
    make_role: MakeRole,
    person_with: MakePerson,
    other: tuple[Api, Services],
    change: dict[str, object],
) -> None:
    role_id = await make_role("support", "orders:refund")
    holder, stranger = await person_with("Holder", "support"), await api.sign_up("Stranger")
    there, services = other

    answer = await api.patch(f"{URL}/{role_id}", json=change, headers=admin.headers)

    assert answer.status_code == 200
    await services.identity.revocations.poll()
    for app in (api, there):
        assert_problem(await app.user_board(holder.access_token), 401, "token_stale")
        assert (await app.user_board(stranger.access_token)).status_code == 200
    token = (await api.refresh(holder.refresh_token)).json()["accessToken"]
    role = answer.json()
    assert (claims(token)["roles"], claims(token)["permissions"]) == (["user", role["name"]], role["permissions"])


@pytest.mark.both_databases
async def test_change_of_the_description_leaves_tokens_alone(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson, database: Database
) -> None:
    role_id = await make_role("support", "orders:refund")
    holder = await person_with("Holder", "support")

    await api.patch(
        f"{URL}/{role_id}", json={"description": "New.", "permissions": ["orders:refund"]}, headers=admin.headers
    )

    assert (await api.user_board(holder.access_token)).status_code == 200
    same = {"name": "support", "permissions": ["orders:refund"]}
    assert await details(database, AuditEvent.ROLE_CHANGED) == (
        admin.id,
        {"role": role_id, "before": {**same, "description": ""}, "after": {**same, "description": "New."}},
    )


async def test_deleted_role_is_taken_from_all_and_their_tokens_are_stale(
    api: Api,
    admin: Person,
    make_role: MakeRole,
    person_with: MakePerson,
    database: Database,
    small_batches: None,
) -> None:
    role_id = await make_role("support", "orders:refund")
    holders = [await person_with(f"Holder {number}", "support") for number in range(5)]

    answer = await api.delete(f"{URL}/{role_id}", headers=admin.headers)

    assert answer.status_code == 204
    for holder in holders:
        assert_problem(await api.user_board(holder.access_token), 401, "token_stale")
        token = (await api.refresh(holder.refresh_token)).json()["accessToken"]
        assert (claims(token)["roles"], claims(token)["permissions"]) == (["user"], [])
    shown = (await api.get(f"/api/admin/users/{holders[0].id}", headers=admin.headers)).json()
    assert (shown["roles"], shown["version"]) == (["user"], 2)
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).where(user_roles.c.role_id == role_id)) == 0
    actor, found = await details(database, AuditEvent.ROLE_DELETED)
    assert (actor, found["role"]) == (admin.id, role_id)
    assert_problem(await api.get(f"{URL}/{role_id}", headers=admin.headers), 404, "role_not_found")


@pytest.mark.both_databases
async def test_change_of_a_role_with_many_holders_comes_to_all_of_them(
    api: Api,
    admin: Person,
    make_role: MakeRole,
    person_with: MakePerson,
    services: Services,
    database: Database,
    small_batches: None,
) -> None:
    role_id = await make_role("support", "orders:refund")
    holders = [await person_with(f"Holder {number}", "support") for number in range(5)]

    await api.patch(f"{URL}/{role_id}", json={"permissions": []}, headers=admin.headers)

    admitted = [(await api.user_board(holder.access_token)).status_code for holder in holders]
    assert admitted == [401, 401, 200, 200, 200]
    assert await services.admin.role_editor.propagate() == 3
    for holder in holders:
        assert_problem(await api.user_board(holder.access_token), 401, "token_stale")
    assert await services.admin.role_editor.propagate() == 0
    async with database.read() as tx:
        assert await tx.scalar(select(Role.stale_above).where(Role.id == role_id)) is None


@pytest.mark.both_databases
async def test_two_replicas_that_carry_one_change_on_leave_nobody_out(
    api: Api,
    admin: Person,
    make_role: MakeRole,
    person_with: MakePerson,
    services: Services,
    other: tuple[Api, Services],
    small_batches: None,
) -> None:
    role_id = await make_role("support", "orders:refund")
    holders = [await person_with(f"Holder {number}", "support") for number in range(7)]
    await api.patch(f"{URL}/{role_id}", json={"permissions": []}, headers=admin.headers)

    for _ in range(4):
        await at_once(services.admin.role_editor.propagate(), other[1].admin.role_editor.propagate())
    await services.identity.revocations.poll()

    for holder in holders:
        assert_problem(await api.user_board(holder.access_token), 401, "token_stale")


@pytest.mark.both_databases
async def test_holder_who_is_not_signed_in_costs_no_line_of_the_feed(
    api: Api, admin: Person, make_role: MakeRole, person_with: MakePerson, database: Database
) -> None:
    role_id = await make_role("support", "orders:refund")
    away, here = await person_with("Away", "support"), await person_with("Here", "support")
    await api.post("/api/auth/signout-all", headers=away.headers)

    await api.patch(f"{URL}/{role_id}", json={"permissions": []}, headers=admin.headers)

    async with database.read() as tx:
        lines = await tx.scalars(select(Revocation.user_id).where(Revocation.min_token_version.is_not(None)))
        assert lines.all() == [here.id]
        versions = await tx.scalars(select(User.token_version).where(User.id.in_([away.id, here.id])))
        assert versions.all() == [1, 1]


@pytest.mark.parametrize(
    ("role_id", "change"),
    [
        (1, {"name": "people"}),
        (2, {"name": "mods"}),
        (3, {"name": "root"}),
        (3, {"permissions": []}),
        (3, {"permissions": ["users:read"]}),
    ],
)
async def test_built_in_role_keeps_its_name_and_admin_may_do_everything(
    api: Api, admin: Person, role_id: int, change: dict[str, object]
) -> None:
    before = (await api.get(f"{URL}/{role_id}", headers=admin.headers)).json()

    assert_problem(await api.patch(f"{URL}/{role_id}", json=change, headers=admin.headers), 409, "built_in_role")
    assert (await api.get(f"{URL}/{role_id}", headers=admin.headers)).json() == before


@pytest.mark.parametrize("role_id", [1, 2, 3])
async def test_built_in_role_is_not_deleted(api: Api, admin: Person, role_id: int) -> None:
    assert_problem(await api.delete(f"{URL}/{role_id}", headers=admin.headers), 409, "built_in_role")
    assert (await api.get(f"{URL}/{role_id}", headers=admin.headers)).status_code == 200


async def test_built_in_role_may_be_given_permissions(api: Api, admin: Person, person_with: MakePerson) -> None:
    await api.patch(f"{URL}/2", json={"permissions": ["posts:hide"]}, headers=admin.headers)

    moderator = await person_with("Mod", "moderator")

    assert claims(moderator.access_token)["permissions"] == ["posts:hide"]


@pytest.mark.both_databases
async def test_role_that_somebody_else_has_changed_is_not_overwritten(
    api: Api, admin: Person, make_role: MakeRole
) -> None:
    role_id = await make_role("support", "orders:refund")
    url = f"{URL}/{role_id}"
    tag = (await api.get(url, headers=admin.headers)).headers["etag"]
    headers = {**admin.headers, "If-Match": tag}

    answers = await at_once(
        *(api.patch(url, json={"description": f"No. {number}"}, headers=headers) for number in range(4))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert_problem(await api.delete(url, headers=headers), 412, "version_mismatch")
    current = (await api.get(url, headers=admin.headers)).headers["etag"]
    assert (await api.delete(url, headers={**admin.headers, "If-Match": current})).status_code == 204


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_role_that_is_not_there_is_not_found(api: Api, admin: Person, method: str) -> None:
    body: dict[str, str] | None = {} if method == "PATCH" else None
    answer = await api.client.request(method, f"{URL}/987654", json=body, headers=admin.headers)

    assert_problem(answer, 404, "role_not_found")


@pytest.mark.both_databases
async def test_role_that_is_given_while_it_is_deleted_leaves_nothing_behind(
    api: Api, admin: Person, make_role: MakeRole, database: Database
) -> None:
    people = [await api.sign_up(f"Person {number}") for number in range(3)]
    role_id = await make_role("support", "orders:refund")
    await give(database, people[0].id, ["support"])

    answers = await at_once(
        api.delete(f"{URL}/{role_id}", headers=admin.headers),
        *(
            api.put(f"/api/admin/users/{one.id}/roles", json={"roles": ["support"]}, headers=admin.headers)
            for one in people[1:]
        ),
    )

    assert answers[0].status_code == 204
    assert {answer.status_code for answer in answers[1:]} <= {200, 400}
    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).where(user_roles.c.role_id == role_id)) == 0
    for one, answer in zip(people[1:], answers[1:], strict=True):
        token = (await api.refresh(one.refresh_token)).json()["accessToken"]
        assert claims(token)["permissions"] == []
        assert claims(token)["roles"] == ([] if answer.status_code == 200 else ["user"])
