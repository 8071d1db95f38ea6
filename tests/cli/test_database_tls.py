"""TLS to the database: a server of our own with a certificate for `localhost`, and what each setting makes of it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gatepost.core.db.revisions import migrations_folder
from tests.cli.conftest import Command
from tests.conftest import SECRET
from tests.support.api import PASSWORD
from tests.support.certificates import CertificateAuthority
from tests.support.missing import lacking
from tests.support.mysql import PROGRAMS, PrivateServer, can_start_server, private_server, run_sql
from tests.support.server import gatepost_server, server_env

pytestmark = pytest.mark.mysql
HIDDEN = "hunter2-ł-hunter2"
SECURE = "secure"
# Whoever signs in as `secure` comes by TLS; `holder` shows a certificate of the CA besides.
SETUP = (
    "CREATE DATABASE gatepost",
    f"CREATE USER secure@'%' IDENTIFIED BY '{HIDDEN}' REQUIRE SSL",
    f"CREATE USER holder@'%' IDENTIFIED BY '{HIDDEN}' REQUIRE X509",
    f"CREATE USER plain@'%' IDENTIFIED BY '{HIDDEN}'",
    "GRANT ALL ON *.* TO secure@'%', holder@'%', plain@'%'",
)


@dataclass(frozen=True)
class TlsServer:
    """The server, and the files of whoever connects to it."""

    server: PrivateServer
    options: tuple[str, ...]
    ca: Path
    other_ca: Path
    certificate: Path
    key: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.server.url.port is not None
        return self.server.url.port

    def url(self, options: str, *, user: str = SECURE, host: str = "localhost", port: int | None = None) -> str:
        """Return a DATABASE_URL with these options."""
        return f"mysql://{user}:hunter2-%C5%82-hunter2@{host}:{port or self.port}/gatepost?{options}"

    def parts(self, *, user: str = SECURE, host: str = "localhost", **tls: str) -> dict[str, str]:
        """Return the settings of a connection by its parts."""
        return {
            "SECRET_KEY": SECRET,
            "DB_HOST": host, "DB_PORT": str(self.port), "DB_USER": user, "DB_PASSWORD": HIDDEN, "DB_NAME": "gatepost",
            **tls,
        }  # fmt: skip


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """Give the server, migrated."""
    if not can_start_server():
        lacking(f"install mariadb-server, for {' and '.join(PROGRAMS)}")
    folder = tmp_path_factory.mktemp("certificates")
    ca, other = CertificateAuthority(folder, "our-ca"), CertificateAuthority(folder, "other-ca")
    certificate, key = ca.issue("server", "localhost")
    options = (f"--ssl-ca={ca.file}", f"--ssl-cert={certificate}", f"--ssl-key={key}")
    with private_server() as server:
        server.end()
        server.start(*options)
        for statement in SETUP:
            asyncio.run(run_sql(server.url, statement))
        yield TlsServer(server, options, ca.file, other.file, *ca.issue("client"))


def test_connection_is_encrypted_and_its_server_proved(command: Command, tls: TlsServer) -> None:
    settings = tls.parts(DB_TLS="verify", DB_TLS_CA=str(tls.ca))

    migrated = command("migrate", **settings)
    looked_at = command("doctor", **settings)

    assert (migrated.code, looked_at.code) == (0, 0), migrated.err + looked_at.out
    assert "the connection to the database" not in looked_at.out
    assert HIDDEN not in migrated.out + looked_at.out


@pytest.mark.parametrize(
    ("mode", "ca", "host", "user", "problem"),
    [
        ("off", "", "localhost", SECURE, "Access denied for user 'secure'"),
        ("required", "", "127.0.0.1", SECURE, None),
        ("verify", "our", "localhost", SECURE, None),
        ("verify", "", "localhost", SECURE, "self-signed certificate in certificate chain"),
        ("verify", "other", "localhost", SECURE, "self-signed certificate in certificate chain"),
        ("verify", "our", "127.0.0.1", SECURE, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("verify_ca", "our", "127.0.0.1", SECURE, None),
        ("verify_ca", "other", "127.0.0.1", SECURE, "self-signed certificate in certificate chain"),
        ("verify", "our", "localhost", "holder", "Access denied for user 'holder'"),
    ],
)
def test_mode_decides_whom_the_connection_is_made_with(
    command: Command, tls: TlsServer, mode: str, ca: str, host: str, user: str, problem: str | None
) -> None:
    files = {"": {}, "our": {"DB_TLS_CA": str(tls.ca)}, "other": {"DB_TLS_CA": str(tls.other_ca)}}[ca]

    migrated = command("migrate", **tls.parts(user=user, host=host, DB_TLS=mode, **files))

    if problem is None:
        assert (migrated.code, migrated.err) == (0, "")
    else:
        assert migrated.code == 1
        assert problem in migrated.complaint
        assert "hunter2" not in migrated.err


@pytest.mark.parametrize(
    ("options", "is_let_in"),
    [
        ("", False),
        ("ssl=true", True),
        ("ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}&charset=utf8mb4", True),
        ("sslmode=verify-full&sslrootcert={other_ca}", False),
        ("sslaccept=strict", False),
    ],
)
def test_options_of_the_address_decide_like_the_settings(
    command: Command, tls: TlsServer, options: str, is_let_in: bool
) -> None:
    url = tls.url(options.format(ca=tls.ca, other_ca=tls.other_ca))

    assert command("migrate", DATABASE_URL=url).code == (0 if is_let_in else 1)


def test_client_certificate_is_shown_where_the_server_asks_for_it(command: Command, tls: TlsServer) -> None:
    settings = tls.parts(user="holder", DB_TLS="verify", DB_TLS_CA=str(tls.ca))
    pair = {"DB_TLS_CERT": str(tls.certificate), "DB_TLS_KEY": str(tls.key)}
    options = f"ssl_ca={tls.ca}&ssl_cert={tls.certificate}&ssl_key={tls.key}"

    assert command("migrate", **settings).code == 1
    assert command("migrate", **settings, **pair).code == 0
    assert command("migrate", DATABASE_URL=tls.url(options, user="holder")).code == 0
    mixed_up = command("migrate", **settings, DB_TLS_CERT=str(tls.ca), DB_TLS_KEY=str(tls.key))
    assert mixed_up.code == 2
    assert "the client certificate in" in mixed_up.err


def test_server_without_tls_gets_no_name_and_no_password(command: Command, tls: TlsServer) -> None:
    tls.server.end()
    tls.server.start()
    try:
        refused = command("migrate", **tls.parts(user="plain", DB_TLS="required"))
        in_plain = command("migrate", **tls.parts(user="plain"))
    finally:
        tls.server.end()
        tls.server.start(*tls.options)

    assert refused.code == 1
    assert "the database server does not offer TLS" in refused.complaint
    assert in_plain.code == 0


@pytest.mark.parametrize("mode", ["required", "verify"])
async def test_greeting_that_was_changed_on_its_way_is_not_believed(tls: TlsServer, mode: str, tmp_path: Path) -> None:
    heard = bytearray()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_upstream = await asyncio.open_connection("127.0.0.1", tls.port)
        greeting = bytearray(await upstream.read(4096))
        # After the header of the packet: the version up to a NUL, the thread, eight bytes and a NUL, the capabilities.
        at = greeting.index(0, 5) + 1 + 4 + 9
        assert greeting[at + 1] & 0x08
        greeting[at + 1] &= ~0x08
        writer.write(greeting)
        heard.extend(await reader.read())
        writer.close()
        to_upstream.close()

    async with await asyncio.start_server(between, "127.0.0.1", 0) as middle:
        url = tls.url(f"ssl-mode={'VERIFY_IDENTITY' if mode == 'verify' else 'REQUIRED'}",
                      port=middle.sockets[0].getsockname()[1])  # fmt: skip
        refused = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "gatepost", "migrate"],
            cwd=tmp_path, env=server_env(DATABASE_URL=url), capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert refused.returncode == 1
    assert "does not offer TLS" in refused.stderr
    assert heard == b""


def test_service_speaks_tls_and_replaces_what_the_server_closes(command: Command, tls: TlsServer) -> None:
    settings = tls.parts(DB_TLS="verify", DB_TLS_CA=str(tls.ca), RATE_LIMITS="false")
    command("migrate", **settings)

    with gatepost_server(**settings) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        body = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        first = client.post("/api/auth/signup", json=body)
        tls.server.end()
        tls.server.start(*tls.options)
        again = client.post("/api/auth/signin", json={"username": "Abbey", "password": PASSWORD})
        log = server.log

    assert first.status_code == 201, first.text
    assert again.status_code == 200, again.text
    assert "hunter2" not in log


def test_alembic_by_hand_and_an_import_speak_tls_too(command: Command, tls: TlsServer, tmp_path: Path) -> None:
    url = tls.url(f"ssl_ca={tls.ca}")
    command("migrate", DATABASE_URL=url)
    alembic = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", migrations_folder().parent / "alembic.ini", "current"],
        cwd=migrations_folder().parent, env=server_env(DATABASE_URL=url, DATA_DIR=str(tmp_path)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    wanted = command("import", "sequelize", url)
    unproved = command("import", "sequelize", tls.url(f"ssl_ca={tls.other_ca}"))
    missing = command("import", "sequelize", tls.url("ssl_ca=/nowhere.pem"))
    unknown = command("import", "sequelize", tls.url("tls=skip-verify"))

    assert "(head)" in alembic.stdout, alembic.stderr
    # It was reached, and is not of the old service.
    assert "the source has no table users with password" in wanted.err
    assert "self-signed certificate in certificate chain" in unproved.err
    assert "/nowhere.pem" in missing.err
    assert "tls" in unknown.err
    for said in (alembic.stderr, wanted.err, unproved.err, missing.err, unknown.err):
        assert "hunter2" not in said
        assert "Traceback" not in said


def test_socket_of_this_machine_is_an_address_too(command: Command, tls: TlsServer) -> None:
    password = "hunter2-%C5%82-hunter2"
    for host in ("", "localhost"):
        url = f"mysql://plain:{password}@{host}/gatepost?unix_socket={tls.server.socket}"
        assert command("migrate", DATABASE_URL=url).code == 0
    with_tls = command("migrate", DATABASE_URL=f"{url}&ssl=true")

    assert with_tls.code == 2
    assert "unix_socket does not leave this machine, and has no TLS" in with_tls.err
