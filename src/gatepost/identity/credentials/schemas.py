"""JSON of proofs."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel

from gatepost.core.crypto.passwords import LONGEST
from gatepost.http.schemas import In, unusable
from gatepost.identity.factors.methods import Method

# The fields that a proof by each method has.
FIELDS: Mapping[Method, frozenset[str]] = {
    Method.PASSWORD: frozenset({"password"}),
    Method.TOTP: frozenset({"code"}),
    Method.RECOVERY_CODE: frozenset({"code"}),
    Method.EMAIL_CODE: frozenset({"code"}),
    Method.PASSKEY: frozenset({"challenge_id", "credential"}),
}

CurrentPassword = Annotated[
    Annotated[str, Field(max_length=LONGEST)] | None,
    Field(
        repr=False,
        description="The current password. It is not needed within five minutes of a sign-in or of `POST "
        "/api/auth/reauthenticate`, which an account with a second factor, or without a password, has to use.",
        examples=["123456"],
    ),
]


class PasswordProof(In):
    """The current password."""

    password: CurrentPassword = None


def require_fields_of(method: str, request: In) -> None:
    """Let a request pass that has the fields of its method, and none of another method.

    Raises:
        PydanticCustomError: `incomplete_factor`; it has not.
    """
    every = frozenset().union(*FIELDS.values())
    wanted = FIELDS[Method(method)]
    with unusable("incomplete_factor"):
        if {name for name in every if getattr(request, name, None) is not None} != wanted:
            names = " and ".join(to_camel(name) for name in sorted(wanted))
            raise ValueError(f"the method {method} takes {names}, and nothing else")
