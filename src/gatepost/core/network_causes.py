"""Explains from an exception why another machine cannot be reached."""

import errno
import socket
import ssl
from collections.abc import Iterator


def unreached(error: BaseException, *, host: str, where: str) -> str | None:
    """Return why a connection failed; None if no exception tells. `where` is the host with its port."""
    for link in chain(error):
        match link:
            case ssl.SSLCertVerificationError():
                return f"the certificate of {where} is not trusted: {link.verify_message.rstrip('.')}"
            case ssl.SSLError(reason=None | "WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE"):
                return f"TLS with {where} failed: the server there does not speak TLS"
            case ssl.SSLError():
                return f"TLS with {where} failed: {str(link.reason).replace('_', ' ').lower()}"
            case socket.gaierror():
                return f"the host {host} is unknown: no address was found for this name"
            case TimeoutError():
                return f"nothing answers at {where} in time: the host is down, or a firewall is in the way"
            case OSError() if _is_refusal(link):
                return f"nothing listens at {where}: the server is down, or the port is another one"
            case OSError(strerror=str(reason)):
                return f"{where} cannot be reached: {reason}"
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its cause, and so on. HTTP clients hide the cause from tracebacks, not from here."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _is_refusal(error: OSError) -> bool:
    # A name with several addresses, such as localhost, raises one error whose text lists the error of each.
    return error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error)
