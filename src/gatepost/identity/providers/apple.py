"""What is particular to Apple: a client secret that is a signed token, and a name that comes once, in a form."""

from dataclasses import replace
from datetime import datetime, timedelta

from gatepost.core import strict_json
from gatepost.core.crypto import jose
from gatepost.identity.providers.settings import ProviderSettings

# Apple takes up to six months. One that is made for each request need not outlive it.
SECRET_LIVES = timedelta(minutes=5)
LONGEST_FORM_FIELD = 4096


def client_secret(settings: ProviderSettings, *, now: datetime) -> str:
    """Return a new client secret: a token that the key of our team has signed."""
    if settings.private_key is None or settings.key_id is None:
        raise AssertionError("settings of Apple without a key")
    key = jose.signing_key_from_pem(settings.private_key.get_secret_value().encode(), "ES256")
    claims = {
        "iss": settings.team_id,
        "sub": settings.client_id,
        "aud": settings.address,
        "iat": int(now.timestamp()),
        "exp": int((now + SECRET_LIVES).timestamp()),
    }
    return jose.sign(claims, replace(key, verifying=replace(key.verifying, kid=settings.key_id)), typ="JWT")


def name_in(user: str | None) -> str | None:
    """Return the name in Apple's form field `user`, which is signed by nobody; its address is not read."""
    if user is None or len(user) > LONGEST_FORM_FIELD:
        return None
    try:
        read = strict_json.loads(user.encode("utf-8", "replace"), max_depth=3)
    except strict_json.StrictJsonError:
        return None
    match read:
        case {"name": {**parts}}:
            said = (parts.get("firstName"), parts.get("lastName"))
            return " ".join(part for part in said if isinstance(part, str)).strip() or None
    return None
