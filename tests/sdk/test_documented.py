"""docs/other-services.md: each block of code is run as it stands, but for addresses and ports."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.sdk.conftest import (
    Issuer,
    bearer,
    free_port,
    process,
    run_node,
    until,
    uvicorn_app,
)
from tests.support.missing import program
from tests.support.server import server_env

DOCUMENT = (Path(__file__).parents[2] / "docs" / "other-services.md").read_text()
BLOCK = re.compile(r"<!-- test: (\w+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS: dict[str, str] = {name: text for name, _, text in BLOCK.findall(DOCUMENT)}
ADDRESS = "http://localhost:8080"
# Answers one JSON line to each token on its standard input.
NODE_LOOP = """
import { createInterface } from 'node:readline';
await follow();
console.log('"following"');
for await (const token of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await verify(token).catch((error) => error.message)));
}
process.exit(0);
"""
# Shows what reaches an app behind the proxy.
ECHO = """
from fastapi import FastAPI, Request

app = FastAPI()


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def echo(request: Request) -> dict:
    body = (await request.body()).decode()
    return {"headers": {n: v for n, v in request.headers.items() if n.startswith("x-user-")}, "body": body}
"""


def test_every_block_of_code_is_run() -> None:
    code = re.findall(r"^```(python|js|nginx)$", DOCUMENT, re.MULTILINE)

    assert sorted(language for _, language, _ in BLOCK.findall(DOCUMENT) if language != "sh") == sorted(code)
    assert set(BLOCKS) == {"fastapi", "verifier", "pyjwt", "node", "nginx", "introspection", "revocation"}


def test_fastapi(issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_of("fastapi", issuer))
    token = issuer.sign_up("Fastapi")
    with uvicorn_app(tmp_path, GATEPOST_CLIENT_SECRET=issuer.secret) as app:
        assert app.get("/hello").status_code == 401
        assert app.get("/hello", headers=bearer(token)).json() == "Hello Fastapi"
        assert app.get("/secrets", headers=bearer(token)).status_code == 403
        assert app.get("/payroll", headers=bearer(token)).status_code == 200
        assert app.get("/vault", headers=bearer(token)).json()["detail"]["code"] == "step_up_required"
        admin = issuer.create_admin("Fastadmin")
        assert app.get("/secrets", headers=bearer(admin)).json() == "for administrators"

        issuer.sign_out(token)

        until(lambda: app.get("/hello", headers=bearer(token)).status_code == 401, seconds=2)


def test_verifier(issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(_of("verifier", issuer) + "\nimport sys\nprint(who(sys.argv[1]))\n")
    token = issuer.sign_up("Verifier")

    for text, told in ((token, "username='Verifier'"), (f"{token[:-4]}....", "None")):
        command = [sys.executable, "main.py", text]
        run = subprocess.run(command, cwd=tmp_path, env=server_env(), capture_output=True, text=True, timeout=60)
        assert told in run.stdout, run.stderr


def test_pyjwt(issuer: Issuer, tmp_path: Path) -> None:
    script = _of("pyjwt", issuer) + "\nimport json, sys\nprint(json.dumps(verify(sys.argv[1])))\n"
    (tmp_path / "main.py").write_text(script)

    def run(token: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "main.py", token]
        return subprocess.run(command, cwd=tmp_path, env=server_env(), capture_output=True, text=True, timeout=60)

    token = issuer.sign_up("Pyjwt")
    assert json.loads(run(token).stdout)["username"] == "Pyjwt"
    refused = run(token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"))
    assert refused.returncode == 1
    assert "jwt.exceptions." in refused.stderr.splitlines()[-1]


@pytest.mark.node
def test_node(issuer: Issuer, node_folder: Path) -> None:
    token, stays = issuer.sign_up("Node"), issuer.sign_in("Node")
    with _node(node_folder, _of("node", issuer) + NODE_LOOP, GATEPOST_CLIENT_SECRET=issuer.secret) as ask:
        assert ask(token)["username"] == "Node"
        assert isinstance(ask("a.b.c"), str)

        issuer.sign_out(token)

        until(lambda: ask(token) == "the session has ended", seconds=2)
        assert ask(stays)["username"] == "Node"


@pytest.mark.nginx
def test_nginx(issuer: Issuer, tmp_path: Path) -> None:
    nginx = program("nginx", package="nginx, such as Debian's nginx-light")
    (tmp_path / "app.py").write_text(ECHO)
    token, admin = issuer.sign_up("Zoë"), issuer.create_admin("Proxyadmin")
    with uvicorn_app(tmp_path) as app, nginx_before(nginx, tmp_path, issuer, app=app.base_url) as proxy:
        assert proxy.get("/").status_code == 401
        assert proxy.get("/").headers["www-authenticate"].startswith("Bearer ")
        passed = proxy.post("/notes", headers={**bearer(token), "X-User-Id": "1000000"}, content="buy milk").json()
        assert passed["body"] == "buy milk"
        assert unquote(passed["headers"]["x-user-name"]) == "Zoë"
        assert passed["headers"]["x-user-roles"] == "user"
        assert passed["headers"]["x-user-id"] != "1000000"

        assert proxy.get("/admin/", headers=bearer(token)).status_code == 403
        passed = proxy.get("/admin/", headers={**bearer(admin), "X-User-Id": "1000000"}).json()
        assert set(passed["headers"]["x-user-roles"].split(",")) == {"user", "admin"}
        assert passed["headers"]["x-user-id"] != "1000000"

        cookie = {"Cookie": f"gatepost_access={token}"}
        assert proxy.get("/", headers=cookie).status_code == 200
        assert proxy.post("/", headers=cookie).status_code == 403
        assert proxy.post("/", headers={**cookie, "Origin": "http://localhost:8081"}).status_code == 200
        assert proxy.get("/_gatepost", headers=bearer(token)).status_code == 404

        issuer.sign_out(token)

        assert proxy.get("/", headers=bearer(token)).status_code == 401


def test_introspection_and_revocation(issuer: Issuer) -> None:
    curl = program("curl", package="curl")
    token = issuer.sign_up("Curl")

    def run(name: str) -> str:
        env = server_env(GATEPOST_CLIENT_SECRET=issuer.secret, TOKEN=token)
        script = _of(name, issuer).replace("curl ", f"{curl} ", 1)
        result = subprocess.run(["sh", "-ec", script], env=env, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert json.loads(run("introspection"))["username"] == "Curl"
    assert run("revocation") == ""
    assert json.loads(run("introspection")) == {"active": False}


def _of(name: str, issuer: Issuer) -> str:
    assert ADDRESS in BLOCKS[name]
    return BLOCKS[name].replace(ADDRESS, issuer.url)


@contextmanager
def _node(folder: Path, script: str, **env: str) -> Iterator[Callable[[str], Any]]:
    """Run a script that follows the feed; give what asks it about a token."""
    running = run_node(folder, script, **env)
    assert running.stdin is not None
    assert running.stdout is not None

    def read() -> Any:
        line = running.stdout.readline() if running.stdout else ""
        assert line, f"node ended with {running.poll()}"
        return json.loads(line)

    def ask(token: str) -> Any:
        if running.stdin:
            running.stdin.write(f"{token}\n")
            running.stdin.flush()
        return read()

    try:
        assert read() == "following"
        yield ask
    finally:
        running.stdin.close()
        try:
            running.wait(timeout=60)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running.stdout.close()


@contextmanager
def nginx_before(nginx: str, folder: Path, issuer: Issuer, *, app: httpx.URL) -> Iterator[httpx.Client]:
    """Run nginx as a process of our own, with the documented server."""
    port = free_port()
    server = BLOCKS["nginx"]
    for written, real in (
        ("listen 8090;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8080", urlsplit(issuer.url).netloc),
        ("127.0.0.1:9000", app.netloc.decode()),
    ):
        assert written in server
        server = server.replace(written, real)
    own = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{own}{server}}}\n"
    )
    command = [nginx, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]
    url = f"http://127.0.0.1:{port}"
    with process(command, folder=folder, ready=url), httpx.Client(base_url=url, trust_env=False) as client:
        yield client
