"""One-time codes of RFC 4226 and RFC 6238: SHA-1, six digits, thirty seconds, which every app has."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime

SECRET_BYTES = 20
DIGITS = 6
PERIOD_SECONDS = 30
# RFC 6238, section 5.2: for clocks that are wrong, and for people who type slowly.
TOLERANCE = 1
CODE = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> bytes:
    """Return a new secret, as long as the hash is (RFC 4226, section 4)."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step: HOTP with the step as its counter (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_at(moment: datetime) -> int:
    """Return the step of a moment."""
    return int(moment.timestamp()) // PERIOD_SECONDS


def matching_step(secret: bytes, typed: str, *, now: datetime) -> int | None:
    """Return the last step around now whose code was typed, with spaces and hyphens as people write them."""
    code = "".join(typed.split()).replace("-", "")
    if not CODE.fullmatch(code):
        return None
    current = step_at(now)
    steps = range(max(0, current - TOLERANCE), current + TOLERANCE + 1)
    # All are compared, so that the time tells nothing.
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]
    return max(fitting, default=None)
