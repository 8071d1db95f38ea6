"""What is wrong with a field has a code of its own, and words for people."""

from typing import Any

import pytest

from gatepost.composition.services import Services
from tests.features.admin.conftest import give
from tests.support.api import PASSWORD, Api, assert_problem

SIGN_UP = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("POST", "/api/auth/signup", {**SIGN_UP, "username": "a\tb"}, "username", "username_invalid"),
    ("POST", "/api/auth/signup", {**SIGN_UP, "username": "a@b"}, "username", "username_invalid"),
    ("POST", "/api/auth/signup", {**SIGN_UP, "email": "nobody"}, "email", "email_invalid"),
    ("POST", "/api/auth/signin", {"password": PASSWORD}, "", "one_identifier_needed"),
    ("PATCH", "/api/users/me", {"username": "a\tb"}, "username", "username_invalid"),
    ("POST", "/api/auth/password/forgot", {"email": "nobody"}, "email", "email_invalid"),
    ("POST", "/api/admin/roles", {"name": "With Space", "permissions": []}, "name", "role_name_invalid"),
    ("POST", "/api/admin/roles", {"name": "role_admin", "permissions": []}, "name", "role_name_invalid"),
    ("POST", "/api/admin/roles", {"name": "x", "permissions": ["A b"]}, "permissions.0", "permission_invalid"),
    ("POST", "/api/admin/invitations", {"email": "nobody"}, "email", "email_invalid"),
    ("GET", "/api/admin/audit?since=0.5", {}, "since", "moment_invalid"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path", "body", "field", "code"), CASES)
async def test_field_that_is_refused_is_told_by_its_own_code(
    api: Api, services: Services, method: str, path: str, body: dict[str, Any], field: str, code: str
) -> None:
    root = await api.sign_up("Root")
    await give(services.platform.database, root.id, ["admin"])
    root = await api.sign_in("Root")

    answer = await api.client.request(method, path, json=body or None, headers=root.headers)

    [told] = assert_problem(answer, 422, "validation_failed")["errors"]
    assert (told["field"], told["code"]) == (field, code)
    assert told["message"].endswith(".")
    assert not {"^", "$", "[", "\\"} & set(told["message"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_body_that_is_no_object_is_told_in_words_of_json(api: Api) -> None:
    for body in ([], "text", 7, [SIGN_UP]):
        answer = await api.client.post("/api/auth/signup", json=body)

        [told] = assert_problem(answer, 422, "validation_failed")["errors"]
        assert told["message"] == "A JSON object is needed."
