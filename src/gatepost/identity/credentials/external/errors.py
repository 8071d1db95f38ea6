"""What can go wrong with accounts at other providers, whoever asks."""

from gatepost.core.errors import Conflict, NotFound, Unauthorized


class ProviderSignInInvalid(Unauthorized):
    """This browser has no sign-in with another provider that could go on: none was begun here, or its time is over, or
    it was used.
    """

    code = "provider_sign_in_invalid"
    title = "Provider sign-in invalid"
    message = "This sign-in has expired. Please start again."


class IdentityLinked(Conflict):
    """The account already has this identity."""

    code = "identity_linked"
    title = "Identity already linked"
    message = "This account is already linked."


class IdentityTaken(Conflict):
    """Another account has this identity. An identity opens one account only."""

    code = "identity_taken"
    title = "Identity taken"
    message = "This account is linked with another user."


class TooManyIdentities(Conflict):
    """The account has as many identities as it may."""

    code = "too_many_identities"
    title = "Too many identities"
    message = "Too many accounts are linked. Unlink one first."


class IdentityNotFound(NotFound):
    """The account has no such identity."""

    code = "identity_not_found"
    title = "Identity not found"
    message = "This linked account does not exist."
