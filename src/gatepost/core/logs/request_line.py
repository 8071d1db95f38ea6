"""The log line of each request.

It has the same format as structlog's lines, but is built by hand: at thousands of requests per second structlog's
processors would cost more than verifying an access token.
"""

import ipaddress
import logging
import time
from collections.abc import Callable
from typing import Any

import orjson

from gatepost.core.logs.lines import LineWriter
from gatepost.core.settings import LogAddresses, LogFormat, LogLevel

EVENT = "request"
# Machines call these every few seconds; only failures are interesting.
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
FAILURE = 500
REMEMBERED_ADDRESSES = 4096
FRACTIONS = tuple(f".{milliseconds:03d}Z" for milliseconds in range(1000))
NETWORK_BITS = {4: 24, 6: 48}


class RequestLog:
    """Writes one line per request: who, which route, the outcome, the duration."""

    def __init__(self, writer: LineWriter, *, style: LogFormat, level: LogLevel, addresses: LogAddresses) -> None:
        self._write = writer.write
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._render = _json if style is LogFormat.JSON else _console
        self._shown = AddressPolicy(addresses)
        self._now = Timestamps()

    def write(self, state: dict[str, Any], *, method: str, route: str, status: int, seconds: float, host: str) -> None:
        """Write the line. `state` is the request's state: its id, and the user and error code if any."""
        if status >= FAILURE:
            number, level = logging.ERROR, "error"
        elif route in QUIET_ROUTES:
            number, level = logging.DEBUG, "debug"
        else:
            number, level = logging.INFO, "info"
        if number < self._level:
            return
        fields = {
            "timestamp": self._now(),
            "level": level,
            "event": EVENT,
            "request_id": state["request_id"],
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": int(seconds * 100_000) / 100,
        }
        if address := self._shown(host):
            fields["address"] = address
        for name in ("user_id", "code", "trace_id"):
            if name in state:
                fields[name] = state[name]
        self._write(self._render(fields))


class AddressPolicy:
    """Shows as much of a client's address as the setting allows; "" for nothing."""

    def __init__(self, addresses: LogAddresses) -> None:
        self._show = SHOWN[addresses]
        self._known: dict[str, str] = {}

    def __call__(self, address: str) -> str:
        """Return what may be shown of it."""
        shown = self._known.get(address)
        if shown is None:
            if len(self._known) >= REMEMBERED_ADDRESSES:
                self._known.clear()
            shown = self._known[address] = self._show(address)
        return shown


class Timestamps:
    """Formats the current time (RFC 3339, UTC, milliseconds); the part down to the second is cached."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        """Return the current time as text."""
        milliseconds = time.time_ns() // 1_000_000
        second = milliseconds // 1000
        if second != self._second:
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return self._text + FRACTIONS[milliseconds % 1000]


def network(address: str) -> str:
    """Return the network of an address: /24, or /48 for IPv6; "" if it is not an address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network(f"{mapped}/{NETWORK_BITS[mapped.version]}", strict=False))


def _nothing(_: str) -> str:
    return ""


SHOWN: dict[LogAddresses, Callable[[str], str]] = {
    LogAddresses.FULL: str,
    LogAddresses.NETWORK: network,
    LogAddresses.NONE: _nothing,
}


def _json(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _console(fields: dict[str, Any]) -> bytes:
    more = " ".join(f"{name}={fields[name]}" for name in ("code", "user_id", "address", "trace_id") if name in fields)
    return (
        f"{fields['timestamp']} {fields['level']:<7} {fields['method']} {fields['route']} {fields['status']} "
        f"{fields['duration_ms']} ms {more} request_id={fields['request_id']}\n"
    ).encode()
