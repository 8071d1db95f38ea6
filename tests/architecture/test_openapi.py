"""The OpenAPI document: complete for people, usable for code generators, and changed only on purpose."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.errors import all_errors
from gatepost.http.problems import MEDIA_TYPE
from gatepost.http.server import protocol  # noqa: F401  its errors are listed once it is loaded, as the server does
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.sessions.errors import ACCESS_TOKEN_ERRORS
from tests.features.admin.conftest import give
from tests.support.api import Api
from tests.support.contract import document, operations, outline, validator
from tests.support.families import family

SNAPSHOT = Path(__file__).parent / "openapi.json"
RENEW = (
    "the API has changed; when that is meant: "
    ".venv/bin/python -m tests.support.contract > tests/architecture/openapi.json"
)
PROTECTED: list[dict[str, list[str]]] = [{"password": []}, {"bearer": []}, {"x-access-token": []}]
# What they ask for may come in the body.
WITHOUT_A_HEADER = {
    "POST /api/auth/signout",
    "POST /api/auth/providers/{name}/start",
    "POST /oauth/introspect",
    "POST /api/auth/email/verify",
}
SECRETS = re.compile(r"token|password|secret|(?<!pass)key|code$", re.IGNORECASE)
# The router answers the first three where there is no operation; the others are for the command line.
OF_NO_OPERATION = {
    # Answered by the connection, before there is a route.
    "malformed_request",
    "request_timeout",
    # Answered to a preflight of CORS.
    "origin_not_allowed",
    "not_found",
    "method_not_allowed",
    "http_error",
    "client_exists",
    "client_not_found",
    "client_id_invalid",
    "client_name_invalid",
    # The code of a route that only answers that it does not exist.
    "no_openid_provider",
}
OPERATIONS = operations()


def test_document_is_as_it_was() -> None:
    assert outline() == json.loads(SNAPSHOT.read_text(encoding="utf-8")), RENEW


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


def test_operation_says_in_short_and_at_length_what_it_does() -> None:
    with family() as case:
        for name, operation in OPERATIONS.items():
            with case(name):
                assert operation["summary"]
                assert operation["description"]
                assert len(operation["tags"]) == 1
                assert all(response["description"] for response in operation["responses"].values())


def test_operation_has_an_example_of_its_body_and_of_each_good_answer() -> None:
    with family() as case:
        for name, operation in OPERATIONS.items():
            with case(name):
                good = [response for status, response in operation["responses"].items() if status.startswith("2")]
                assert good
                for holder in [*good, operation.get("requestBody", {})]:
                    for media_type, body in holder.get("content", {}).items():
                        assert "example" in body, f"a field of {media_type} has no example"
                        mismatch = next(validator(body["schema"]).iter_errors(body["example"]), None)
                        assert mismatch is None, mismatch


def test_operation_names_its_errors_each_with_an_example() -> None:
    with family() as case:
        for name, operation in OPERATIONS.items():
            with case(name):
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


def test_protected_operation_names_every_way_to_send_the_token_and_every_refusal() -> None:
    with family() as case:
        for name, operation in OPERATIONS.items():
            with case(name):
                refusals = {error.code for error in ACCESS_TOKEN_ERRORS}
                match operation.get("security"):
                    case None | [{"resource-server": []}, *_]:
                        assert not {"token_missing", "role_required"} & set(_codes(operation))
                    case [{}, *ways] if name in WITHOUT_A_HEADER:
                        assert ways == PROTECTED
                    case ways:
                        assert ways == PROTECTED
                        assert refusals <= set(_codes(operation))


async def test_document_says_which_operations_are_protected(api: Api) -> None:
    for name, operation in OPERATIONS.items():
        if name in WITHOUT_A_HEADER:
            continue
        method, path = name.split()
        answer = await api.client.request(method, re.sub(r"\{\w+\}", "1", path))

        assert (answer.status_code == 401) is ("security" in operation), name


async def test_document_says_where_a_body_proves_as_much_as_a_header(api: Api, services: Services) -> None:
    person = await api.sign_up()
    secret = await services.flows.clients.add("shop", name="Shop")
    form = {"token": person.access_token, "client_id": "shop", "client_secret": secret}

    introspected = await api.post("/oauth/introspect", data=form)
    signed_out = await api.post("/api/auth/signout", json={"refreshToken": person.refresh_token})

    assert (introspected.json()["active"], signed_out.status_code) == (True, 204)
    assert {name for name, operation in OPERATIONS.items() if {} in operation.get("security", ())} == WITHOUT_A_HEADER


def test_every_text_and_list_that_comes_in_has_its_bounds() -> None:
    texts = {f"{name}: {where}": schema for name in OPERATIONS for where, schema in _incoming(OPERATIONS[name])}

    assert len(texts) > 60
    for name, schema in texts.items():
        bounds = {"enum", "const", "maxItems"} if schema["type"] == "array" else {"enum", "const", "maxLength"}
        assert bounds & schema.keys() or schema.get("format") == "date-time", name


def test_null_says_what_leaving_out_says() -> None:
    fields = {
        f"{name}: {field}": schema
        for name, schema in document()["components"]["schemas"].items()
        if name.endswith("Request")
        for field in schema["properties"].keys() - set(schema.get("required", ()))
    }

    assert len(fields) > 15
    refused = [
        name
        for name, schema in fields.items()
        if not validator(schema["properties"][name.split(": ")[1]]).is_valid(None)
    ]
    assert refused == []


def test_text_of_json_that_the_service_does_not_read_fits_no_schema() -> None:
    # A sign-out is done whatever its body is.
    bodies = [
        body for body in _bodies("application/json") if "example" in body and body["schema"].keys() != {"examples"}
    ]

    assert len(bodies) > 15
    for body in bodies:
        for name, value in body["example"].items():
            for harmed in [["a\0b"], [value[0] + "\0"]] if isinstance(value, list) else ["a\0b", f"{value}\0"]:
                assert not validator(body["schema"]).is_valid({**body["example"], name: harmed}), name


async def test_integer_is_one_however_it_is_written(api: Api, database: Database) -> None:
    admin = await api.sign_up("Admin")
    await give(database, admin.id, [RoleName.ADMIN])
    headers = (await api.sign_in("Admin")).headers
    somebody = await api.sign_up("Somebody")

    for version, status in ((1.0, 200), (1.5, 422), (True, 422), ("1", 422), (1e300, 422)):
        answer = await api.client.put(
            f"/api/admin/users/{somebody.id}/roles", json={"version": version, "roles": ["user"]}, headers=headers
        )
        assert answer.status_code == status, f"{version}: {answer.text}"


def test_no_address_holds_a_secret() -> None:
    named = {
        f"{name}: {parameter['name']}"
        for name, operation in OPERATIONS.items()
        for parameter in operation.get("parameters", ())
        if parameter["in"] in ("query", "path") and SECRETS.search(parameter["name"])
    }

    assert named == set()


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


def _bodies(media_type: str) -> Iterator[dict[str, Any]]:
    for operation in OPERATIONS.values():
        content = operation.get("requestBody", {}).get("content", {})
        if media_type in content:
            yield content[media_type]


def _incoming(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the schema of every text and list that the operation reads, with its location."""
    for parameter in operation.get("parameters", ()):
        yield from _texts(parameter["name"], parameter["schema"])
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield from _texts("body", body["schema"])


def _texts(where: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    match schema:
        case {"$ref": reference}:
            yield from _texts(where, document()["components"]["schemas"][reference.rpartition("/")[2]])
        case {"anyOf": kinds}:
            for kind in kinds:
                yield from _texts(where, kind)
        case {"type": "object", "properties": properties}:
            for name, field in properties.items():
                yield from _texts(f"{where}.{name}", field)
        case {"type": "array", "items": items}:
            yield where, schema
            yield from _texts(f"{where}[]", items)
        case {"type": "string"}:
            yield where, schema


def _codes(operation: dict[str, Any]) -> Iterator[str]:
    for _, body in _problems(operation):
        yield from body["examples"]
