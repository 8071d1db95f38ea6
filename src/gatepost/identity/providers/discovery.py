"""What a provider says of itself: OpenID Connect Discovery 1.0, and RFC 8414 where it has only that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gatepost.core.origins import origin_of
from gatepost.identity.providers.provider import ProviderUnavailable
from gatepost.identity.providers.remote import Remote, json_of

NOT_FOUND = 404
S256 = "S256"
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where the provider has what we need, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    uses_basic: bool
    names_issuer_in_answer: bool


async def discover(remote: Remote, issuer: str, *, expected: str | None = None) -> Metadata:
    """Read the metadata of an issuer. They have to name that issuer, or `expected`, to the letter.

    Raises:
        ProviderUnavailable: there are none, or none that can be used; the message says why.
    """
    base = issuer.rstrip("/")
    where = f"{base}/.well-known/openid-configuration"
    answer = await remote.ask(where)
    if answer.status == NOT_FOUND:
        where = f"{origin_of(issuer)}/.well-known/oauth-authorization-server{urlsplit(base).path}"
        answer = await remote.ask(where)
    found = json_of(answer)
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{where} is not a JSON object")
    if found.get("issuer") != (expected or issuer):
        raise ProviderUnavailable(f"{where} names another issuer than {expected or issuer}")
    methods = found.get("code_challenge_methods_supported")
    if isinstance(methods, list) and S256 not in methods:
        raise ProviderUnavailable(f"{where} offers no PKCE with S256")
    return Metadata(
        issuer=found["issuer"],
        authorization_endpoint=_address(found, "authorization_endpoint", where, issuer),
        token_endpoint=_address(found, "token_endpoint", where, issuer),
        jwks_uri=_address(found, "jwks_uri", where, issuer),
        userinfo_endpoint=_address(found, "userinfo_endpoint", where, issuer) if "userinfo_endpoint" in found else None,
        uses_basic=_uses_basic(found, where),
        names_issuer_in_answer=found.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(found: Mapping[str, Any], name: str, where: str, issuer: str) -> str:
    """Return an address in the metadata: https, or of the same origin as the issuer."""
    text = found.get(name)
    if not isinstance(text, str):
        raise ProviderUnavailable(f"{where} has no {name}")
    try:
        origin = origin_of(text)
    except ValueError as error:
        raise ProviderUnavailable(f"{name} in {where} cannot be used: {error}") from None
    if "#" in text or not (origin.startswith("https://") or origin == origin_of(issuer)):
        raise ProviderUnavailable(f"{name} in {where} cannot be used: it is not https, or has a fragment")
    return text


def _uses_basic(found: Mapping[str, Any], where: str) -> bool:
    # RFC 8414, section 2: without a word it is client_secret_basic.
    methods = found.get("token_endpoint_auth_methods_supported", [BASIC])
    if not isinstance(methods, list) or not {BASIC, POST} & {method for method in methods if isinstance(method, str)}:
        raise ProviderUnavailable(f"{where} offers neither {BASIC} nor {POST}")
    return BASIC in methods
