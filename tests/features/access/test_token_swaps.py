"""No kind of token is accepted in place of another: each kind, at each place that accepts tokens."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from gatepost.core.crypto import jose
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.attacks.target import signed_anew
from tests.support.families import family

Send = Callable[[Api, str], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Door:
    """A way in, the kinds that it takes, and how it refuses the others."""

    takes: tuple[str, ...]
    send: Send
    status: int
    code: str = ""


def _signed(*, typ: str = "at+jwt", **changes: Any) -> Callable[[Services, Person], str]:
    """Return a maker of tokens that our own key signs, for a different use, issuer or audience."""

    def make(services: Services, person: Person) -> str:
        return signed_anew(person.access_token, services.identity.keys.signing, typ=typ, **changes)

    return make


def _of_a_stranger(_: Services, person: Person) -> str:
    key = jose.signing_key_from_pem(jose.generate_private_pem("ES256"), "ES256")
    return signed_anew(person.access_token, key)


# A new kind of token is one line here; where it is good is said by the doors.
KINDS: dict[str, Callable[[Services, Person], str]] = {
    "access": lambda _, person: person.access_token,
    "refresh": lambda _, person: person.refresh_token,
    "reset+jwt": _signed(typ="reset+jwt"),
    "verify+jwt": _signed(typ="verify+jwt"),
    "refresh+jwt": _signed(typ="refresh+jwt"),
    "id token": _signed(typ="JWT"),
    "logout token": _signed(typ="logout+jwt"),
    "access, another issuer": _signed(iss="https://other.example"),
    "access, another audience": _signed(aud="https://other.example"),
    "access, for a list of audiences": _signed(aud=["gatepost", "https://other.example"]),
    "access, another key": _of_a_stranger,
    "MAC of a refresh token alone": lambda _, person: person.refresh_token.rpartition(".")[2],
    "refresh without its prefix": lambda _, person: person.refresh_token.removeprefix("gpr_"),
    "secret of a resource server": lambda *_: "gps_" + "a" * 43,
    "password": lambda _, person: person.password.replace(" ", ""),
    "kid": lambda services, _: services.identity.keys.signing.kid,
}


def _basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def _sign_out_by_cookie(api: Api, cookie: str) -> httpx.Response:
    return await api.post("/api/auth/signout", headers={"Cookie": cookie, "Origin": "http://localhost:8081"})


DOORS: dict[str, Door] = {
    "Authorization": Door(
        ("access",), lambda api, token: api.get("/api/test/user", headers=bearer(token)), 401, "token_invalid"
    ),
    "x-access-token": Door(
        ("access",),
        lambda api, token: api.get("/api/test/user", headers={"x-access-token": token}),
        401,
        "token_invalid",
    ),
    "access cookie": Door(
        ("access",),
        lambda api, token: api.get("/api/test/user", headers={"Cookie": f"gatepost_access={token}"}),
        401,
        "token_invalid",
    ),
    "sign-out by access token": Door(
        ("access",), lambda api, token: api.post("/api/auth/signout", headers=bearer(token)), 204
    ),
    "sign-out by x-access-token": Door(
        ("access",), lambda api, token: api.post("/api/auth/signout", headers={"x-access-token": token}), 204
    ),
    "sign-out by access cookie": Door(
        ("access",), lambda api, token: _sign_out_by_cookie(api, f"gatepost_access={token}"), 204
    ),
    "sign-out by refresh cookie": Door(
        ("refresh",), lambda api, token: _sign_out_by_cookie(api, f"gatepost_refresh={token}"), 204
    ),
    "sign-out of all": Door(
        ("access",), lambda api, token: api.post("/api/auth/signout-all", headers=bearer(token)), 401, "token_invalid"
    ),
    "refresh": Door(("refresh",), lambda api, token: api.refresh(token), 403, "refresh_token_invalid"),
    "refresh, form": Door(
        ("refresh",),
        lambda api, token: api.post("/api/auth/token", data={"grant_type": "refresh_token", "refresh_token": token}),
        400,
        "refresh_token_invalid",
    ),
    "refresh cookie": Door(
        ("refresh",),
        lambda api, token: api.post(
            "/api/auth/refreshtoken",
            headers={"Cookie": f"gatepost_refresh={token}", "Origin": "http://localhost:8081"},
        ),
        403,
        "refresh_token_invalid",
    ),
    "sign-out by refresh token": Door(
        ("refresh",),
        lambda api, token: api.post("/api/auth/signout", json={"refreshToken": token}),
        204,
    ),
    "resource server": Door(
        (), lambda api, token: api.get("/api/auth/revocations", headers=_basic("shop", token)), 401, "invalid_client"
    ),
}


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: what is refused here never reaches it."""
    return sqlite_url


@pytest.mark.parametrize("door", DOORS)
async def test_token_of_another_kind_is_refused_and_changes_nothing(api: Api, services: Services, door: str) -> None:
    await api.sign_up()
    with family() as case:
        for kind in KINDS:
            if kind in DOORS[door].takes:
                continue
            with case(kind):
                person = await api.sign_in()

                answer = await DOORS[door].send(api, KINDS[kind](services, person))

                assert_refused(answer, DOORS[door])
                assert all("Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie"))
                await assert_still_signed_in(api, person)


async def test_token_of_the_right_kind_is_taken(api: Api, services: Services) -> None:
    await api.sign_up()
    with family() as case:
        for name, door in DOORS.items():
            for kind in door.takes:
                with case(f"{kind}, {name}"):
                    answer = await door.send(api, KINDS[kind](services, await api.sign_in()))

                    assert answer.status_code in (200, 204), answer.text


async def test_only_an_access_token_is_active_at_introspection(api: Api, services: Services) -> None:
    person = await api.sign_up()
    secret = await services.flows.clients.add("shop", name="Shop")
    with family() as case:
        for kind, make in KINDS.items():
            with case(kind):
                answer = await api.post(
                    "/oauth/introspect", data={"token": make(services, person)}, headers=_basic("shop", secret)
                )

                assert answer.status_code == 200
                assert answer.json()["active"] is (kind == "access")


async def test_revocation_of_what_is_no_token_ends_nothing(api: Api, services: Services) -> None:
    await api.sign_up()
    with family() as case:
        for kind, make in KINDS.items():
            if kind in ("access", "refresh"):
                continue
            with case(kind):
                person = await api.sign_in()

                answer = await api.post("/oauth/revoke", data={"token": make(services, person)})

                assert answer.status_code == 200
                await assert_still_signed_in(api, person)


async def assert_still_signed_in(api: Api, person: Person) -> None:
    """Check that both tokens of somebody are good."""
    assert (await api.user_board(person.access_token)).status_code == 200
    assert (await api.refresh(person.refresh_token)).status_code == 200


def assert_refused(answer: httpx.Response, door: Door) -> None:
    """Check the refusal; the OAuth endpoints have the error body of RFC 6749 as well, and a sign-out refuses nobody."""
    if door.status == 204:
        assert (answer.status_code, answer.content) == (204, b"")
    elif answer.url.path == "/api/auth/token":
        assert (answer.status_code, answer.json()["code"]) == (door.status, door.code), answer.text
        assert answer.json()["error"] == "invalid_grant"
    else:
        assert_problem(answer, door.status, door.code)
