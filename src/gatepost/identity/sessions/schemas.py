"""JSON of sessions and refreshes."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from gatepost.core import strict_json
from gatepost.http.schemas import In, Out
from gatepost.identity.sessions.handout import TokenPair
from gatepost.identity.sessions.models import Session

# Long enough for an access token sent by mistake, so that the answer is "not a refresh token" and not "too long".
RefreshTokenText = Annotated[str, Field(max_length=8192)]


class RefreshRequest(In):
    """A refresh token. Leave it out if the cookie carries it."""

    refresh_token: RefreshTokenText | None = Field(default=None, repr=False, examples=["gpr_1.0.h3Zk…"])


def refresh_token_in(body: bytes) -> str | None:
    """Return the refresh token in a body; the rest of the body may be anything."""
    try:
        read = strict_json.loads(body)
    except strict_json.StrictJsonError:
        return None
    token = read.get("refreshToken") if isinstance(read, dict) else None
    return token if isinstance(token, str) else None


class RefreshResponse(Out):
    """The new tokens. A token that came as a cookie goes back as a cookie, and is null here."""

    token_type: Literal["Bearer"]
    access_token: str | None = Field(repr=False, examples=["eyJhbGciOiJFUzI1NiIs…"])
    expires_in: int = Field(description="Seconds.", examples=[86400])
    refresh_token: str | None = Field(repr=False, examples=["gpr_1.1.Qm9v…"])
    refresh_expires_in: int = Field(description="Seconds.", examples=[2592000])

    @classmethod
    def of(cls, tokens: TokenPair, *, with_tokens: bool) -> Self:
        """Build the answer to a refresh."""
        return cls(
            token_type="Bearer",  # noqa: S106  a type, not a token
            access_token=tokens.access_token if with_tokens else None,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token if with_tokens else None,
            refresh_expires_in=tokens.refresh_expires_in,
        )


class SessionResponse(Out):
    """A device that is signed in."""

    id: int = Field(examples=[1])
    is_current: bool = Field(description="Whether this request comes from this session.", examples=[True])
    device: str = Field(description="Browser or app, and operating system.", examples=["Firefox on Ubuntu"])
    user_agent: str = Field(examples=["Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"])
    address: str = Field(examples=["203.0.113.7"])
    created_at: datetime = Field(examples=["2026-01-31T12:00:00Z"])
    last_used_at: datetime = Field(description="Accurate to about a minute.", examples=["2026-01-31T12:00:00Z"])
    expires_at: datetime = Field(
        description="When the session ends unless it is used before.", examples=["2026-03-02T12:00:00Z"]
    )

    @classmethod
    def of(cls, session: Session, *, current: int) -> Self:
        """Show a session to its owner."""
        return cls(
            id=session.id,
            is_current=session.id == current,
            device=session.device,
            user_agent=session.user_agent,
            address=session.address,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
        )


async def shown(pages: AsyncIterator[Sequence[Session]], *, current: int) -> AsyncIterator[list[dict[str, Any]]]:
    """Show sessions page by page, as JSON; `current` is the session of the request."""
    async for page in pages:
        yield [SessionResponse.of(session, current=current).model_dump(mode="json", by_alias=True) for session in page]
