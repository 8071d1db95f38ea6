"""`gatepost serve`."""

import io
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import URL

from tests.cli.conftest import PROGRAM, Command
from tests.support.api import PASSWORD
from tests.support.server import gatepost_server


@pytest.fixture
def uvicorn_options(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what uvicorn is asked for, instead of a server that runs."""
    options: dict[str, Any] = {}

    def take(target: str, **given: Any) -> None:
        options.update(given, target=target)

    monkeypatch.setattr(uvicorn, "run", take)
    # Whoever runs the tests may use the default one.
    monkeypatch.setenv("PORT", "0")
    return options


def test_start_without_any_setting_greets_and_serves(tmp_path: Path) -> None:
    with gatepost_server(tmp_path) as server:
        answer = httpx.get(f"{server.url}/", trust_env=False)
        docs = httpx.get(f"{server.url}/docs", trust_env=False)
        greeting = server.log

    assert answer.json()["message"] == "Welcome to Gatepost."
    assert docs.status_code == 200
    assert "Gatepost (development, sqlite)" in greeting
    assert "/docs" in greeting
    # The server is started as a module.
    assert f"{sys.executable} -m gatepost create-admin --username admin --email you@example.com" in greeting
    assert (tmp_path / "data" / "gatepost.db").is_file()


def test_restart_signs_nobody_out(tmp_path: Path) -> None:
    with gatepost_server(tmp_path) as server:
        body = {"username": "Abbey Salami", "email": "heba@gmail.com", "password": PASSWORD}
        person = httpx.post(f"{server.url}/api/auth/signup", json=body, trust_env=False).json()

    with gatepost_server(tmp_path) as server:
        headers = {"x-access-token": person["accessToken"]}
        board = httpx.get(f"{server.url}/api/test/user", headers=headers, trust_env=False)
        refreshed = httpx.post(
            f"{server.url}/api/auth/refreshtoken", json={"refreshToken": person["refreshToken"]}, trust_env=False
        )

    assert board.text == "User Content."
    assert refreshed.status_code == 200


def test_settings_are_handed_to_the_server(command: Command, uvicorn_options: dict[str, Any]) -> None:
    ended = command(
        "serve",
        HOST="0.0.0.0",
        PORT="9000",
        WORKERS="3",
        SHUTDOWN_SECONDS="4",
        DRAIN_SECONDS="1",
        TRUSTED_PROXIES="10.0.0.1,10.1.0.0/28",
    )

    assert (ended.code, ended.err) == (0, "")
    assert "http://localhost:9000/docs" in ended.out
    assert uvicorn_options["target"] == "gatepost.app:create_app"
    assert (uvicorn_options["host"], uvicorn_options["port"], uvicorn_options["workers"]) == ("0.0.0.0", 9000, 3)
    assert uvicorn_options["timeout_graceful_shutdown"] == 2.25
    assert uvicorn_options["http"] == "gatepost.http.server.protocol:GuardedProtocol"
    assert uvicorn_options["proxy_headers"] is True
    assert uvicorn_options["forwarded_allow_ips"] == [
        "10.0.0.1", "::ffff:10.0.0.1/128", "10.1.0.0/28", "::ffff:10.1.0.0/124",
    ]  # fmt: skip


def test_options_win_over_settings(command: Command, uvicorn_options: dict[str, Any]) -> None:
    ended = command("serve", "--host", "127.0.0.2", "--port", "9001", "--workers", "2", PORT="9000")

    assert ended.code == 0
    assert "http://127.0.0.2:9001/docs" in ended.out
    assert "PUBLIC_URL           http://localhost:9001" in ended.out
    assert (uvicorn_options["host"], uvicorn_options["port"], uvicorn_options["workers"]) == ("127.0.0.2", 9001, 2)
    assert uvicorn_options["reload"] is False


def test_port_that_is_taken_is_told_in_one_line_before_anything_else(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command("serve", PORT=str(port))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"gatepost: cannot listen on HOST 127.0.0.1, PORT {port}: Address already in use. "
        "Stop the program that listens there, or set PORT.\n"
    )


def test_greeting_asks_for_the_first_administrator_only_while_there_is_none(
    command: Command, uvicorn_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "first administrator" in command("serve").out
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert command("create-admin", "--username", "admin", "--email", "a@example.com", "--password-stdin").code == 0

    greeting = command("serve").out

    assert uvicorn_options["lifespan"] == "on"
    assert "first administrator" not in greeting
    for page in ("/sign-in", "/admin", "/docs"):
        assert f"http://localhost:0{page}\n" in greeting


def test_greeting_in_production_names_the_pages_where_people_reach_them(
    command: Command, uvicorn_options: dict[str, Any]
) -> None:
    production = {
        "ENVIRONMENT": "production", "PUBLIC_URL": "https://auth.example.com/", "MAIL_URL": "smtp://u:p@mail.example",
        "SECRET_KEY": secrets.token_urlsafe(48), "SQLITE_IN_PRODUCTION": "true", "BCRYPT_ROUNDS": "12",
    }  # fmt: skip

    greeting = command("serve", **production).out

    assert uvicorn_options["port"] == 0
    for page in ("/sign-in", "/admin", "/docs"):
        assert f"https://auth.example.com{page}\n" in greeting
    assert "localhost" not in greeting


def test_code_that_is_reloaded_is_served_by_one_worker(command: Command, uvicorn_options: dict[str, Any]) -> None:
    command("serve", "--reload", WORKERS="2")

    assert (uvicorn_options["reload"], uvicorn_options["workers"]) == (True, 1)


def test_forwarded_addresses_are_believed_from_nobody_by_default(
    command: Command, uvicorn_options: dict[str, Any]
) -> None:
    command("serve")

    assert uvicorn_options["proxy_headers"] is False
    assert uvicorn_options["forwarded_allow_ips"] == []


def test_greeting_names_the_command_as_it_can_be_called_again(
    command: Command, uvicorn_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(PROGRAM.parent))
    on_the_path = command("serve", program=str(PROGRAM)).out
    monkeypatch.setenv("PATH", "/nowhere")
    elsewhere = command("serve", program=str(PROGRAM)).out

    assert "  gatepost create-admin" in on_the_path
    assert f"  {PROGRAM} create-admin" in elsewhere
    assert uvicorn_options["lifespan"] == "on"


def test_client_behind_a_stranger_cannot_forge_its_address(tmp_path: Path) -> None:
    with gatepost_server(tmp_path) as server:
        body = {"username": "Abbey Salami", "email": "heba@gmail.com", "password": PASSWORD}
        forged = {"X-Forwarded-For": "198.51.100.9"}
        person = httpx.post(f"{server.url}/api/auth/signup", json=body, headers=forged, trust_env=False).json()
        devices = httpx.get(
            f"{server.url}/api/auth/sessions", headers={"x-access-token": person["accessToken"]}, trust_env=False
        ).json()

    assert [device["address"] for device in devices] == ["127.0.0.1"]


def test_trusted_proxy_is_believed(tmp_path: Path) -> None:
    with gatepost_server(tmp_path, TRUSTED_PROXIES="127.0.0.1") as server:
        body = {"username": "Abbey Salami", "email": "heba@gmail.com", "password": PASSWORD}
        # The proxy appends what it saw; what stands before it is the client's own word.
        forwarded = {"X-Forwarded-For": "203.0.113.99, 198.51.100.9"}
        person = httpx.post(f"{server.url}/api/auth/signup", json=body, headers=forwarded, trust_env=False).json()
        devices = httpx.get(
            f"{server.url}/api/auth/sessions", headers={"x-access-token": person["accessToken"]}, trust_env=False
        ).json()

    assert [device["address"] for device in devices] == ["198.51.100.9"]


def test_several_workers_serve_and_stop(tmp_path: Path) -> None:
    with gatepost_server(tmp_path, WORKERS="2") as server:
        body = {"username": "Abbey Salami", "email": "heba@gmail.com", "password": PASSWORD}
        person = httpx.post(f"{server.url}/api/auth/signup", json=body, trust_env=False).json()
        for _ in range(8):
            headers = {"x-access-token": person["accessToken"]}
            board = httpx.get(f"{server.url}/api/test/user", headers=headers, trust_env=False)
            assert board.text == "User Content."


def test_unsafe_production_does_not_start(process: Command) -> None:
    refused = process("serve", ENVIRONMENT="production", CORS_ORIGINS="*")

    assert refused.code == 2
    assert refused.out == ""
    first, *complaints = refused.err.splitlines()
    assert first == "gatepost: invalid settings:"
    named = [line.split(":")[0].strip() for line in complaints]
    assert named == ["DATABASE_URL", "SECRET_KEY", "MAIL_URL", "PUBLIC_URL", "CORS_ORIGINS"]


@pytest.mark.mysql
@pytest.mark.parametrize("revision", ["base", "0003"])
def test_old_schema_of_mysql_does_not_start(process: Command, mysql_empty: URL, revision: str) -> None:
    url = mysql_empty.render_as_string(hide_password=False)
    if revision != "base":
        assert process("migrate", revision, DATABASE_URL=url).code == 0

    refused = process("serve", DATABASE_URL=url)

    assert refused.code == 1
    assert refused.complaint.startswith(f"the database is at revision {revision.replace('base', 'none')} and")
    assert refused.complaint.endswith("Run: gatepost migrate")
    assert process("migrate", DATABASE_URL=url).code == 0
