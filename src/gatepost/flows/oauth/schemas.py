"""The forms and answers of the OAuth endpoints, in OAuth's names, and the revocation feed."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from gatepost.core.crypto.passwords import LONGEST as LONGEST_PASSWORD
from gatepost.core.paging import PAGE
from gatepost.http.schemas import Form, Out
from gatepost.identity.sessions.handout import TokenPair
from gatepost.identity.tokens.revocation_list import RevocationEntry

LONGEST_TOKEN = 8192


class TokenForm(Form):
    """The form of RFC 6749, sections 4.3.2 and 6."""

    grant_type: str = Field(min_length=1, max_length=64, examples=["password"])
    username: str | None = Field(default=None, max_length=320, examples=["Abbey Salami"])
    password: str | None = Field(default=None, max_length=LONGEST_PASSWORD, repr=False, examples=["123456"])
    refresh_token: str | None = Field(default=None, max_length=8192, repr=False)


class TokenAnswer(BaseModel):
    """The answer of RFC 6749, section 5.1."""

    access_token: str = Field(repr=False, examples=["eyJhbGciOiJFUzI1NiIs…"])
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.", examples=[86400])
    refresh_token: str = Field(repr=False, examples=["gpr_1.0.h3Zk…"])

    @classmethod
    def of(cls, tokens: TokenPair) -> Self:
        """Answer a grant."""
        return cls(
            access_token=tokens.access_token,
            token_type="Bearer",  # noqa: S106  a type, not a token
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
        )


class TokenInForm(Form):
    """One token, and the credentials of the client."""

    token: str = Field(min_length=1, max_length=LONGEST_TOKEN, repr=False, examples=["eyJhbGciOiJFUzI1NiIs…"])
    token_type_hint: str | None = Field(default=None, max_length=64, description="Accepted, but not needed.")
    client_id: str | None = Field(default=None, max_length=64, description="Instead of HTTP Basic.")
    client_secret: str | None = Field(default=None, max_length=255, repr=False)


class IntrospectionAnswer(BaseModel):
    """RFC 7662, section 2.2. For an invalid token, only `active`."""

    model_config = ConfigDict(extra="allow")

    active: bool = Field(examples=[True])


class RevocationOut(Out):
    """A reason to refuse access tokens: a session has ended, an account has changed, or an account id was given away
    anew.
    """

    id: int = Field(examples=[41])
    session_id: int | None = Field(description="The `sid` whose access tokens are revoked.", examples=[7])
    user_id: int | None = Field(description="The `sub`.", examples=[1])
    min_token_version: int | None = Field(description="The lowest `ver` that is still valid.", examples=[None])
    random_id: str | None = Field(
        description="The `rid` of the account that now has this `sub`. Tokens with another `rid` are revoked.",
        examples=[None],
    )
    issued_before: datetime | None = Field(
        description="Every access token with an earlier `iat` is revoked.", examples=[None]
    )
    expires_at: datetime = Field(description="When the entry can be dropped.", examples=["2026-02-01T12:00:00Z"])

    @classmethod
    def of(cls, line: RevocationEntry) -> Self:
        """Publish an entry."""
        return cls(
            id=line.id,
            session_id=line.session_id,
            user_id=line.user_id,
            min_token_version=line.min_token_version,
            random_id=line.random_id,
            issued_before=line.issued_before,
            expires_at=line.expires_at,
        )


async def shown(lines: Sequence[RevocationEntry]) -> AsyncIterator[list[dict[str, Any]]]:
    """Publish entries page by page, as JSON: there may be a million."""
    for start in range(0, len(lines), PAGE):
        page = lines[start : start + PAGE]
        yield [RevocationOut.of(line).model_dump(mode="json", by_alias=True) for line in page]


class RevocationFeedAnswer(Out):
    """The entries of the feed after the requested one."""

    after: int = Field(description="Send this with the next request. Entries may come twice.", examples=[40])
    mark: str | None = Field(
        description="Send this with `after`. It shows whether the database was restored to an earlier state.",
        examples=["9f86d081884c7d65"],
    )
    is_complete: bool = Field(
        description="Whether this is the whole feed, so that all other entries can be dropped.", examples=[True]
    )
    revocations: list[RevocationOut]


class AuthorizationServerMetadata(BaseModel):
    """RFC 8414, section 2."""

    issuer: str = Field(examples=["http://localhost:8080"])
    token_endpoint: str = Field(examples=["http://localhost:8080/api/auth/token"])
    jwks_uri: str = Field(examples=["http://localhost:8080/.well-known/jwks.json"])
    introspection_endpoint: str = Field(examples=["http://localhost:8080/oauth/introspect"])
    introspection_endpoint_auth_methods_supported: list[str] = Field(
        examples=[["client_secret_basic", "client_secret_post"]]
    )
    revocation_endpoint: str = Field(examples=["http://localhost:8080/oauth/revoke"])
    revocation_endpoint_auth_methods_supported: list[str] = Field(examples=[["none"]])
    token_endpoint_auth_methods_supported: list[str] = Field(examples=[["none"]])
    grant_types_supported: list[str] = Field(examples=[["password", "refresh_token"]])
    response_types_supported: list[str] = Field(examples=[[]])
    service_documentation: str = Field(examples=["http://localhost:8080/docs"])
    gatepost_revocations_endpoint: str = Field(
        description="The revocation feed; not part of RFC 8414.",
        examples=["http://localhost:8080/api/auth/revocations"],
    )
    gatepost_audience: str = Field(
        description="The `aud` of access tokens; not part of RFC 8414.", examples=["gatepost"]
    )
