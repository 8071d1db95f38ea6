"""The security headers of every answer. If a route sends one of them itself, its own value is kept."""

from gatepost.core.settings import Settings

RawHeaders = tuple[tuple[bytes, bytes], ...]

# For data: nothing in it is executed, and it cannot be framed.
DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'"
CONTENT_SECURITY_POLICY = (b"content-security-policy", DATA_POLICY)
# None of these affects pages of other origins that CORS allows.
ALWAYS: RawHeaders = (
    CONTENT_SECURITY_POLICY,
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
# RFC 6749, section 5.1, requires both.
NO_STORE: RawHeaders = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
# The headers that a route may override.
OURS = frozenset(name for name, _ in (*ALWAYS, TRANSPORT, *NO_STORE))


def security_headers(settings: Settings) -> RawHeaders:
    """Return the headers of every answer; HSTS is included if production uses https."""
    is_by_https = settings.in_production and settings.public_url.startswith("https:")
    return (*ALWAYS, TRANSPORT) if is_by_https else ALWAYS
