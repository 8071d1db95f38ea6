"""`gatepost doctor`."""

import io
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.cli.conftest import Command, Outcome
from tests.support.api import PASSWORD

STRONG = "8fJ2kL9qWx7Zr4Tn6Vb1Yc3Mh5Pd0SgAa"


def lines(outcome: Outcome, severity: str) -> list[str]:
    """Return what was found of one severity."""
    assert outcome.err == ""
    found = [line.split(maxsplit=1) for line in outcome.out.splitlines()]
    return [text for kind, text in found if kind == severity]


def test_fresh_service_lacks_an_administrator(command: Command) -> None:
    command("migrate")

    looked_at = command("doctor", BCRYPT_ROUNDS="12")

    assert looked_at.code == 0
    assert lines(looked_at, "ok") == [
        "settings are complete for development",
        "MAIL_URL is console: mails, with links that give access to accounts, are printed to the log",
        "passkeys are for localhost",
        "the sqlite database has the newest schema",
        "tokens are signed with ES256",
    ]
    assert lines(looked_at, "warning") == ["there is no administrator: run gatepost create-admin"]


def test_service_with_an_administrator_is_well(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    command("create-admin", "--username", "Abbey", "--email", "abbey@example.com", "--password-stdin")

    looked_at = command("doctor", BCRYPT_ROUNDS="12")

    assert looked_at.code == 0
    assert "there is an administrator" in lines(looked_at, "ok")
    assert lines(looked_at, "warning") == []


@pytest.mark.parametrize(
    ("env", "port"),
    [
        ({"PORT": "9000"}, None),
        ({"PORT": "9000", "PUBLIC_URL": "http://localhost:8080"}, "8080"),
        ({"PORT": "9000", "PUBLIC_URL": "http://127.0.0.1/"}, "80"),
        ({"PORT": "9000", "PUBLIC_URL": "http://localhost:9000/"}, None),
        ({"PORT": "9000", "PUBLIC_URL": "https://auth.example"}, None),
    ],
)
def test_address_of_links_that_leads_to_another_port_is_told(
    command: Command, env: dict[str, str], port: str | None
) -> None:
    command("migrate")

    told = [line for line in lines(command("doctor", **env, BCRYPT_ROUNDS="12"), "warning") if "PORT is" in line]

    assert len(told) == (port is not None)
    assert all(f"lead to port {port};" in line for line in told)


@pytest.mark.parametrize(
    ("env", "code", "told"),
    [
        ({"PUBLIC_URL": "http://127.0.0.1:8080"}, 0, "PUBLIC_URL: passkeys need a host name, not an IP address"),
        ({"PASSKEY_RP_ID": "example.com"}, 1, "PASSKEY_RP_ID: it is neither the host of PUBLIC_URL nor"),
        ({"PASSKEY_ORIGINS": "http://app.example.com"}, 1, "PASSKEY_ORIGINS: browsers support passkeys on https"),
    ],
)
def test_settings_with_which_browsers_refuse_passkeys_are_told(
    command: Command, env: dict[str, str], code: int, told: str
) -> None:
    command("migrate")

    looked_at = command("doctor", **env, BCRYPT_ROUNDS="12")

    assert looked_at.code == code
    [line] = [line for line in lines(looked_at, "failure" if code else "warning") if "passkeys" in line]
    assert line.startswith(f"passkeys are not available: {told}")


def test_each_unsafe_setting_is_named(command: Command) -> None:
    command("migrate")

    development = command(
        "doctor", HOST="0.0.0.0", CORS_ORIGINS="*", WORKERS="2", BCRYPT_ROUNDS="9", SECRET_KEY_PREVIOUS=STRONG[::-1],
        SECRET_KEY="short",
    )  # fmt: skip
    production = {"ENVIRONMENT": "production", "SECRET_KEY": STRONG, "SQLITE_IN_PRODUCTION": "true"}
    allowed = command(
        "doctor", **production, HTTP_IN_PRODUCTION="true", CONSOLE_MAIL_IN_PRODUCTION="true",
        WEAK_HASHES_IN_PRODUCTION="true",
    )  # fmt: skip
    plain = command(
        "doctor", **production, PUBLIC_URL="https://auth.example", BCRYPT_ROUNDS="12",
        MAIL_URL="smtp://mail.example?starttls=no", PLAIN_SMTP_IN_PRODUCTION="true",
    )  # fmt: skip
    refused = command("doctor", **production)

    defaults = [
        command(
            "doctor", ENVIRONMENT="production", SECRET_KEY=STRONG, PUBLIC_URL="https://auth.example",
            MAIL_URL="smtps://mail.example", BCRYPT_ROUNDS="12", DATABASE_URL=f"mysql://{who}@127.0.0.1:1/gatepost",
        )
        for who in ("root:secret", "gatepost", "gatepost:")
    ]  # fmt: skip

    wide = command("doctor", TRUSTED_PROXIES="10.0.0.5,10.0.1.0/24,10.0.0.0/8,192.168.0.0/16,fd00::/8,fd00:1::/64")

    trusted = [line for line in lines(wide, "warning") if "can forge client addresses" in line]
    assert [line.split()[-13] for line in trusted] == ["10.0.0.0/8:", "192.168.0.0/16:", "fd00::/8:"]
    for one in defaults:
        assert any("database user is root, or has no password" in line for line in lines(one, "warning"))
    text = "\n".join(lines(development, "warning"))
    for words in (
        "HOST 0.0.0.0 is open to the network in development",
        "SECRET_KEY would be refused in production: it has fewer than 32 characters",
        "CORS_ORIGINS is `*`",
        "WORKERS is above 1 with SQLite",
        "BCRYPT_ROUNDS is below 10",
        "SECRET_KEY_PREVIOUS is set",
    ):
        assert words in text
    assert "CORS_ORIGINS is empty: pages from other origins may not call the API" in lines(plain, "ok")
    assert [line.partition(":")[0] for line in lines(allowed, "warning")[:3]] == [
        "PUBLIC_URL is not https, as HTTP_IN_PRODUCTION allows",
        "BCRYPT_ROUNDS is below 10",
        "MAIL_URL is console",
    ]
    assert any("MAIL_URL has starttls=no" in line for line in lines(plain, "warning"))
    assert sorted(line.partition(":")[0] for line in lines(refused, "failure")) == [
        "BCRYPT_ROUNDS", "MAIL_URL", "PUBLIC_URL",
    ]  # fmt: skip
    assert "short" not in development.out


def test_refused_settings_are_failures(command: Command) -> None:
    looked_at = command("doctor", PORT="x", ENVIRONMENT="production")

    assert looked_at.code == 1
    assert lines(looked_at, "ok") == []
    assert any(line.startswith("PORT: ") for line in lines(looked_at, "failure"))


def test_empty_database_is_a_failure_with_its_remedy(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".gatepost").mkdir(mode=0o700)

    looked_at = command("doctor")

    assert looked_at.code == 1
    assert lines(looked_at, "failure")[0].endswith("Run: gatepost migrate")


def test_database_that_cannot_be_reached_is_a_failure(command: Command) -> None:
    looked_at = command("doctor", DATABASE_URL="mysql://root:hunter2@127.0.0.1:1/gatepost")

    assert looked_at.code == 1
    assert lines(looked_at, "failure") == [
        "the mysql database cannot be used: nothing listens at 127.0.0.1:1: "
        "the server is down, or the port is another one"
    ]
    assert "hunter2" not in looked_at.out


def test_keys_of_another_secret_are_a_failure_with_its_remedy(command: Command) -> None:
    command("migrate")
    command("doctor", SECRET_KEY=STRONG)

    looked_at = command("doctor", SECRET_KEY=STRONG[::-1])

    assert looked_at.code == 1
    [failure] = lines(looked_at, "failure")
    assert "SECRET_KEY does not open the signing keys in the database" in failure
    assert STRONG not in looked_at.out


@pytest.mark.mysql
def test_mysql_is_looked_at_by_the_installed_program(process: Command, mysql_empty: URL) -> None:
    url = mysql_empty.render_as_string(hide_password=False)
    before = process("doctor", DATABASE_URL=url)
    process("migrate", DATABASE_URL=url)
    after = process("doctor", DATABASE_URL=url)

    assert (before.code, after.code) == (1, 0)
    assert "the mysql database has the newest schema" in lines(after, "ok")
