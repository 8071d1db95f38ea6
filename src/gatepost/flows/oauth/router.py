"""The routes for other services: introspection, revocation, the revocation feed, metadata."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Header, Query, Response, status

from gatepost.core.ids import LARGEST_ID
from gatepost.core.settings import Settings
from gatepost.flows.oauth.deps import FeedDep, TokenIntrospectionDep, resource_server
from gatepost.flows.oauth.errors import InvalidClient, NoOpenIdProvider
from gatepost.flows.oauth.schemas import (
    AuthorizationServerMetadata,
    IntrospectionAnswer,
    RevocationFeedAnswer,
    TokenInForm,
    shown,
)
from gatepost.http.deps import RequestInfoDep, provided
from gatepost.http.openapi import problems
from gatepost.http.pieces import json_object
from gatepost.identity.keys.ring import PUBLISHED_SECONDS
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.tokens.errors import RevocationUnknown

router = APIRouter(tags=["for other services"])

# Shorter than the time that open requests get when the service stops.
LONGEST_WAIT_SECONDS = 5

AfterQuery = Annotated[int, Query(ge=0, le=LARGEST_ID, description="`after` of the last answer.", examples=[0])]
MarkQuery = Annotated[
    str | None, Query(max_length=64, description="`mark` of the last answer.", examples=["9f86d081884c7d65"])
]
WaitQuery = Annotated[
    float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for a change.", examples=[5])
]
IfNoneMatch = Annotated[str | None, Header(max_length=255, description="The ETag of the last answer.")]


@router.post(
    "/oauth/introspect",
    summary="Introspect an access token (RFC 7662)",
    dependencies=[Depends(resource_server)],
    responses=problems(InvalidClient, RevocationUnknown),
)
async def introspect(form: Annotated[TokenInForm, Form()], desk: TokenIntrospectionDep) -> IntrospectionAnswer:
    """For services that do not verify tokens themselves. Refresh tokens are never `active`."""
    return IntrospectionAnswer(**await desk.introspect(form.token))


@router.post("/oauth/revoke", summary="Revoke a token (RFC 7009)")
async def revoke(form: Annotated[TokenInForm, Form()], desk: TokenIntrospectionDep, info: RequestInfoDep) -> Response:
    """End the session of a refresh token or an access token. The answer is always 200, even if the token is unknown."""
    await desk.revoke(form.token, info=info)
    return Response(status_code=status.HTTP_200_OK)


@router.get(
    "/api/auth/revocations",
    summary="Read the revocation feed",
    response_model=RevocationFeedAnswer,
    dependencies=[Depends(resource_server)],
    responses=problems(InvalidClient, RevocationUnknown) | {304: {"description": "Nothing has changed."}},
)
async def revocations(
    feed: FeedDep,
    after: AfterQuery = 0,
    wait: WaitQuery = 0,
    mark: MarkQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """For services that verify tokens themselves: poll it every second, or wait for a change with `wait`.

    Send the `after` and `mark` of the last answer, and its ETag. An entry may come twice, but never late.
    """
    answer, etag = _feed_after(feed, after, mark=mark)
    if wait and etag == if_none_match:
        await feed.wait_for_change(wait)
        answer, etag = _feed_after(feed, after, mark=mark)
    if etag == if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
    return await json_object(answer, headers={"ETag": etag})


@router.get(
    "/.well-known/oauth-authorization-server",
    summary="Authorization server metadata (RFC 8414)",
    response_model_exclude_none=True,
)
async def metadata(
    response: Response, settings: Annotated[Settings, Depends(provided(Settings))]
) -> AuthorizationServerMetadata:
    """Everything that a client or a resource server can find out from the issuer's URL."""
    response.headers["Cache-Control"] = f"public, max-age={PUBLISHED_SECONDS}"
    base = settings.base_url
    return AuthorizationServerMetadata(
        issuer=settings.public_url,
        token_endpoint=f"{base}/api/auth/token",
        jwks_uri=f"{base}/.well-known/jwks.json",
        introspection_endpoint=f"{base}/oauth/introspect",
        introspection_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
        revocation_endpoint=f"{base}/oauth/revoke",
        revocation_endpoint_auth_methods_supported=["none"],
        token_endpoint_auth_methods_supported=["none"],
        grant_types_supported=["password", "refresh_token"],
        response_types_supported=[],
        service_documentation=f"{base}/docs",
        gatepost_revocations_endpoint=f"{base}/api/auth/revocations",
        gatepost_audience=settings.jwt_audience,
    )


@router.get("/.well-known/openid-configuration", include_in_schema=False)
async def openid_configuration() -> None:
    """Answer 404 with an explanation: libraries look here first."""
    raise NoOpenIdProvider


def _feed_after(feed: RevocationFeed, after: int, *, mark: str | None) -> tuple[dict[str, Any], str]:
    if feed.is_stale():
        raise RevocationUnknown
    lines, is_complete = feed.lines_for(after, mark=mark)
    # After a restore, an id alone may belong to another entry.
    said = " ".join(
        f"{line.id}.{line.session_id}.{line.user_id}.{line.min_token_version}.{line.random_id}" for line in lines
    )
    digest = hashlib.sha256(f"{mark} {said}".encode()).hexdigest()[:16]
    answer = {
        # All entries up to here are known. Earlier ids than the latest may still appear, so clients read those again.
        "after": feed.anchor.id if feed.anchor is not None else 0,
        "mark": feed.anchor.mark if feed.anchor is not None else None,
        "isComplete": is_complete,
        "revocations": shown(lines),
    }
    return answer, f'"{after}-{digest}"'
