"""The API as a test speaks to it: short calls for what most tests need first."""

from dataclasses import dataclass
from typing import Any

import httpx

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    id: int
    username: str
    email: str
    password: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """The header that proves who they are."""
        return bearer(self.access_token)


class Api:
    """Calls the service through HTTP; no cookie is kept between two calls."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.get = client.get
        self.post = client.post
        self.put = client.put
        self.patch = client.patch
        self.delete = client.delete

    async def sign_up(self, username: str = "Abbey Salami", *, email: str = "", password: str = PASSWORD) -> Person:
        """Make an account and return it signed in."""
        email = email or f"{username.replace(' ', '.').lower()}@example.com"
        body = {"username": username, "email": email, "password": password}
        answer = await self.post("/api/auth/signup", json=body)
        assert answer.status_code == 201, answer.text
        return _person(answer.json(), password)

    async def sign_in(self, username: str = "Abbey Salami", *, password: str = PASSWORD) -> Person:
        """Sign in once more: another session of the same account."""
        answer = await self.post("/api/auth/signin", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return _person(answer.json(), password)

    async def refresh(self, refresh_token: str) -> httpx.Response:
        """Exchange a refresh token."""
        return await self.post("/api/auth/refreshtoken", json={"refreshToken": refresh_token})

    async def user_board(self, access_token: str) -> httpx.Response:
        """Ask for the board that any signed-in person may see."""
        return await self.get("/api/test/user", headers=bearer(access_token))


def bearer(access_token: str) -> dict[str, str]:
    """Return the header for an access token."""
    return {"Authorization": f"Bearer {access_token}"}


def assert_problem_page(answer: httpx.Response, status: int, code: str) -> None:
    """Check that a browser is shown a problem as a page."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"HTTP {status} · <code>{code}</code>" in answer.text


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is this failure, in the one shape; return its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["message"] == body["detail"]
    assert body["requestId"] == answer.headers["x-request-id"]
    return body


def _person(body: dict[str, Any], password: str) -> Person:
    return Person(
        id=body["id"],
        username=body["username"],
        email=body["email"],
        password=password,
        access_token=body["accessToken"],
        refresh_token=body["refreshToken"],
    )
