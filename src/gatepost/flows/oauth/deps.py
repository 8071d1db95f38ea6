"""Dependencies of the routes for other services."""

import base64
import binascii
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from gatepost.flows.oauth.errors import InvalidClient
from gatepost.flows.oauth.introspection import TokenIntrospection
from gatepost.flows.oauth.service import ClientService
from gatepost.http.deps import provided
from gatepost.http.openapi import RESOURCE_SERVER_SCHEME
from gatepost.identity.sessions.revocation import RevocationFeed

ClientServiceDep = Annotated[ClientService, Depends(provided(ClientService))]
TokenIntrospectionDep = Annotated[TokenIntrospection, Depends(provided(TokenIntrospection))]
FeedDep = Annotated[RevocationFeed, Depends(provided(RevocationFeed))]
BASIC = "basic "


class ResourceServerScheme(SecurityBase):
    """Authenticates a resource server with HTTP Basic, or with form fields (RFC 6749, section 2.3.1)."""

    def __init__(self) -> None:
        self.model = HTTPBase(
            scheme="basic", description="The credentials of a resource server, from `gatepost clients add`."
        )
        self.scheme_name = RESOURCE_SERVER_SCHEME

    async def __call__(self, request: Request, clients: ClientServiceDep) -> None:
        """Check the credentials.

        Raises:
            InvalidClient: they are missing or wrong.
        """
        client_id, secret = _of_header(request.headers.get("authorization", "")) or await _of_form(request)
        await clients.authenticate(client_id, secret)


resource_server = ResourceServerScheme()


def _of_header(authorization: str) -> tuple[str, str] | None:
    if authorization[: len(BASIC)].lower() != BASIC:
        return None
    try:
        text = base64.b64decode(authorization[len(BASIC) :], validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient from error
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


async def _of_form(request: Request) -> tuple[str, str]:
    if request.method != "POST":
        raise InvalidClient
    form = await request.form()
    client_id, secret = form.get("client_id"), form.get("client_secret")
    if not isinstance(client_id, str) or not isinstance(secret, str):
        raise InvalidClient
    return client_id, secret
