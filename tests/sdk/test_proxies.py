"""docs/proxy.md: real proxies, set up as it says, ask Gatepost about the requests that they get."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import yaml

from tests.sdk.conftest import Issuer, bearer, free_port, process, uvicorn_app
from tests.sdk.test_documented import ECHO
from tests.support.missing import program
from tests.support.server import server_env

DOCUMENT = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- test: (\w+) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL))
PAGE = "http://localhost:8081"
HOST = "auth.example.com"
TAKEN_AWAY = "request_header -Connection\n"
TRUSTS_TOO_MANY = re.compile(
    r"10\.\d+\.\d+\.\d+/\d+|172\.1\d\.\d+\.\d+/\d+|192\.168\.\d+\.\d+/\d+|0\.0\.0\.0/0|::/0|private_ranges|"
    r"trusted_?[pI]|insecure|set_real_ip_from|forwardedHeaders:|trustForwardHeader:|proxy_add_x_forwarded_for"
)


@contextmanager
def nginx(folder: Path, *, gatepost: str, app: str, lets_in: str = "") -> Iterator[str]:
    """Run nginx as documented, TLS left out; `lets_in` are lines before."""
    port = free_port()
    site = re.sub(r"^\s*(ssl_.*|server 127.0.0.1:8081.*)$", "", BLOCKS["nginx"], flags=re.MULTILINE)
    site = _in_place(site, {"listen 443 ssl": f"listen 127.0.0.1:{port}", "127.0.0.1:8080": gatepost,
                            "127.0.0.1:9000": app})  # fmt: skip
    own = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{own}{lets_in}\n{site}}}\n"
    )
    command = [program("nginx", package="nginx"), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    with process(command, folder=folder, ready=f"http://127.0.0.1:{port}"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def caddy(folder: Path, *, gatepost: str, app: str, with_websockets: bool = False) -> Iterator[str]:
    """Run Caddy as documented, TLS left out; on request with the lines for an app that speaks WebSocket."""
    port = free_port()
    site = _in_place(BLOCKS["caddy"], {HOST: f"http://{HOST}:{port}", "127.0.0.1:8080": gatepost,
                                       "127.0.0.1:9000": app})  # fmt: skip
    if with_websockets:
        site = _in_place(site, {TAKEN_AWAY: TAKEN_AWAY + BLOCKS["websocket"]})
    own = "{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n"
    (folder / "Caddyfile").write_text(own + site)
    command = [program("caddy", package="caddy"), "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with process(command, folder=folder, ready=f"http://127.0.0.1:{port}", env=server_env(**homes)):
        yield f"http://127.0.0.1:{port}"


def _in_place(text: str, replaced: dict[str, str]) -> str:
    for written, real in replaced.items():
        assert written in text
        text = text.replace(written, real)
    return text


@pytest.fixture(
    scope="module", params=[pytest.param(nginx, marks=pytest.mark.nginx), pytest.param(caddy, marks=pytest.mark.caddy)]
)
def proxy(
    request: pytest.FixtureRequest, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Give a client of each proxy, in front of the service and of an app."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "app.py").write_text(ECHO.replace('["GET", "POST"]', '["GET", "POST", "DELETE", "HEAD"]'))
    with ExitStack() as stack:
        app = stack.enter_context(uvicorn_app(folder))
        url = stack.enter_context(
            request.param(folder, gatepost=urlsplit(issuer.url).netloc, app=app.base_url.netloc.decode())
        )
        yield stack.enter_context(httpx.Client(base_url=url, headers={"Host": HOST}, trust_env=False))


def test_person_is_let_through_with_their_name_and_nobody_elses(proxy: httpx.Client, issuer: Issuer) -> None:
    name = f"Zoë {proxy.base_url.port}"
    token = account(issuer, name)
    forged = {"X-User-Id": "1000000", "X-User-Name": "root", "X-User-Roles": "admin", "X-Forwarded-For": "192.0.2.1"}

    assert proxy.get("/app/").status_code == 401
    seen = proxy.post("/app/notes", headers={**bearer(token), **forged}, content="buy milk").json()

    assert seen["body"] == "buy milk"
    assert unquote(seen["headers"]["x-user-name"]) == name
    assert seen["headers"]["x-user-roles"] == "user"
    assert seen["headers"]["x-user-id"] != "1000000"
    assert proxy.get("/api/test/all", headers={"X-Forwarded-For": "192.0.2.1"}).text == "Public Content."


def test_role_that_a_client_names_is_not_that_of_a_person_without_any(proxy: httpx.Client, issuer: Issuer) -> None:
    name = f"Nobody {proxy.base_url.port}"
    account(issuer, name)
    with sqlite3.connect(issuer.server.folder / "data/gatepost.db", timeout=10) as database:
        database.execute("DELETE FROM user_roles WHERE user_id = (SELECT id FROM users WHERE username = ?)", (name,))
    database.close()
    token = issuer.sign_in(name)

    seen = proxy.get("/app/", headers={**bearer(token), "X-User-Roles": "admin"}).json()

    assert seen["headers"].get("x-user-roles", "") == ""
    assert seen["headers"]["x-user-id"] != ""


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_cookie_changes_something_from_an_allowed_origin_alone(
    proxy: httpx.Client, issuer: Issuer, method: str
) -> None:
    cookie = {"Cookie": f"gatepost_access={account(issuer, f'{method} {proxy.base_url.port}')}"}

    for looks in ("GET", "HEAD"):
        elsewhere = {**cookie, "Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
        assert proxy.request(looks, "/app/", headers=elsewhere).status_code == 200
    for origin in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        assert proxy.request(method, "/app/", headers={**cookie, **origin}).status_code == 403, origin
    for origin in ({"Origin": PAGE}, {"Origin": issuer.url}, {"Sec-Fetch-Site": "same-origin"}):
        assert proxy.request(method, "/app/", headers={**cookie, **origin}).status_code == 200, origin


SLIPPED_IN: tuple[dict[str, str], ...] = (
    {"X-Original-Method": "GET"},
    {"X-Forwarded-Method": "GET"},
    {"X-Original-Method": "GET", "X-Forwarded-Method": "GET"},
    {"X-Original-Method": "GET", "X-Original-URI": "/", "X-Forwarded-Uri": "/"},
    {"X-HTTP-Method-Override": "GET"},
    {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https"},
    {"X_Original_Method": "GET"},
    {"Connection": "X-Original-Method, X-Forwarded-Method"},
    {"Connection": "Cookie, Origin"},
)


def test_header_that_a_client_slips_in_opens_nothing(proxy: httpx.Client, issuer: Issuer) -> None:
    cookie = {"Cookie": f"gatepost_access={account(issuer, f'Slip {proxy.base_url.port}')}"}
    for slipped_in in SLIPPED_IN:
        for method in ("POST", "DELETE"):
            headers = {**cookie, "Origin": "https://elsewhere.example", **slipped_in}
            assert proxy.request(method, "/app/", headers=headers).status_code in (401, 403), slipped_in


def test_traefik_takes_the_words_of_clients_away_before_it_asks() -> None:
    http = yaml.safe_load(BLOCKS["traefik"])["http"]
    app, ask = http["routers"]["app"], http["middlewares"]["ask-gatepost"]["forwardAuth"]

    assert app["middlewares"] == ["own-words", "ask-gatepost"]
    assert http["middlewares"]["own-words"]["headers"]["customRequestHeaders"] == {
        "X-Original-Method": "", "X-Original-Uri": "", "Connection": "", "Forwarded": "",
    }  # fmt: skip
    assert ask == {
        "address": "http://127.0.0.1:8080/api/auth/check",
        "authResponseHeaders": ["X-User-Id", "X-User-Name", "X-User-Roles"],
    }


@pytest.mark.parametrize("name", ["nginx", "caddy", "traefik"])
def test_example_trusts_no_network_and_no_word_of_a_client(name: str) -> None:
    assert TRUSTS_TOO_MANY.search(BLOCKS[name]) is None
    assert set(BLOCKS) == {"nginx", "caddy", "traefik", "websocket"}


def account(issuer: Issuer, name: str) -> str:
    body = {"username": name, "email": f"{abs(hash(name))}@example.com", "password": "correct horse"}
    answer = httpx.post(f"{issuer.url}/api/auth/signup", json=body, trust_env=False)
    if answer.status_code == 201:
        return str(answer.json()["accessToken"])
    assert answer.status_code == 400, answer.text
    return issuer.sign_in(name)
