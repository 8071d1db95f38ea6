"""The OpenAPI document: complete for people, usable for code generators, and changed only on purpose."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.core.errors import all_errors
from gatepost.http.problems import MEDIA_TYPE
from gatepost.sessions.errors import ACCESS_TOKEN_ERRORS
from tests.support.api import Api
from tests.support.contract import document, operations, validator
from tests.support.server import run_gatepost

SNAPSHOT = Path(__file__).parent / "openapi.json"
RENEW = "the API has changed; when that is meant: .venv/bin/gatepost openapi > tests/architecture/openapi.json"
PROTECTED: list[dict[str, list[str]]] = [{"password": []}, {"bearer": []}, {"x-access-token": []}]
# The router answers the first three where there is no operation; the others are for the command line.
OF_NO_OPERATION = {
    # Answered by the connection, before there is a route.
    "malformed_request",
    "headers_too_large",
    "request_timeout",
    "not_found",
    "method_not_allowed",
    "http_error",
    "client_exists",
    "client_not_found",
    "client_id_unusable",
    "client_name_unusable",
}
# These take an access token in a header, and serve who sends none.
WITHOUT_A_HEADER = {"POST /api/auth/signout"}
OPERATIONS = operations()
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def test_document_is_as_it_was(tmp_path: Path) -> None:
    now = run_gatepost("openapi", folder=tmp_path)

    assert json.loads(now) == json.loads(SNAPSHOT.read_text(encoding="utf-8")), RENEW


def test_document_is_openapi_3_1_and_explains_its_tags() -> None:
    assert document()["openapi"].startswith("3.1.")
    explained = {tag["name"] for tag in document()["tags"] if tag["description"]}
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == explained


def test_document_has_nothing_left_of_the_framework_s_own_errors() -> None:
    text = json.dumps(document())
    assert "HTTPValidationError" not in text
    assert "Successful Response" not in text


def test_names_of_operations_are_unique_and_fit_for_code_generators() -> None:
    names = Counter(operation["operationId"] for operation in OPERATIONS.values())

    assert [name for name, count in names.items() if count > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", name)] == []


def test_every_error_is_documented_where_it_can_be_answered() -> None:
    documented = {code for operation in OPERATIONS.values() for code in _codes(operation)}

    ours = {error.code for error in all_errors() if error.__module__.startswith("gatepost.")}
    assert ours - documented == OF_NO_OPERATION


@each_operation
def test_operation_says_in_short_and_at_length_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert all(response["description"] for response in operation["responses"].values())


@each_operation
def test_operation_has_an_example_of_its_body_and_of_each_good_answer(name: str) -> None:
    operation = OPERATIONS[name]
    good = [response for status, response in operation["responses"].items() if status.startswith("2")]
    assert good
    for holder in [*good, operation.get("requestBody", {})]:
        for media_type, body in holder.get("content", {}).items():
            assert "example" in body, f"a field of {media_type} has no example"
            mismatch = next(validator(body["schema"]).iter_errors(body["example"]), None)
            assert mismatch is None, mismatch


@each_operation
def test_operation_names_its_errors_each_with_an_example(name: str) -> None:
    operation = OPERATIONS[name]
    assert {"internal_error", "database_unavailable"} <= set(_codes(operation))
    if "requestBody" in operation:
        expected = {"malformed_body", "body_too_large", "unsupported_media_type", "validation_failed"}
        assert expected <= set(_codes(operation))
    is_oauth = name.split()[1].startswith(("/api/auth/token", "/oauth/"))
    for status, body in _problems(operation):
        assert "422" not in (status if is_oauth else "")
        for code, example in body["examples"].items():
            assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
            # RFC 6749, section 5.2: the OAuth endpoints have members of their own.
            assert ("error" in example["value"]) is is_oauth
            mismatch = next(validator(body["schema"]).iter_errors(example["value"]), None)
            assert mismatch is None, mismatch


@each_operation
def test_protected_operation_names_every_way_to_send_the_token_and_every_refusal(name: str) -> None:
    operation = OPERATIONS[name]
    refusals = {error.code for error in ACCESS_TOKEN_ERRORS}
    if operation.get("security") in (None, [{"resource-server": []}]):
        assert not {"token_missing", "role_required"} & set(_codes(operation))
    else:
        assert operation["security"] == PROTECTED
        assert refusals <= set(_codes(operation))


async def test_document_says_which_operations_are_protected(api: Api) -> None:
    for name, operation in OPERATIONS.items():
        if name in WITHOUT_A_HEADER:
            continue
        method, path = name.split()
        answer = await api.client.request(method, re.sub(r"\{\w+\}", "1", path))

        assert (answer.status_code == 401) is ("security" in operation), name


async def test_served_document_is_the_printed_one(api: Api) -> None:
    assert (await api.get("/openapi.json")).json() == document()


async def test_examples_of_sign_up_and_sign_in_work_as_they_stand(api: Api) -> None:
    for name in ("POST /api/auth/signup", "POST /api/auth/signin"):
        example = OPERATIONS[name]["requestBody"]["content"]["application/json"]["example"]
        assert (await api.post(name.split()[1], json=example)).is_success
    form = OPERATIONS["POST /api/auth/token"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert (await api.post("/api/auth/token", data=form["example"])).is_success


def _problems(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            (media_type,) = response["content"]
            assert media_type in (MEDIA_TYPE, "application/json")
            yield status, response["content"][media_type]


def _codes(operation: dict[str, Any]) -> Iterator[str]:
    for _, body in _problems(operation):
        yield from body["examples"]
