"""Web origins (RFC 6454) as browsers write them. This is the only place that derives an origin from a URL."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

PORTS = {"http": 80, "https": 443}
# The schemes of apps that are web pages in a shell: Electron, Capacitor, Chrome extensions, Ionic, Tauri.
APP_SCHEMES = frozenset({"app", "capacitor", "chrome-extension", "ionic", "tauri"})
HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](:[0-9]*)?")
# RFC 1035, section 2.3.4, without the trailing dot.
LONGEST_HOST = 253
INTERNATIONAL = "xn--"
# Electron's app://. and app://- match too.
APP_HOST = re.compile(r"[a-z0-9._-]+")
# Browsers read a host that ends in a number as an IPv4 address, in any of its old spellings.
ENDS_IN_NUMBER = re.compile(r"(^|.*\.)([0-9]+|0x[0-9a-f]*)\.?")
# For development: anything on the same machine, at any port.
ON_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[1-9][0-9]{0,4})?")


@dataclass(frozen=True, slots=True)
class TrustedOrigins:
    """A set of origins, each as browsers send it; optionally all origins on this machine."""

    named: frozenset[str]
    any_on_this_machine: bool = False

    def __contains__(self, origin: object) -> bool:
        """Whether an `Origin` header's value is one of them."""
        if origin in self.named:
            return True
        return self.any_on_this_machine and isinstance(origin, str) and bool(ON_THIS_MACHINE.fullmatch(origin))


def origin_of(address: str) -> str:
    """Return scheme, host and port of an http or https URL, as a browser sends them in `Origin`.

    Raises:
        ValueError: a browser would read the URL differently, or not at all; the message names the part without quoting
            it.
    """
    parts = _split(address)
    if parts.scheme not in PORTS:
        raise ValueError("its scheme is not http or https")
    return f"{parts.scheme}://{_host(parts)}{_port(parts)}"


def parse_origin(text: str) -> str:
    """Read an origin as people write it; case, a default port and one trailing slash make no difference.

    It may also be the origin of an app in a shell, such as `capacitor://localhost`.

    Raises:
        ValueError: no browser sends it; the message names the part without quoting it.
    """
    if text.lower() == "null":
        raise ValueError("null is what every sandboxed frame and local file sends")
    if "*" in text:
        raise ValueError("it has a wildcard")
    parts = _split(text)
    if parts.path not in ("", "/"):
        raise ValueError("it has a path")
    if "?" in text or "#" in text:
        raise ValueError("it has a query or a fragment")
    if parts.scheme not in APP_SCHEMES:
        return origin_of(text)
    host = parts.netloc.lower()
    if not APP_HOST.fullmatch(host):
        raise ValueError("the host of an app is a name without a port")
    return f"{parts.scheme}://{host}"


def is_misread(text: str) -> bool:
    """Whether browsers would change the text: they drop tabs and line breaks, and read a backslash as /."""
    return not text.isprintable() or " " in text or "\\" in text


def _split(text: str) -> SplitResult:
    if is_misread(text):
        raise ValueError("it has a space, a control character or a backslash")
    if "://" not in text:
        raise ValueError("it has no scheme such as https://")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError("its host is not one") from None
    if "@" in parts.netloc:
        raise ValueError("it has a user name or password")
    return parts


def _host(parts: SplitResult) -> str:
    if "[" in parts.netloc:
        return _ipv6(parts.netloc)
    # Not `hostname`: Python's lower case differs from that of UTS 46.
    name = parts.netloc.partition(":")[0]
    try:
        # Browsers apply UTS 46, non-transitional; ASCII names are only lower-cased.
        host = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:
        raise ValueError("its host is not one; write an international name as xn--") from None
    if not HOST.fullmatch(host) or len(host.removesuffix(".")) > LONGEST_HOST:
        raise ValueError("its host is not one")
    if not all(map(_is_label, host.split("."))):
        raise ValueError("its host has a part in xn-- that is no name")
    if ENDS_IN_NUMBER.fullmatch(host):
        return _ipv4(host)
    return host


def _is_label(label: str) -> bool:
    """Whether browsers accept a label of a host: after xn-- there must be a name in the form of UTS 46."""
    if not label.startswith(INTERNATIONAL):
        return True
    written = label.removeprefix(INTERNATIONAL)
    try:
        name = written.encode("ascii").decode("punycode")
        is_canonical = name.encode("punycode").decode("ascii") == written
        idna.check_initial_combiner(name)
        idna.check_bidi(name)
        return is_canonical and not name.isascii() and idna.uts46_remap(name, std3_rules=False) == name
    except UnicodeError:
        return False


def _ipv6(netloc: str) -> str:
    bracketed = BRACKETED.fullmatch(netloc)
    try:
        # The brackets contain an address without a zone, and only a port may follow.
        address = ipaddress.IPv6Address(bracketed[1] if bracketed else "")
    except ValueError:
        raise ValueError("its IPv6 address is not one") from None
    return f"[{address.compressed}]"


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError("its IPv4 address is not four numbers such as 127.0.0.1") from None


def _port(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("its port is not one") from None
    if port == 0:
        raise ValueError("its port is not one")
    return "" if port in (None, PORTS[parts.scheme]) else f":{port}"
