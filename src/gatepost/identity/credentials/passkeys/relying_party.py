"""For whom passkeys are made: the RP ID, and the origins whose pages may ask for them."""

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fido2.rpid import verify_rp_id

from gatepost.core.origins import APP_SCHEMES, origin_of, parse_origin

# How Android names an app: the SHA-256 of its certificate.
ANDROID_APP = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}", re.ASCII)
NEEDS_HTTPS = "browsers have passkeys on https, and on http://localhost alone"


class UnfitRelyingParty(ValueError):
    """No browser would take it; `setting` names what has to be changed."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks. An origin is compared as a whole, so no port and no subdomain is let in that is not named."""

    id: str
    origins: frozenset[str]

    @property
    def id_hash(self) -> bytes:
        """What authenticators sign instead of the RP ID."""
        return hashlib.sha256(self.id.encode()).digest()

    @property
    def related_origins(self) -> list[str]:
        """The origins for `/.well-known/webauthn`: pages of other sites (section 5.11); browsers take five sites."""
        return sorted(
            origin for origin in self.origins if origin.startswith("https://") and not _may_ask(self.id, origin)
        )


def relying_party(public_url: str, *, rp_id: str | None = None, origins: Iterable[str] = ()) -> RelyingParty:
    """Return who asks, from PUBLIC_URL, PASSKEY_RP_ID and PASSKEY_ORIGINS; the service's own origin is always one.

    Raises:
        UnfitRelyingParty: browsers refuse it, or would refuse every request.
    """
    own = _web_origin(public_url, "PUBLIC_URL")
    name = _host(own) if rp_id is None else _domain(rp_id)
    if not _may_ask(name, own):
        raise UnfitRelyingParty(
            "PASSKEY_RP_ID", "it is neither the host of PUBLIC_URL nor a domain above it that somebody can register"
        )
    return RelyingParty(id=name, origins=frozenset({own, *map(_origin, origins)}))


def _may_ask(rp_id: str, origin: str) -> bool:
    """Whether browsers let a page of this origin ask by itself: the RP ID is its host, or registrable and above it."""
    # The list of public suffixes does not have those that only a company's own network knows.
    return (rp_id == _host(origin) or "." in rp_id) and verify_rp_id(rp_id, origin)


def _origin(text: str) -> str:
    if ANDROID_APP.fullmatch(text):
        return text
    if text.partition("://")[0].lower() not in APP_SCHEMES:
        return _web_origin(text, "PASSKEY_ORIGINS")
    try:
        return parse_origin(text)
    except ValueError as error:
        raise UnfitRelyingParty("PASSKEY_ORIGINS", str(error)) from None


def _web_origin(address: str, setting: str) -> str:
    """Return the origin of an address where browsers have passkeys; of PUBLIC_URL a path is left out."""
    try:
        origin = origin_of(address) if setting == "PUBLIC_URL" else parse_origin(address)
    except ValueError as error:
        raise UnfitRelyingParty(setting, str(error)) from None
    host = _host(origin)
    if not _is_name(host):
        raise UnfitRelyingParty(setting, "passkeys belong to a host with a name, not to an address")
    if not verify_rp_id(host, origin):
        raise UnfitRelyingParty(setting, NEEDS_HTTPS)
    return origin


def _domain(text: str) -> str:
    try:
        host = _host(parse_origin(f"https://{text}"))
    except ValueError:
        host = ""
    # A port would be dropped; `parse_origin` has refused a path.
    if ":" in text or "/" in text or not _is_name(host):
        raise UnfitRelyingParty("PASSKEY_RP_ID", "it is no domain such as example.com")
    return host


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _is_name(host: str) -> bool:
    if not host or host.endswith("."):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False
