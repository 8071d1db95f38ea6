"""An answer does not grow with what was wrong in the request."""

import json

import pytest

from gatepost.http.problems import LONGEST_FIELD, MOST_FIELDS
from tests.support.api import PASSWORD, Api, assert_problem

SIGN_IN, TOKEN = "/api/auth/signin", "/api/auth/token"
GOOD = {"username": "Abbey Salami", "password": PASSWORD}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_BYTES = 16 * 1024


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: no request reaches it."""
    return request.getfixturevalue("sqlite_url")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(SIGN_IN, GOOD | {f"unknown{number}": 1 for number in range(3000)}, id="many unknown fields"),
        pytest.param(SIGN_IN, GOOD | {"x" * 60_000: 1}, id="a long unknown field"),
        pytest.param(SIGN_IN, GOOD | {f"{number}{'x' * 1000}": 1 for number in range(60)}, id="long unknown fields"),
        pytest.param(SIGN_IN, GOOD | {"\x01" * 5000: 1, "\U0001f600" * 2000: 1}, id="fields that grow when escaped"),
        pytest.param("/api/auth/signup", GOOD | {"email": "a@b.c", "roles": [1] * 20_000}, id="many wrong items"),
        pytest.param("/api/auth/signup", GOOD | {"email": "a@b.c", "roles": ["x" * 60] * 900}, id="many items"),
        pytest.param(
            "/api/auth/signup", GOOD | {"email": "".join(map(chr, range(0x100, 0x2000))) + "@x.example"},
            id="an address of odd characters",
        ),
        pytest.param("/api/auth/signup", GOOD | {"email": "x" * 4000 + "@" + "y" * 4000}, id="a long address"),
        pytest.param("/api/auth/signup", {f"u{number}": [[{}]] for number in range(2000)}, id="nested values"),
        pytest.param("/api/auth/refreshtoken", {f"u{number}": 1 for number in range(3000)}, id="an optional body"),
    ],
)  # fmt: skip
async def test_answer_to_a_body_is_short(api: Api, path: str, body: object) -> None:
    answer = await api.post(path, json=body)

    assert 400 <= answer.status_code < 500
    assert len(answer.content) < MOST_BYTES


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("&".join(f"f{number}=x" for number in range(900)), id="many"),
        pytest.param("x" * 60_000 + "=1", id="long"),
        pytest.param(f"grant_type={'x' * 60_000}", id="a long value"),
    ],
)
async def test_answer_to_a_form_is_short(api: Api, form: str) -> None:
    for path in (TOKEN, "/oauth/introspect", "/oauth/revoke"):
        answer = await api.post(path, content=form, headers=FORM)

        assert answer.status_code < 500
        assert len(answer.content) < MOST_BYTES


async def test_answer_to_an_address_is_short(api: Api) -> None:
    person = await api.sign_up()
    for query in ("&".join(f"id=x{number}" for number in range(1500)), f"sort={'x' * 15_000}", f"{'x' * 15_000}=1"):
        answer = await api.get(f"/api/admin/users?{query}", headers=person.headers)

        assert answer.status_code < 500
        assert len(answer.content) < MOST_BYTES


async def test_first_fields_are_told_and_how_many_more_there_are(api: Api) -> None:
    answer = await api.post(SIGN_IN, json=GOOD | {f"unknown{number}": 1 for number in range(MOST_FIELDS + 7)})

    body = assert_problem(answer, 422, "validation_failed")
    assert [error["field"] for error in body["errors"]] == [f"unknown{number}" for number in range(MOST_FIELDS)]
    assert body["message"].endswith("There are 7 more.")


async def test_name_of_a_field_is_cut_off(api: Api) -> None:
    answer = await api.post(SIGN_IN, json=GOOD | {"x" * 5000: 1})

    [error] = assert_problem(answer, 422, "validation_failed")["errors"]
    assert error["field"] == "x" * (LONGEST_FIELD - 1) + "…"


async def test_text_of_strict_json_is_not_repeated(api: Api) -> None:
    content = json.dumps(GOOD)[:-1] + f', "{"x" * 5000}": 1, "{"x" * 5000}": 2}}'

    answer = await api.post(SIGN_IN, content=content, headers={"Content-Type": "application/json"})

    assert "x" * 10 not in assert_problem(answer, 400, "malformed_body")["message"]
    assert len(answer.content) < 1000
