"""What can go wrong with the request of a client, or of another service."""

from gatepost.core.errors import BadRequest, Conflict, NotFound, Unauthorized


class InvalidClient(Unauthorized):
    """The resource server did not prove who it is."""

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
    message = "There is a client with this id already."


class ClientNotFound(NotFound):
    """No resource server has this client id."""

    code = "client_not_found"
    title = "Client not found"
    message = "There is no client with this id."


class ClientIdInvalid(BadRequest):
    """A client id has letters, digits and . _ - alone."""

    code = "client_id_invalid"
    title = "Invalid client id"
    message = "A client id has 1 to 64 letters, digits and . _ - alone."


class ClientNameInvalid(BadRequest):
    """The name of a client is for people to read in a list."""

    code = "client_name_invalid"
    title = "Invalid client name"
    message = "A client's name has 1 to 255 printable characters."


class NoOpenIdProvider(NotFound):
    """The address is that of an OpenID Provider's metadata, and Gatepost is none."""

    code = "no_openid_provider"
    title = "No OpenID Provider"
    message = (
        "Gatepost is not an OpenID Provider. Its metadata is at /.well-known/oauth-authorization-server, "
        "and its public keys are at /.well-known/jwks.json."
    )


class UnsupportedGrantType(BadRequest):
    """The token endpoint knows `password` and `refresh_token`."""

    code = "unsupported_grant_type"
    title = "Unsupported grant type"
    message = "grant_type must be password or refresh_token."
    oauth = "unsupported_grant_type"


class GrantIncomplete(BadRequest):
    """The form lacks a field that its grant type needs."""

    code = "grant_incomplete"
    title = "Grant incomplete"
    message = "The form lacks a field that this grant_type needs."
