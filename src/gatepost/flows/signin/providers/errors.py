"""What can go wrong on the way to another provider and back."""

from gatepost.core.errors import Conflict, Invalid, NotFound, Unavailable


class ProviderUnknown(NotFound):
    """No provider of this name is set up."""

    code = "provider_unknown"
    title = "Provider unknown"
    message = "This provider is not available here."


class ProviderUnreachable(Unavailable):
    """The provider does not answer, or answers with something else. The log of the service says more."""

    code = "provider_unavailable"
    title = "Provider unavailable"
    message = "This provider cannot be reached at the moment. Please try again later, or sign in another way."


class ReturnAddressInvalid(Invalid):
    """`returnTo` is neither a path of the service, nor an address of an allowed origin (CORS_ORIGINS)."""

    code = "return_address_invalid"
    title = "Invalid return address"
    message = "The return address is not allowed."


class AccountExists(Conflict):
    """An account has the address that the provider vouches for, and is not linked with it.

    `provider`, `title` and `email` say with what. Sign in as before; `POST /api/users/me/identities` then links them.
    """

    code = "account_exists"
    title = "Account exists"
    message = "There is already an account with this e-mail address. Sign in as before to link it."

    def __init__(self, *, provider: str, title: str, email: str) -> None:
        super().__init__()
        self.members = {"provider": provider, "title": title, "email": email}


class EmailNeeded(Conflict):
    """The provider has given no address, or does not vouch for it: it has to be proved first.

    `POST /api/auth/providers/email` sends a code to an address, and `POST /api/auth/providers/signup` takes it.
    `email`, if there is one, is what the provider has given.
    """

    code = "email_needed"
    title = "E-mail address needed"
    message = "Please give your e-mail address, and confirm it with the code that we send you."

    def __init__(self, *, provider: str, title: str, email: str | None) -> None:
        super().__init__()
        self.members = {"provider": provider, "title": title} | ({"email": email} if email is not None else {})
