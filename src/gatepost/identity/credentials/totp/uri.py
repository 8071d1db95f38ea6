"""How a secret reaches an authenticator app: an address, and its picture to scan."""

import base64
import io
from urllib.parse import quote, urlencode

import segno

from gatepost.identity.credentials.totp.codes import DIGITS, PERIOD_SECONDS


def secret_text(secret: bytes) -> str:
    """Return a secret as people type it into an app (base32 without padding)."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def otpauth_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """Return the address that apps read: whose code it is, and how it is made."""
    # A colon separates the two, so neither may have one.
    label = ":".join(quote(name.replace(":", " "), safe="") for name in (issuer, account))
    values = {
        "secret": secret_text(secret), "issuer": issuer.replace(":", " "), "algorithm": "SHA1", "digits": DIGITS,
        "period": PERIOD_SECONDS,
    }  # fmt: skip
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"


def qr_svg(uri: str) -> str:
    """Return a QR code as SVG, for within a page: without scripts and styles. It takes some 40 ms."""
    picture = io.BytesIO()
    code = segno.make_qr(uri, error="m")
    code.save(picture, kind="svg", xmldecl=False, svgclass=None, lineclass=None, omitsize=True, light="#fff", nl=False)
    return picture.getvalue().decode("utf-8")
