"""Addresses of databases: the options that are understood; all else is refused, and no part of a password told."""

import pytest
from sqlalchemy.engine import make_url

from gatepost.core.db.tls import DatabaseTls, mode_of, tls_context
from gatepost.core.db.url import read_database_url

HIDDEN = "hunter2"
OFF, REQUIRED, VERIFY_CA, VERIFY = DatabaseTls


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        ("", OFF),
        ("charset=utf8mb4", OFF),
        ("ssl=false", OFF),
        ("useSSL=false", OFF),
        ("ssl-mode=DISABLED", OFF),
        ("sslmode=disable", OFF),
        ("ssl=true", REQUIRED),
        ("ssl=1", REQUIRED),
        ("useSSL=true", REQUIRED),
        ("use_ssl=yes", REQUIRED),
        ("useSSL=true&requireSSL=true&charset=utf8", REQUIRED),
        ("ssl-mode=REQUIRED", REQUIRED),
        ("ssl_mode=required", REQUIRED),
        ("sslMode=REQUIRED", REQUIRED),
        ("sslmode=require", REQUIRED),
        ("sslaccept=accept_invalid_certs", REQUIRED),
        ('ssl={"rejectUnauthorized":false}', REQUIRED),
        ("ssl-mode=VERIFY_CA&ssl-ca=/ca.pem", VERIFY_CA),
        ("sslmode=verify-ca&sslrootcert=/ca.pem", VERIFY_CA),
        ("ssl_ca=/ca.pem&ssl_check_hostname=false", VERIFY_CA),
        ("ssl_ca=/ca.pem", VERIFY),
        ("ssl-ca=/ca.pem", VERIFY),
        ("ssl=true&sslca=/ca.pem", VERIFY),
        ("useSSL=true&verifyServerCertificate=true", VERIFY),
        ("ssl_verify_cert=true&ssl_verify_identity=true&ssl_ca=/ca.pem", VERIFY),
        ("ssl-mode=VERIFY_IDENTITY", VERIFY),
        ("sslmode=verify-full", VERIFY),
        ("sslmode=verify_full&ssl_ca=/ca.pem", VERIFY),
        ("sslaccept=strict", VERIFY),
        ("sslmode=require&sslaccept=strict", VERIFY),
        ("ssl=%7B%22rejectUnauthorized%22:%20true%7D", VERIFY),
    ],
)
def test_spelling_of_each_provider_is_understood(options: str, mode: DatabaseTls) -> None:
    url = read_database_url(f"mysql://app:{HIDDEN}@db.example/accounts?{options}")

    assert mode_of(url) is mode
    assert url.query.get("ssl_ca") == ("/ca.pem" if "/ca.pem" in options else None)
    assert read_database_url(url.render_as_string(hide_password=False)) == url


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("sslmode=prefer", "`sslmode` is none of disabled, disable, off, required"),
        ("ssl-mode=PREFERRED", "`ssl-mode` is none of disabled, disable, off, required"),
        ("ssl=maybe", "`ssl` is neither true nor false"),
        ('ssl={"ca":"x"}', "`ssl` is neither true nor false"),
        ("sslaccept=lax", "`sslaccept` is none of strict, accept_invalid_certs"),
        ("ssl=true&ssl-mode=DISABLED", "TLS to the database is off, and yet"),
        ("ssl=false&ssl_ca=/ca.pem", "TLS to the database is off, and yet"),
        ("ssl-mode=REQUIRED&ssl_ca=/ca.pem", "a mode of TLS that does not use it"),
        ("ssl-mode=VERIFY_CA", "verify_ca needs a CA"),
        ("ssl_cert=/c.pem&ssl_key=/k.pem", "no TLS to use it in"),
        ("ssl=true&ssl_key=/k.pem", "a client key without its certificate"),
        ("ssl_ca=/a.pem&ssl-ca=/b.pem", "`ssl-ca` names another file"),
        ("ssl_ca=/a.pem&ssl_ca=/b.pem", "`ssl_ca` is there twice"),
        ("ssl_ca=", "`ssl_ca` is there twice, or without a value"),
        ("ssl_ca", "`ssl_ca` is there twice, or without a value"),
        ("charset=latin1", "`charset` is no option with a value that is known"),
        ("tls=skip-verify", "`tls` is no option"),
        ("ssl_cipher=NULL", "`ssl_cipher` is no option"),
        ("sslcert=/c.pem", "`sslcert` is no option"),
        ("init_command=SET+x", "`init_command` is no option"),
        ("read_default_file=/etc/my.cnf", "`read_default_file` is no option"),
        ("local_infile=1", "`local_infile` is no option"),
        ("serverTimezone=UTC", "`serverTimezone` is no option"),
        ("%1b%5b2J=1", "an option is no option"),
        ("unix_socket=/run/mysqld.sock", "a host and unix_socket"),
        ("UNIX-SOCKET=/run/mysqld.sock", "a host and unix_socket"),
        ("unix_socket=/run/a.sock&unix-socket=/run/b.sock", "`unix-socket` names another file"),
    ],
)
def test_option_that_would_do_nothing_is_refused_in_one_line(options: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        read_database_url(f"mysql://app:{HIDDEN}@db.example/accounts?{options}")

    assert HIDDEN not in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        f"mysql://app:p@{HIDDEN}@db/accounts",
        f"mysql://app:{HIDDEN}@x@db/accounts",
        f"mysql://app:p@{HIDDEN}/x@db/accounts",
        f"mysql://app:p@{HIDDEN}?x@db/accounts",
        f"mysql://app:p@{HIDDEN}?x=@db/accounts",
        f"mysql://app:p@{HIDDEN}:x@db/accounts",
        f"mysql://{HIDDEN}@",
        f"mysql://app:{HIDDEN}",
        f"mysql://app:{HIDDEN}@/accounts",
        f"mysql://app:{HIDDEN}@db",
        f"mysql://app:{HIDDEN}@db:port/accounts",
        f"mysql://app:{HIDDEN}@db:0/accounts",
        f"mysql://app:{HIDDEN}@db:65536/accounts",
        f"mysql://app:{HIDDEN}@db:-1/accounts",
        f"mysql://app:{HIDDEN}@db:33_06/accounts",
        f"mysql://app:{HIDDEN}@db:３３０６/accounts",
        f"mysql://app:{HIDDEN}@db:3306:3307/accounts",
        f"mysql://app:{HIDDEN}@db one/accounts",
        f"mysql://app:{HIDDEN}@db,other/accounts",
        f"mysql://app:{HIDDEN}@%2Frun%2Fmysqld.sock/accounts",
        f"mysql://app:{HIDDEN}@[::1/accounts",
        f"mysql://app:{HIDDEN}@[db]:x/accounts",
        f"mysql://db/accounts?ssl_ca=/{HIDDEN}@b",
        f"mysql://app:{HIDDEN}@db/accounts#x",
        f"mysql://app:{HIDDEN}@db/accounts#x?ssl=true",
        f"mysql+pymysql://app:{HIDDEN}@db/accounts",
        f"jdbc:mysql://app:{HIDDEN}@db/accounts",
        f"postgresql://app:{HIDDEN}@db/accounts",
        f"sqlite://{HIDDEN}",
        f"sqlite://app:{HIDDEN}@db/accounts",
        f"sqlite:///x.db?key={HIDDEN}",
        "sqlite:///x.db?mode=ro",
        "sqlite:///x.db?cache=shared&uri=true",
        "sqlite:///file:x.db",
        "sqlite:///:memory:",
        "sqlite:///",
        "sqlite://",
    ],
)
def test_address_with_a_part_that_is_not_understood_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"it |its |three slashes|supported|driver|SQLite") as refused:
        read_database_url(text)

    assert HIDDEN not in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("mysql://app:a%40b@db/accounts", "mysql+aiomysql://app:a%40b@db/accounts"),
        ("mysql://app:a/b?c#d:e@db/accounts", "mysql+aiomysql://app:a%2Fb%3Fc%23d%3Ae@db/accounts"),
        ("mysql://app@[::1]:3307/accounts", "mysql+aiomysql://app@[::1]:3307/accounts"),
        (" mysql://app@db/accounts\n", "mysql+aiomysql://app@db/accounts"),
        ("mysql://app@/accounts?unix_socket=/run/m.sock", "mysql+aiomysql://app@/accounts?unix_socket=%2Frun%2Fm.sock"),
        ("sqlite:////var/lib/x.db", "sqlite+aiosqlite:////var/lib/x.db"),
    ],
)
def test_address_with_odd_letters_is_read(text: str, read: str) -> None:
    assert read_database_url(text).render_as_string(hide_password=False) == read


def test_file_that_cannot_be_used_is_named() -> None:
    for options, name in (
        ("ssl_ca=/nowhere.pem", "'/nowhere.pem' cannot be used: No such file"),
        (f"ssl_ca={__file__}", "cannot be used: no certificate"),
        (f"ssl=true&ssl_cert={__file__}", "the client certificate in"),
    ):
        with pytest.raises(ValueError, match=name):
            tls_context(read_database_url(f"mysql://app@db/x?{options}"))
    assert tls_context(make_url("mysql://app@db/x")) is None
