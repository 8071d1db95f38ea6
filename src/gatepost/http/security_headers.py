"""The headers that make browsers careful with every answer; a route that sends one of these itself keeps its own."""

from gatepost.core.settings import Settings

RawHeaders = tuple[tuple[bytes, bytes], ...]

# For what is data and no page: nothing in it runs, and no frame shows it.
DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'"
CONTENT_SECURITY_POLICY = (b"content-security-policy", DATA_POLICY)
# None of these hinders a page of another origin that CORS lets in: what CORS allows, they do not look at.
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
# RFC 6749, section 5.1, wants both.
NO_STORE: RawHeaders = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
# What a route may say otherwise.
OURS = frozenset(name for name, _ in (*ALWAYS, TRANSPORT, *NO_STORE))


def security_headers(settings: Settings) -> RawHeaders:
    """Return the headers of every answer; HTTPS is asked for where the service is reached by it."""
    is_by_https = settings.in_production and settings.public_url.startswith("https:")
    return (*ALWAYS, TRANSPORT) if is_by_https else ALWAYS
