"""What occurs twice is refused, because parsers differ in which of the two they use."""

import base64

import pytest

from tests.support.api import PASSWORD, Api, assert_problem

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKEN, INTROSPECT, REVOKE = "/api/auth/token", "/oauth/introspect", "/oauth/revoke"


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> object:
    """Return SQLite alone: requests are the same before either."""
    return request.getfixturevalue("sqlite_url")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (TOKEN, "grant_type=password&username=a&password=b&username=c"),
        (TOKEN, "grant_type=password&grant_type=refresh_token&username=a&password=b"),
        (TOKEN, "grant_type=password&username=a&password=b&password=b"),
        (TOKEN, "grant_type=password&grant%5ftype=password&username=a&password=b"),
        (TOKEN, "grant_type=password&username=a&password=b&scope=a&scope=a"),
        (TOKEN, "grant_type=password&username=a&password=b&unknown=a&unknown"),
        (TOKEN, "grant_type=refresh_token&refresh_token=a&refresh_token="),
        (INTROSPECT, "token=a&token=b"),
        (INTROSPECT, "token=a&client_id=a&client_secret=b&client_secret=c"),
        (INTROSPECT, "token=a&client_id=a&client_id=c&client_secret=b"),
        (REVOKE, "token=a&token=a"),
        (REVOKE, "token=a&token_type_hint=access_token&token_type_hint=refresh_token"),
    ],
)
async def test_form_field_that_is_there_twice_is_an_invalid_request(api: Api, path: str, form: str) -> None:
    answer = await api.post(path, content=form, headers=FORM)

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert answer.json()["code"] == "repeated_parameter"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Authorization", "Basic eA=="),
        ("authorization", ""),
        ("x-access-token", "x"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Type", "application/json"),
        ("Cookie", "a=b"),
        ("Origin", "http://localhost:8081"),
        ("Sec-Fetch-Site", "same-origin"),
        ("If-Match", '"x"'),
    ],
)
async def test_header_that_decides_is_there_once(api: Api, name: str, other: str) -> None:
    person = await api.sign_up()
    good = {
        "authorization": f"Bearer {person.access_token}", "x-access-token": person.access_token,
        "content-type": "application/json", "cookie": "c=d", "origin": "http://localhost:8080",
        "sec-fetch-site": "cross-site", "if-match": '"y"',
    }[name.lower()]  # fmt: skip
    headers = [("Authorization", person.headers["Authorization"])] if name.lower() != "authorization" else []

    answer = await api.get("/api/test/user", headers=[*headers, (name, good), (name, other)])

    assert_problem(answer, 400, "repeated_parameter")


async def test_introspection_with_two_proofs_is_refused(api: Api) -> None:
    basic = [("Authorization", f"Basic {base64.b64encode(pair).decode()}") for pair in (b"a:b", b"c:d")]

    answer = await api.post(INTROSPECT, content="token=a", headers=[*FORM.items(), *basic])

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "path",
    [
        "/api/admin/users?page=1&page=2", "/api/admin/users?status=active&status=disabled",
        "/api/admin/users?size=1&%73ize=2",
        "/api/admin/audit?userId=1&userId=2", "/api/auth/revocations?after=0&after=1", "/api/admin/users?role=&role",
    ],
)  # fmt: skip
async def test_parameter_of_an_address_is_there_once(api: Api, path: str) -> None:
    assert_problem(await api.get(path), 400, "repeated_parameter")


async def test_transport_of_tokens_is_named_once(api: Api) -> None:
    body = {"username": "Abbey Salami", "password": PASSWORD}

    assert_problem(
        await api.post("/api/auth/signin?transport=cookie&transport=body", json=body), 400, "repeated_parameter"
    )


async def test_parameter_that_is_a_list_or_not_ours_may_be_there_twice(api: Api) -> None:
    assert (await api.get("/api/test/all?utm=a&utm=b")).status_code == 200
    assert (await api.get("/sign-in?page=1&page=2")).status_code == 200
    assert (await api.get("/api/admin/users?id=1&id=2")).status_code == 401
