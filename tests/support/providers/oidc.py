"""A fake OpenID Provider, and those of Google, Microsoft and Apple."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatepost.core.crypto import base64url
from tests.support.providers.fake import Authorization, FakeProvider, Fault, as_json
from tests.support.providers.keys import SigningKey, unsigned
from tests.support.server import address, free_port, served

TOKEN_LIVES = timedelta(minutes=10)
OTHER_ISSUER = "https://evil.example"
# In userinfo, and in the ID token only with `puts_profile_in_token`.
PROFILE = ("email", "email_verified", "name", "preferred_username")


@dataclass
class FakeOidc(FakeProvider):
    """An OpenID Provider whose issuer is `base`.

    `metadata` and `claims` are put over what it says of itself and in ID tokens; None leaves a member out.
    """

    key: SigningKey = field(default_factory=SigningKey)
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    puts_profile_in_token: bool = True
    published: list[dict[str, Any]] | None = None

    @property
    def issuer(self) -> str:
        """The issuer in its ID tokens."""
        return self.base

    def rotate(self, algorithm: str | None = None) -> None:
        """Sign by a new key, which is published at once."""
        self.key = SigningKey(algorithm or self.key.algorithm)

    def routes(self) -> list[Route]:
        """Return the routes of an OpenID Provider below its issuer."""
        path = urlsplit(self.base).path
        return [
            Route(f"{path}/.well-known/openid-configuration", self._metadata),
            Route(f"{path}/authorize", self.authorize),
            Route(f"{path}/token", self._token, methods=["POST"]),
            Route(f"{path}/userinfo", self._userinfo),
            Route(f"{path}/jwks", self._jwks),
        ]

    def issuer_in_answer(self) -> dict[str, str]:
        """Return `iss` (RFC 9207), unless a fault leaves it out or exchanges it."""
        if self.fault is Fault.NO_ISSUER_IN_ANSWER:
            return {}
        return {"iss": OTHER_ISSUER if self.fault is Fault.OTHER_ISSUER_IN_ANSWER else self.issuer}

    def id_token(self, authorization: Authorization, access_token: str) -> str:
        """Return the ID token of an authorization."""
        now = int(self.now().timestamp())
        hash_of = {"ES384": hashlib.sha384, "EdDSA": hashlib.sha512}.get(self.key.algorithm, hashlib.sha256)
        digest = hash_of(access_token.encode()).digest()
        person = authorization.person
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + int(TOKEN_LIVES.total_seconds()),
            "auth_time": int(authorization.signed_in_at.timestamp()),
            "nonce": authorization.parameters.get("nonce"),
            "at_hash": base64url.encode(digest[: len(digest) // 2]),
            **{name: person[name] for name in person if self.puts_profile_in_token or name not in PROFILE},
        } | self.claims
        claims |= self._faulty(now)
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.fault is Fault.UNSIGNED:
            return unsigned(claims)
        if self.fault is Fault.SIGNED_AS_SECRET:
            return self.key.sign_as_secret(claims)
        if self.fault is Fault.FOREIGN_KEY:
            other = SigningKey(self.key.algorithm, number=2)
            other.kid = self.key.kid
            return other.sign(claims)
        return self.key.sign(claims)

    def _faulty(self, now: int) -> dict[str, Any]:
        match self.fault:
            case Fault.WRONG_NONCE:
                return {"nonce": "another"}
            case Fault.NO_NONCE:
                return {"nonce": None}
            case Fault.WRONG_ISSUER:
                return {"iss": OTHER_ISSUER}
            case Fault.WRONG_AUDIENCE:
                return {"aud": "another"}
            case Fault.EXPIRED:
                return {"iat": now - 7200, "exp": now - 3600}
            case Fault.FROM_THE_FUTURE:
                return {"iat": now + 3600, "exp": now + 7200}
            case Fault.WRONG_ACCESS_TOKEN_HASH:
                return {"at_hash": base64url.encode(b"x" * 16)}
            case Fault.NO_SUBJECT:
                return {"sub": None}
        return {}

    async def _metadata(self, _: Request) -> Response:
        says = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "jwks_uri": f"{self.base}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata
        return JSONResponse({name: value for name, value in says.items() if value is not None})

    async def _token(self, request: Request) -> Response:
        redeemed = await self.redeem(request)
        if isinstance(redeemed, Response):
            return redeemed
        authorization, access_token = redeemed
        return JSONResponse({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self.id_token(authorization, access_token),
        })  # fmt: skip

    async def _userinfo(self, request: Request) -> Response:
        authorization = self.bearer(request)
        if authorization is None:
            return JSONResponse({"error": "invalid_token"}, 401)
        subject = {"sub": "somebody else"} if self.fault is Fault.OTHER_SUBJECT else {}
        return JSONResponse(authorization.person | subject)

    async def _jwks(self, request: Request) -> Response:
        self.requests.append((request.url.path, {}))
        return JSONResponse({"keys": self.published if self.published is not None else [self.key.jwk()]})


def google(**options: Any) -> FakeOidc:
    """Return Google: a profile in the ID token, `hd` for Workspace, no `iss` in answers, both ways to authenticate."""
    return FakeOidc(
        "https://accounts.google.com",
        key=SigningKey("RS256"),
        metadata={"authorization_response_iss_parameter_supported": None},
        **{"person": {"sub": "110169484474386276334", "email": "jane@gmail.com", "email_verified": True}} | options,
    )


@dataclass
class FakeMicrosoft(FakeOidc):
    """Microsoft for several tenants: one issuer in the metadata, with a gap; one in each token, of its tenant.

    Its keys say for which issuer they are, and not for which algorithm.
    """

    base: str = "https://login.microsoftonline.com/common/v2.0"
    key: SigningKey = field(default_factory=lambda: SigningKey("RS256"))
    tenant: str = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    key_issuer: str = "https://login.microsoftonline.com/{tenantid}/v2.0"

    @property
    def issuer(self) -> str:
        """The issuer in the tokens of a tenant."""
        return f"https://login.microsoftonline.com/{self.tenant}/v2.0"

    def issuer_in_answer(self) -> dict[str, str]:
        """Return nothing: Microsoft has no `iss` in its answers."""
        return {}

    def id_token(self, authorization: Authorization, access_token: str) -> str:
        """Return an ID token with the tenant."""
        authorization.person = {"tid": self.tenant, "ver": "2.0"} | authorization.person
        return super().id_token(authorization, access_token)

    async def _metadata(self, request: Request) -> Response:
        gap = "https://login.microsoftonline.com/{tenantid}/v2.0"
        is_common = urlsplit(self.base).path.split("/")[1] in ("common", "organizations")
        self.metadata = {
            "issuer": gap if is_common else self.base,
            "code_challenge_methods_supported": None,
            "authorization_response_iss_parameter_supported": None,
        } | self.metadata
        return await super()._metadata(request)

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.jwk(alg=None, issuer=self.key_issuer)]})


@dataclass
class FakeApple(FakeOidc):
    """Apple: a form as its answer, a name only the first time, and a client secret that our team's key has signed."""

    base: str = "https://appleid.apple.com"
    key: SigningKey = field(default_factory=lambda: SigningKey("RS256"))
    team_id: str = "TEAM123456"
    team_key: SigningKey = field(default_factory=SigningKey)
    has_seen: bool = False

    def issuer_in_answer(self) -> dict[str, str]:
        """Return nothing: Apple has no `iss` in its answers."""
        return {}

    def more_in_answer(self) -> dict[str, str]:
        """Return the name, the first time."""
        if self.has_seen:
            return {}
        self.has_seen = True
        return {"user": as_json({"name": {"firstName": "Jane", "lastName": "Doe"}, "email": "forged@example.com"})}

    def knows(self, request: Request, form: dict[str, str]) -> bool:
        """Whether the secret is a token of the team, for this client, that lives for six months at most."""
        try:
            claims = jwt.decode(
                form.get("client_secret", ""),
                self.team_key.private.public_key(),
                ["ES256"],
                audience=self.base,
                issuer=self.team_id,
                subject=self.client_id,
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return False
        now = self.now().timestamp()
        is_timely = claims["iat"] <= now < claims["exp"] <= now + timedelta(days=180).total_seconds()
        named = jwt.get_unverified_header(form["client_secret"])["kid"] == self.team_key.kid
        return is_timely and named and form.get("client_id") == self.client_id

    async def _metadata(self, request: Request) -> Response:
        self.metadata = {
            "userinfo_endpoint": None,
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "code_challenge_methods_supported": None,
            "authorization_response_iss_parameter_supported": None,
        } | self.metadata
        return await super()._metadata(request)


@asynccontextmanager
async def upstream(**options: Any) -> AsyncIterator[FakeOidc]:
    """Serve an OpenID Provider on a free port of this machine, for browsers and servers; its `base` is the issuer."""
    with free_port() as listener:
        provider = FakeOidc(address(listener), **options)
        async with served(provider, listener):
            yield provider


def providers_file(folder: Path, **providers: FakeOidc) -> Path:
    """Write a PROVIDERS_FILE with these providers, each under its name; any issuer will do, and addresses are believed.

    Names in Python have no hyphen: `a_b` becomes `a-b`.
    """
    path = folder / "providers.toml"
    tables = [
        f'[providers.{name.replace("_", "-")}]\nkind = "oidc"\nissuer = "{provider.base}"\ntrusts_email = true\n'
        f'client_id = "{provider.client_id}"\nclient_secret = "{provider.client_secret}"\n'
        for name, provider in providers.items()
    ]
    path.write_text("\n".join(tables), encoding="utf-8")
    path.chmod(0o600)
    return path
