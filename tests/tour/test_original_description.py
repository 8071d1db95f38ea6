"""The requests of the description that the service was commissioned from, as they stand, over a real socket."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from sqlalchemy import URL

from tests.support.mysql import run_sql
from tests.support.server import gatepost_server, run_gatepost, server_env

SIGN_UP = """{
    "username": "Abbey Salami",
    "email": "heba@gmail.com",
    "password": "123456"
}"""
SIGN_IN = """{
    "username": "Abbey Salami",
    "password": "123456"
}"""
JSON = {"Content-Type": "application/json"}
DAY_SECONDS = 24 * 60 * 60


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """Give a client of a service that was started with no setting at all."""
    with gatepost_server() as server, _client(server.url) as client:
        yield client


@pytest.fixture
async def empty_mysql(mysql_url: URL) -> AsyncIterator[URL]:
    """Give a MySQL database that holds nothing, and drop it at the end."""
    name = f"pocket_db_{uuid.uuid4().hex[:12]}"
    await run_sql(mysql_url, f"CREATE DATABASE {name}")
    yield mysql_url.set(database=name)
    await run_sql(mysql_url, f"DROP DATABASE {name}")


def test_sign_up_and_sign_in_as_they_are_typed_into_postman(client: httpx.Client) -> None:
    signed_up = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON)
    assert signed_up.status_code == 201, signed_up.text
    assert signed_up.json()["message"] == "User registered successfully!"

    # As the description spells it in its example, and as it spells it elsewhere.
    for path in ("/api/auth/sigin", "/api/auth/signin"):
        signed_in = client.post(path, content=SIGN_IN, headers=JSON)
        assert signed_in.status_code == 200, signed_in.text
        body = signed_in.json()
        assert (body["username"], body["email"], body["roles"]) == ("Abbey Salami", "heba@gmail.com", ["ROLE_USER"])


def test_tokens_of_sign_up_and_of_sign_in_open_the_routes_that_need_one(client: httpx.Client) -> None:
    signed_up = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON).json()
    signed_in = client.post("/api/auth/signin", content=SIGN_IN, headers=JSON).json()

    for tokens in (signed_up, signed_in):
        for headers in (_bearer(tokens), {"x-access-token": tokens["accessToken"]}):
            answer = client.get("/api/test/user", headers=headers)
            assert (answer.status_code, answer.text) == (200, "User Content.")
        refreshed = client.post("/api/auth/refreshtoken", json={"refreshToken": tokens["refreshToken"]})
        assert refreshed.status_code == 200, refreshed.text
        assert client.get("/api/test/user", headers=_bearer(refreshed.json())).status_code == 200


def test_routes_that_need_a_token_answer_401_without_a_valid_one(client: httpx.Client) -> None:
    assert client.get("/api/test/all").text == "Public Content."

    for path in ("/api/test/user", "/api/test/mod", "/api/test/admin", "/api/users/me"):
        for headers in ({}, {"Authorization": "Bearer no.token.atall"}, {"x-access-token": "nonsense"}):
            refused = client.get(path, headers=headers)
            assert (refused.status_code, refused.json()["message"]) == (401, "Unauthorized!")
            assert refused.headers["www-authenticate"].startswith("Bearer")


def test_user_name_that_is_in_use_is_refused_with_the_message_of_the_description(client: httpx.Client) -> None:
    client.post("/api/auth/signup", content=SIGN_UP, headers=JSON)

    again = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON)

    assert (again.status_code, again.json()["message"]) == (400, "Failed! Username is already in use!")


def test_access_token_is_valid_for_24_hours(client: httpx.Client) -> None:
    body = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON).json()

    assert body["expiresIn"] == DAY_SECONDS
    assert _life_seconds(body["accessToken"]) == DAY_SECONDS


def test_expiration_can_be_changed_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JWT_ACCESS_EXPIRATION_MINUTES=7\n")

    with gatepost_server(tmp_path) as server, _client(server.url) as client:
        body = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON).json()

    assert body["expiresIn"] == 7 * 60
    assert _life_seconds(body["accessToken"]) == 7 * 60


def test_people_stay_signed_in_when_the_service_starts_again(tmp_path: Path) -> None:
    with gatepost_server(tmp_path) as server, _client(server.url) as client:
        body = client.post("/api/auth/signup", content=SIGN_UP, headers=JSON).json()

    with gatepost_server(tmp_path) as server, _client(server.url) as client:
        assert client.get("/api/test/user", headers=_bearer(body)).text == "User Content."
        assert client.post("/api/auth/signin", content=SIGN_IN, headers=JSON).status_code == 200


@pytest.mark.mysql
def test_description_works_on_a_mysql_database_named_by_its_parts(empty_mysql: URL, tmp_path: Path) -> None:
    database = {
        "DB_HOST": empty_mysql.host or "localhost",
        "DB_PORT": str(empty_mysql.port or 3306),
        "DB_USER": empty_mysql.username or "root",
        "DB_PASSWORD": str(empty_mysql.password or ""),
        "DB_NAME": empty_mysql.database or "",
    }
    run_gatepost("migrate", folder=tmp_path, env=server_env(**database))

    with gatepost_server(tmp_path, **database) as server, _client(server.url) as client:
        assert client.post("/api/auth/signup", content=SIGN_UP, headers=JSON).status_code == 201
        body = client.post("/api/auth/sigin", content=SIGN_IN, headers=JSON).json()
        assert client.get("/api/test/user", headers=_bearer(body)).text == "User Content."


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=20)


def _bearer(body: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {body['accessToken']}"}


def _life_seconds(token: str) -> int:
    claims = jwt.decode(token, options={"verify_signature": False})
    life: int = claims["exp"] - claims["iat"]
    return life
