"""Whoever looks after accounts removes no passkey by taking the proof of an address away."""

from typing import Any

import pytest

from gatepost.composition.services import Services
from tests.features.admin.conftest import MakePerson, MakeRole, make_role, person_with  # noqa: F401  fixtures
from tests.support.api import Api, Person, assert_problem
from tests.support.factors import begin_sign_in, set_up_app
from tests.support.links import take_link
from tests.support.passkeys import Browser, sign_in_with

NEW = "another horse 12"
TAKEN = [{"email": "mine@example.com"}, {"emailVerified": False}]


@pytest.mark.both_databases
@pytest.mark.parametrize("change", TAKEN, ids=str)
async def test_passkeys_stay_when_the_password_is_reset_by_an_address_that_is_to_be_proved_again(
    api: Api, services: Services, owner: Person, browser: Browser, person_with: MakePerson,  # noqa: F811
    make_role: MakeRole, change: dict[str, Any],  # noqa: F811
) -> None:  # fmt: skip
    await make_role("helpdesk", "users:read", "users:write")
    helper = await person_with("Helper", "helpdesk")
    taken = await api.client.patch(f"/api/admin/users/{owner.id}", json=change, headers=helper.headers)
    assert taken.status_code == 200, taken.text
    await api.post("/api/auth/password/forgot", json={"email": taken.json()["email"]})

    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200

    assert_problem(await begin_sign_in(api, owner, NEW), 401, "second_factor_required")
    assert (await sign_in_with(api, browser)).status_code == 200


async def test_account_that_has_none_is_as_before(
    api: Api, services: Services, person: Person, person_with: MakePerson, make_role: MakeRole,  # noqa: F811
) -> None:  # fmt: skip
    await make_role("helpdesk", "users:read", "users:write")
    helper = await person_with("Helper", "helpdesk")
    path, change = f"/api/admin/users/{person.id}", {"email": "mine@example.com"}

    assert (await api.client.patch(path, json=change, headers=helper.headers)).status_code == 200

    await api.post("/api/auth/password/forgot", json=change)
    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200
    assert (await begin_sign_in(api, person, NEW)).status_code == 200


async def test_reset_of_an_account_with_an_app_removes_nothing_though_its_address_is_to_be_proved_again(
    api: Api, services: Services, owner: Person, browser: Browser, person_with: MakePerson,  # noqa: F811
) -> None:  # fmt: skip
    await set_up_app(api, services, owner)
    admin, change = await person_with("Root", "admin"), {"email": "other@example.com"}
    answer = await api.client.patch(f"/api/admin/users/{owner.id}", json=change, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    await api.post("/api/auth/password/forgot", json=change)

    body = {"token": await take_link(services, "reset_password"), "password": NEW}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200

    waiting = assert_problem(await begin_sign_in(api, owner, NEW), 401, "second_factor_required")
    assert waiting["methods"] == ["passkey", "totp", "recovery_code"]
