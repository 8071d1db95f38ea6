"""Errors of requests from clients and other services."""

from gatepost.core.errors import BadRequest, Conflict, NotFound, Unauthorized


class InvalidClient(Unauthorized):
    """The client id or the secret of the resource server is wrong or missing."""

    code = "invalid_client"
    title = "Invalid client"
    message = "The client id or its secret is wrong."
    oauth = "invalid_client"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="gatepost", charset="UTF-8"'})


class ClientExists(Conflict):
    """Another resource server has this client id."""

    code = "client_exists"
    title = "Client exists"
    message = "A client with this id already exists."


class ClientNotFound(NotFound):
    """No resource server has this client id."""

    code = "client_not_found"
    title = "Client not found"
    message = "No client has this id."


class ClientIdInvalid(BadRequest):
    """A client id consists of letters, digits and the characters . _ -, but not only of digits. `gatepost` is taken."""

    code = "client_id_invalid"
    title = "Invalid client id"
    message = "A client id must have 1 to 64 characters: letters, digits and . _ -, not only digits, and not gatepost."


class ClientNameInvalid(BadRequest):
    """The name of a client is empty, too long, or has characters that cannot be printed."""

    code = "client_name_invalid"
    title = "Invalid client name"
    message = "A client's name must have 1 to 255 printable characters."


class NoOpenIdProvider(NotFound):
    """This is where an OpenID Provider has its metadata, but Gatepost is not an OpenID Provider."""

    code = "no_openid_provider"
    title = "No OpenID Provider"
    message = (
        "Gatepost is not an OpenID Provider. Its metadata is at /.well-known/oauth-authorization-server, "
        "and its public keys are at /.well-known/jwks.json."
    )


class UnsupportedGrantType(BadRequest):
    """The token endpoint supports only the grant types `password` and `refresh_token`."""

    code = "unsupported_grant_type"
    title = "Unsupported grant type"
    message = "grant_type must be password or refresh_token."
    oauth = "unsupported_grant_type"


class GrantIncomplete(BadRequest):
    """The form lacks a field that its grant type requires."""

    code = "grant_incomplete"
    title = "Grant incomplete"
    message = "The form lacks a field that this grant_type requires."
