"""The relying party: the RP ID, and the origins that may use its passkeys."""

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fido2.rpid import verify_rp_id

from gatepost.core.origins import APP_SCHEMES, origin_of, parse_origin
from gatepost.core.settings import Settings

# The origin of an Android app: the SHA-256 of its certificate.
ANDROID_APP = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}", re.ASCII)
NEEDS_HTTPS = "browsers support passkeys on https and on http://localhost only"


class UnfitRelyingParty(ValueError):
    """Browsers would refuse it; `setting` names the setting to change."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The RP ID and its origins. Origins are compared exactly, with port and subdomain."""

    id: str
    origins: frozenset[str]

    @property
    def id_hash(self) -> bytes:
        """The hash that authenticators sign."""
        return hashlib.sha256(self.id.encode()).digest()

    @property
    def related_origins(self) -> list[str]:
        """The origins for `/.well-known/webauthn`, on other sites (section 5.11); browsers accept five or more."""
        return sorted(
            origin for origin in self.origins if origin.startswith("https://") and not _may_ask(self.id, origin)
        )


def relying_party(public_url: str, *, rp_id: str | None = None, origins: Iterable[str] = ()) -> RelyingParty:
    """Return the relying party for PUBLIC_URL, PASSKEY_RP_ID and PASSKEY_ORIGINS; it includes the origin of PUBLIC_URL.

    Raises:
        UnfitRelyingParty: browsers would refuse it.
    """
    own = _web_origin(public_url, "PUBLIC_URL")
    name = _host(own) if rp_id is None else _domain(rp_id)
    if not _may_ask(name, own):
        raise UnfitRelyingParty(
            "PASSKEY_RP_ID", "it is neither the host of PUBLIC_URL nor a registrable parent domain of it"
        )
    return RelyingParty(id=name, origins=frozenset({own, *map(_origin, origins)}))


def configured(settings: Settings) -> RelyingParty:
    """Return the relying party of the settings.

    Raises:
        UnfitRelyingParty: browsers would refuse it.
    """
    return relying_party(settings.public_url, rp_id=settings.passkey_rp_id, origins=settings.passkey_origins)


def usable(settings: Settings) -> RelyingParty | None:
    """Return the relying party of the settings; None where browsers would refuse it, as `gatepost doctor` tells."""
    try:
        return configured(settings)
    except UnfitRelyingParty:
        return None


def _may_ask(rp_id: str, origin: str) -> bool:
    """Whether the RP ID is the host of this origin or a registrable parent domain."""
    # The public suffix list does not contain the suffixes of private networks.
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
    """Return the origin of an address, if browsers support passkeys there; only PUBLIC_URL may have a path."""
    try:
        origin = origin_of(address) if setting == "PUBLIC_URL" else parse_origin(address)
    except ValueError as error:
        raise UnfitRelyingParty(setting, str(error)) from None
    host = _host(origin)
    if not _is_name(host):
        raise UnfitRelyingParty(setting, "passkeys need a host name, not an IP address")
    if not verify_rp_id(host, origin):
        raise UnfitRelyingParty(setting, NEEDS_HTTPS)
    return origin


def _domain(text: str) -> str:
    try:
        host = _host(parse_origin(f"https://{text}"))
    except ValueError:
        host = ""
    # `parse_origin` drops the default port and one slash.
    if ":" in text or "/" in text or not _is_name(host):
        raise UnfitRelyingParty("PASSKEY_RP_ID", "it is not a domain such as example.com")
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
