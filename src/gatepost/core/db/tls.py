"""TLS to the database: the mode that a set of options selects, and connections that enforce it."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from aiomysql import Connection, OperationalError
from sqlalchemy import URL

# The error number of MySQL's clients when TLS fails: CR_SSL_CONNECTION_ERROR.
TLS_FAILED = 2026
# CR_CONN_HOST_ERROR.
NO_ANSWER = 2003
# CLIENT_SSL, one of the capability flags of a server.
OFFERS_TLS = 1 << 11
MODE, CA, CERTIFICATE, KEY = "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key"
FILES = (CA, CERTIFICATE, KEY)


class DatabaseTls(StrEnum):
    """No TLS; encrypted, server not verified; certificate verified; certificate and host name verified."""

    OFF = "off"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY = "verify"


STRICTNESS = tuple(DatabaseTls)
VERIFYING = (DatabaseTls.VERIFY_CA, DatabaseTls.VERIFY)


class TlsUnusable(ValueError):
    """The TLS options for the database contradict each other, or name a file that cannot be used."""


def agreed(said: Collection[DatabaseTls], files: Mapping[str, str], *, is_on: bool = False) -> dict[str, str]:
    """Return the URL options for `tls_context`. The strictest of several modes counts; no options mean no TLS.

    `is_on` requests TLS without a mode: the server is verified if there is a CA for it.

    Raises:
        TlsUnusable: TLS is both requested and turned off, or a file would have no effect.
    """
    if DatabaseTls.OFF in said:
        if is_on or files or len(set(said)) > 1:
            raise TlsUnusable("TLS to the database is off, and yet something is said of it")
        return {}
    open_mode = DatabaseTls.VERIFY if CA in files else DatabaseTls.REQUIRED if is_on else DatabaseTls.OFF
    mode = max(said, key=STRICTNESS.index, default=open_mode)
    if mode is DatabaseTls.OFF:
        if files:
            raise TlsUnusable("there is a client certificate or key, and no TLS to use it in")
        return {}
    if CA in files and mode not in VERIFYING:
        raise TlsUnusable("there is a CA, and a mode of TLS that does not use it: say verify")
    if mode is DatabaseTls.VERIFY_CA and CA not in files:
        raise TlsUnusable("verify_ca needs a CA: by those of the system, any web site would pass")
    if KEY in files and CERTIFICATE not in files:
        raise TlsUnusable("there is a client key without its certificate")
    return {MODE: mode.value, **files}


def refuse_tls(tls: DatabaseTls | None, files: Mapping[str, str]) -> None:
    """Check that no TLS options are set for SQLite, which has no connection.

    Raises:
        TlsUnusable: there are some.
    """
    if files or tls not in (None, DatabaseTls.OFF):
        raise TlsUnusable("the database is a file, and there is no connection to encrypt")


def mode_of(url: URL) -> DatabaseTls:
    """Return the TLS mode of a URL with the options of `agreed`."""
    return DatabaseTls(str(url.query.get(MODE, DatabaseTls.OFF)))


def tls_context(url: URL) -> ssl.SSLContext | None:
    """Build the TLS context for the options of `agreed`; None for a connection without TLS.

    Raises:
        TlsUnusable: a file cannot be used; the message names it.
    """
    mode, options = mode_of(url), {name: str(value) for name, value in url.query.items()}
    if mode is DatabaseTls.OFF:
        return None
    ca = options.get(CA)
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise TlsUnusable(f"the CA in {ca!r} cannot be used: {_reason(error)}") from None
    context.check_hostname = mode is DatabaseTls.VERIFY
    context.verify_mode = ssl.CERT_REQUIRED if mode in VERIFYING else ssl.CERT_NONE
    if CERTIFICATE in options:
        certificate, key = options[CERTIFICATE], options.get(KEY)
        try:
            # Without this password, OpenSSL would prompt for one on the terminal if the key is encrypted.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ValueError) as error:
            raise TlsUnusable(
                f"the client certificate in {certificate!r} with the key in {key or certificate!r} cannot be used: "
                f"{_reason(error)}"
            ) from None
    return context


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the driver's arguments beside the URL, since it does not know the URL's TLS options."""
    return {"async_creator_fn": _connect, "ssl": tls_context(url)}


def without_tls_options(url: URL) -> URL:
    """Return the URL without the TLS options, which the driver does not know."""
    return url.difference_update_query((MODE, *FILES))


class _TlsConnection(Connection):  # type: ignore[misc]
    """A connection that sends no credentials before TLS is established, if TLS is required."""

    async def _get_server_information(self) -> None:
        await super()._get_server_information()
        # The driver would continue without TLS, which an attacker could force by changing the server's greeting.
        if self._ssl_context is not None and not self.server_capabilities & OFFERS_TLS:
            raise OperationalError(TLS_FAILED, "the database server does not offer TLS")

    def close(self) -> None:
        """Close the socket at once. TLS's closing handshake would outlast a command, and MySQL's own close suffices."""
        if self._ssl_context is not None and self._writer is not None:
            self._writer.transport.abort()
        super().close()

    async def _request_authentication(self) -> None:
        try:
            await super()._request_authentication()
        except ssl.SSLError as error:
            raise OperationalError(TLS_FAILED, f"TLS to the database failed: {_reason(error)}") from error


async def _connect(*, password: str = "", **arguments: Any) -> Connection:
    # The driver encodes passwords as Latin-1, and its error about other characters would contain the password. Servers
    # and their own clients use UTF-8.
    connection = _TlsConnection(password=password.encode().decode("latin-1"), **arguments)
    try:
        # The driver's own limit covers only the TCP connection; it would wait forever for a server that sends nothing.
        async with asyncio.timeout(arguments.get("connect_timeout")):
            await connection._connect()  # noqa: SLF001  as the driver's own connect() does
    except TimeoutError as error:
        connection.close()
        raise OperationalError(NO_ANSWER, "the server does not answer in time") from error
    return connection


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is no PEM").replace("_", " ").lower()
    return getattr(error, "strerror", None) or "it is no PEM"
