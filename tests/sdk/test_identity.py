"""Whom an app behind a documented proxy sees as the user, whatever a client sends and however the app reads names."""

import http.client
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest

from tests.sdk.conftest import Issuer
from tests.sdk.test_documented import nginx_before
from tests.sdk.test_proxies import HOST, PAGE, account, caddy, nginx
from tests.support.missing import program

Headers = list[tuple[str, str]]
SECONDS = 60
PERSON = ("X_USER_ID", "X_USER_NAME", "X_USER_ROLES")
LETTERS_AND_DIGITS = re.compile("[^A-Za-z0-9]")
FORGED: Headers = [("X-User-Id", "98"), ("X-User-Name", "root"), ("X-User-Roles", "admin")]
DISGUISES = ("_", ".")
# No proxy drops every name with one of these, and some gateways map them to the same name.
RARE_DISGUISES = "!#$%&'*+^`|~"
HANDSHAKE: Headers = [
    ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]  # fmt: skip


class Answer(NamedTuple):
    """What a client got: the status, and the headers that the app saw, where it was asked."""

    status: int
    seen: Headers

    @property
    def person(self) -> list[list[str]]:
        """Who it is to an app of WSGI, CGI or PHP: every value that could be one of the three headers."""
        read = [(LETTERS_AND_DIGITS.sub("_", name).upper(), value) for name, value in self.seen]
        return [[value for name, value in read if name == wanted and value] for wanted in PERSON]


class ShowingHandler(WSGIRequestHandler):
    """Keeps the headers as they came."""

    def get_environ(self) -> dict[str, Any]:
        """Return what the app gets."""
        return {**super().get_environ(), "seen": self.headers.items()}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """Serves each connection in its own thread."""

    daemon_threads = True


@contextmanager
def wsgi_app() -> Iterator[str]:
    """Run an app that shows what reaches it; give where it listens."""

    def show(environ: dict[str, Any], start: Any) -> list[bytes]:
        body = json.dumps(environ["seen"]).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    with make_server("127.0.0.1", 0, show, ThreadingServer, ShowingHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def nginx_of_other_services(folder: Path, *, gatepost: str, app: str, issuer: Issuer) -> Iterator[str]:
    """Run the nginx of the other document."""
    assert gatepost == urlsplit(issuer.url).netloc
    with nginx_before(program("nginx", package="nginx"), folder, issuer, app=httpx.URL(f"http://{app}")) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """Give where the app listens."""
    with wsgi_app() as listening:
        yield listening


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("nginx", marks=pytest.mark.nginx),
        pytest.param("nginx of other services", marks=pytest.mark.nginx),
        pytest.param("caddy", marks=pytest.mark.caddy),
        pytest.param("caddy with websockets", marks=pytest.mark.caddy),
    ],
)
def proxy(
    request: pytest.FixtureRequest, issuer: Issuer, app: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give the address of each documented proxy."""
    gatepost = urlsplit(issuer.url).netloc
    folder = tmp_path_factory.mktemp("proxy")
    ways = {
        "nginx": lambda: nginx(folder, gatepost=gatepost, app=app),
        "nginx of other services": lambda: nginx_of_other_services(folder, gatepost=gatepost, app=app, issuer=issuer),
        "caddy": lambda: caddy(folder, gatepost=gatepost, app=app),
        "caddy with websockets": lambda: caddy(folder, gatepost=gatepost, app=app, with_websockets=True),
    }
    with ExitStack() as stack:
        yield stack.enter_context(ways[request.param]())


@pytest.fixture(scope="module")
def token(issuer: Issuer) -> str:
    """Return the access token of somebody with the role user."""
    return account(issuer, "Zoë")


@pytest.fixture(scope="module")
def person(issuer: Issuer, token: str) -> list[list[str]]:
    """Return who that is, as Gatepost says it."""
    said = httpx.get(f"{issuer.url}/api/auth/check", headers={"x-access-token": token}, trust_env=False).headers
    return [[said["x-user-id"]], ["Zo%C3%AB"], ["user"]]


def ask(proxy: str, headers: Headers, *, method: str = "GET", path: str = "/app/") -> Answer:
    """Send these headers as they stand, twice where they are there twice."""
    connection = http.client.HTTPConnection(urlsplit(proxy).netloc, timeout=SECONDS)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Host", HOST), *headers]:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    return Answer(answer.status, [tuple(pair) for pair in json.loads(body)] if answer.status == 200 else [])


def disguised(character: str) -> Headers:
    """Return forged headers with other characters for one or all of the hyphens."""
    pairs = [(name.replace("-", character, count), value) for name, value in FORGED for count in (1, 2)]
    return [*pairs, *((character.join(name.rsplit("-", 1)), value) for name, value in FORGED)]


@pytest.mark.parametrize(
    "slipped_in",
    [
        FORGED,
        [*FORGED, *FORGED],
        [("Connection", "X-User-Id, X-User-Name, X-User-Roles")],
        [("Connection", "close"), ("connection", "x-user-roles"), ("Connection", "X-USER-ID")],
        [("Connection", "keep-alive, Upgrade, X-User-Roles"), ("Upgrade", "websocket"), *FORGED],
        *[disguised(character) for character in DISGUISES],
        *[
            [*disguised(character), *FORGED, ("Connection", "X-User-Id, X-User-Name, X-User-Roles")]
            for character in DISGUISES
        ],
        [("Trailer", "X-User-Id"), ("TE", "trailers"), ("Connection", "TE, X-User-Id")],
    ],
)
def test_app_sees_the_person_and_nobody_else(
    proxy: str, token: str, person: list[list[str]], slipped_in: Headers
) -> None:
    for proof in (("x-access-token", token), ("Cookie", f"gatepost_access={token}")):
        answer = ask(proxy, [proof, *slipped_in, ("Sec-Fetch-Site", "same-origin")])

        assert answer == (200, answer.seen)
        assert answer.person == person


@pytest.mark.parametrize("character", RARE_DISGUISES)
def test_name_that_some_gateway_reads_as_ours_brings_nobody_elses(
    proxy: str, token: str, person: list[list[str]], character: str
) -> None:
    for name, value in disguised(character):
        answer = ask(proxy, [("x-access-token", token), (name, value)])

        assert (answer.status, answer.person) in ((200, person), (403, [[], [], []])), name


@pytest.mark.nginx
def test_names_that_an_nginx_lets_in_are_refused(issuer: Issuer, app: str, token: str, tmp_path: Path) -> None:
    lets_in = "underscores_in_headers on; ignore_invalid_headers off;"
    with nginx(tmp_path, gatepost=urlsplit(issuer.url).netloc, app=app, lets_in=lets_in) as proxy:
        answers = {
            name: ask(proxy, [("x-access-token", token), (name, value)]).status for name, value in disguised("_")
        }

    assert set(answers.values()) == {403}


def test_person_without_roles_gets_none_by_any_name(proxy: str, issuer: Issuer) -> None:
    name = f"Nobody {urlsplit(proxy).port}"
    account(issuer, name)
    with sqlite3.connect(issuer.server.folder / "data/gatepost.db", timeout=10) as database:
        database.execute("DELETE FROM user_roles WHERE user_id = (SELECT id FROM users WHERE username = ?)", (name,))
    database.close()
    proof = ("x-access-token", issuer.sign_in(name))

    for slipped_in in (FORGED, disguised("_"), [("Connection", "X-User-Roles"), *disguised("_"), *FORGED]):
        answer = ask(proxy, [proof, *slipped_in])
        assert answer.status == 200
        assert answer.person[2] == []


def test_address_that_a_client_claims_does_not_reach_the_app(proxy: str, token: str) -> None:
    claims = ["X-Forwarded-For", "X_Forwarded_For", "X-Forwarded_For", "X-Forwarded-Proto", "Forwarded"]
    headers = [(name, "for=192.0.2.99") for name in claims]

    answer = ask(proxy, [("x-access-token", token), *headers, ("Connection", "X-Forwarded-For, X-Forwarded-Proto")])

    assert answer.status == 200
    assert "192.0.2.99" not in str(answer.seen)
    assert ("x-forwarded-for", "127.0.0.1") in [(name.lower(), value) for name, value in answer.seen]


def test_role_is_a_parameter_of_the_app(proxy: str, token: str) -> None:
    for query in ("?role=admin", "?role=a&role=b", f"?role={'a' * 70}"):
        assert ask(proxy, [("x-access-token", token)], path=f"/app/{query}").status == 200


def test_websocket_is_opened_by_an_allowed_origin_alone(proxy: str, token: str, person: list[list[str]]) -> None:
    cookie = ("Cookie", f"gatepost_access={token}")
    foreign = [
        [("Origin", "http://sibling.example"), ("Sec-Fetch-Site", "same-site")],
        [("Origin", "https://elsewhere.example"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "websocket")],
        [("Origin", "null")],
        [],
    ]

    for origin in foreign:
        assert ask(proxy, [cookie, *HANDSHAKE, *origin]).status == 403, origin
    for passes in (
        [cookie, ("Origin", PAGE)],
        [cookie, ("Sec-Fetch-Site", "same-origin")],
        [("x-access-token", token)],
    ):
        answer = ask(proxy, [*passes, *HANDSHAKE])
        assert answer == (200, answer.seen)
        assert answer.person == person


@pytest.mark.caddy
def test_no_offer_but_that_of_a_websocket_reaches_an_app(issuer: Issuer, app: str, token: str, tmp_path: Path) -> None:
    offers = {}
    for with_websockets in (False, True):
        folder = tmp_path / str(with_websockets)
        folder.mkdir()
        gatepost = urlsplit(issuer.url).netloc
        with caddy(folder, gatepost=gatepost, app=app, with_websockets=with_websockets) as proxy:
            for offer in ("websocket", "h2c", "x"):
                headers = [("x-access-token", token), ("Connection", "Upgrade"), ("Upgrade", offer)]
                seen = {name.lower(): value for name, value in ask(proxy, headers).seen}
                offers[with_websockets, offer] = (seen.get("upgrade"), "x-user-id" in seen)

    nothing = (None, True)
    assert offers == {
        (False, "websocket"): nothing, (False, "h2c"): nothing, (False, "x"): nothing,
        (True, "websocket"): ("websocket", True), (True, "h2c"): nothing, (True, "x"): nothing,
    }  # fmt: skip


def test_request_that_cannot_be_judged_is_no_error_of_the_proxy(proxy: str, token: str) -> None:
    proof, cookie = ("Authorization", f"Bearer {token}"), ("Cookie", f"gatepost_access={token}")
    strange: list[Headers] = [
        [proof, proof],
        [cookie, cookie],
        [cookie, ("Cookie", "a=b")],
        [cookie, ("Origin", PAGE), ("Origin", "https://elsewhere.example")],
        [("x-access-token", token), ("x-access-token", "x")],
        [proof, *((f"X-{number}", "x") for number in range(120))],
        [proof, *((f"X-{number}", "x" * 7000) for number in range(3))],
        [proof, ("X-Control", "a\x01b")],
        [proof, ("Content-Type", "a"), ("Content-Type", "b")],
    ]

    answers = [ask(proxy, headers).status for headers in strange]

    assert [status for status in answers if status >= 500] == []
    assert ask(proxy, [proof]).status == 200
