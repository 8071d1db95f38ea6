"""Parses database URLs: SQLAlchemy's format, with the options in the URLs that database providers hand out."""

import ipaddress
import re
from collections.abc import Mapping

from sqlalchemy.engine import URL, make_url

from gatepost.core.db.tls import CA, FILES, DatabaseTls, agreed, refuse_tls

DRIVERS = {"mysql": "mysql+aiomysql", "mariadb": "mariadb+aiomysql", "sqlite": "sqlite+aiosqlite"}
HOST = re.compile(r"[A-Za-z0-9_.-]+")
PORT = re.compile(r"[1-9][0-9]{0,4}")
LARGEST_PORT = 65535
NAMEABLE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}")
CHARSETS = ("utf8mb4", "utf8mb3", "utf8")

ON, OFF = ("true", "1", "yes", "on"), ("false", "0", "no")
MODES = {
    "disabled": DatabaseTls.OFF,
    "disable": DatabaseTls.OFF,
    "off": DatabaseTls.OFF,
    "required": DatabaseTls.REQUIRED,
    "require": DatabaseTls.REQUIRED,
    "verify_ca": DatabaseTls.VERIFY_CA,
    "verify_identity": DatabaseTls.VERIFY,
    "verify_full": DatabaseTls.VERIFY,
    "verify": DatabaseTls.VERIFY,
}
# The mode that each option selects when it is true, and when it is false; None leaves the mode open.
FLAGS: Mapping[str, tuple[DatabaseTls | None, DatabaseTls | None]] = {
    "ssl": (None, DatabaseTls.OFF),
    "usessl": (None, DatabaseTls.OFF),
    "use_ssl": (None, DatabaseTls.OFF),
    "requiressl": (DatabaseTls.REQUIRED, None),
    "ssl_verify_cert": (DatabaseTls.VERIFY, DatabaseTls.REQUIRED),
    "ssl_verify_server_cert": (DatabaseTls.VERIFY, DatabaseTls.REQUIRED),
    "ssl_verify_identity": (DatabaseTls.VERIFY, None),
    "ssl_check_hostname": (DatabaseTls.VERIFY, DatabaseTls.VERIFY_CA),
    "verifyservercertificate": (DatabaseTls.VERIFY, DatabaseTls.REQUIRED),
}
# The format of Node's drivers.
SSL_OBJECTS: Mapping[str, DatabaseTls] = {
    '{"rejectunauthorized":true}': DatabaseTls.VERIFY,
    '{"rejectunauthorized":false}': DatabaseTls.REQUIRED,
}
CHOICES: Mapping[str, Mapping[str, DatabaseTls]] = {
    "ssl_mode": MODES,
    "sslmode": MODES,
    "sslaccept": {"strict": DatabaseTls.VERIFY, "accept_invalid_certs": DatabaseTls.REQUIRED},
}
SOCKET = "unix_socket"
PATHS: Mapping[str, str] = {"sslca": CA, "sslrootcert": CA, **{name: name for name in (*FILES, SOCKET)}}


def read_database_url(text: str, *, tls: DatabaseTls | None = None, files: Mapping[str, str] | None = None) -> URL:
    """Read a database URL, add the async driver if it names none, and replace its TLS options by those of `agreed`.

    `tls` and `files` come from the TLS settings.

    Raises:
        ValueError: it is not a URL of MySQL, MariaDB or SQLite with a supported driver, or a part of it would have no
            effect; the message contains nothing that may belong to a password.
    """
    text = text.strip()
    if text.count("@") > 1:
        raise ValueError("it has more than one @: in a user name or password, @ is written %40")
    url = _parsed(text)
    backend = url.get_backend_name()
    driver = DRIVERS.get(backend)
    if driver is None:
        raise ValueError(f"{backend} is not supported; use mysql, mariadb or sqlite")
    if url.drivername not in (backend, driver):
        raise ValueError(f"the driver must be {driver.partition('+')[2]}, or be left out")
    if backend == "sqlite":
        _check_file(url)
        refuse_tls(tls, files or {})
    else:
        url = url.set(query=_options(url.query, tls=tls, files=files or {}))
        _check_server(url, text)
    return url.set(drivername=driver)


def require_host(text: str) -> str:
    """Return a host name or address unchanged.

    Raises:
        ValueError: it is neither. The message does not repeat it, because it may contain a password by mistake.
    """
    if not HOST.fullmatch(text):
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            raise ValueError("it is not a host name or address alone") from None
    return text


def _parsed(text: str) -> URL:
    try:
        url = make_url(text, keep_blank_values=True)
        url.get_backend_name()
    except Exception:  # noqa: BLE001  make_url raises many kinds, each with the text in it
        raise ValueError("it is not a database URL such as mysql://user:password@host/name") from None
    if "@" in text and url.username is None:
        raise ValueError("it has an @ that no user name stands before: elsewhere, @ is written %40")
    return url


def _check_file(url: URL) -> None:
    if url.host or url.username or url.password or url.port:
        raise ValueError("the path of an SQLite file comes after three slashes, as in sqlite:///file")
    if url.query:
        raise ValueError("SQLite takes no options here")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError("it names no file; a database in memory is lost with its connection")


def _check_server(url: URL, text: str) -> None:
    if not url.database:
        raise ValueError("it names no database")
    if "#" in url.database:
        raise ValueError("it has a # behind the database, and what follows it would do nothing")
    if SOCKET in url.query:
        if url.host not in (None, "localhost"):
            raise ValueError("it has a host and unix_socket, and one of them would do nothing")
    elif url.host is None:
        raise ValueError("it names no host")
    else:
        try:
            require_host(url.host)
        except ValueError:
            raise ValueError("its host is not a host name or address alone") from None
    if url.port is not None and (
        # make_url accepts whatever int() does.
        not re.search(rf":{url.port}(?=[/?]|$)", text) or not PORT.fullmatch(str(url.port)) or url.port > LARGEST_PORT
    ):
        raise ValueError(f"its port is not a number from 1 to {LARGEST_PORT}")


def _options(
    query: Mapping[str, str | tuple[str, ...]], *, tls: DatabaseTls | None, files: Mapping[str, str]
) -> dict[str, str]:
    """Return the connection's options; unknown and repeated ones are refused."""
    said, paths, is_on = [tls] if tls else [], dict(files), False
    for written, value in query.items():
        name = written.lower().replace("-", "_")
        shown = f"`{written}`" if NAMEABLE.fullmatch(written) else "an option"
        if not isinstance(value, str) or not value:
            raise ValueError(f"{shown} is there twice, or without a value")
        if name in PATHS:
            if paths.setdefault(PATHS[name], value) != value:
                raise ValueError(f"{shown} names another file than is named besides")
        elif name in CHOICES or name in FLAGS:
            mode = _mode(name, value, shown)
            if mode is not None:
                said.append(mode)
            is_on = is_on or (mode is None and value.lower() in ON)
        elif name != "charset" or value.lower() not in CHARSETS:
            raise ValueError(f"{shown} is no option with a value that is known; docs/mysql.md has them all")
    socket = paths.pop(SOCKET, None)
    options = agreed(said, paths, is_on=is_on)
    if socket is None:
        return options
    if options:
        raise ValueError("unix_socket does not leave this machine, and has no TLS")
    return {SOCKET: socket}


def _mode(name: str, value: str, shown: str) -> DatabaseTls | None:
    value = value.lower()
    if name in CHOICES:
        try:
            return CHOICES[name][value.replace("-", "_")]
        except KeyError:
            # PREFERRED is not supported: it silently connects without TLS if the server does not offer it.
            raise ValueError(f"{shown} is none of {', '.join(CHOICES[name])}") from None
    if value in ON:
        return FLAGS[name][0]
    if value in OFF:
        return FLAGS[name][1]
    if name == "ssl" and "".join(value.split()) in SSL_OBJECTS:
        return SSL_OBJECTS["".join(value.split())]
    raise ValueError(f"{shown} is neither true nor false")
