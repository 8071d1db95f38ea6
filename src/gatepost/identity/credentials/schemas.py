"""JSON of proofs."""

from typing import Annotated

from pydantic import Field

from gatepost.core.crypto.passwords import LONGEST
from gatepost.http.schemas import In

CurrentPassword = Annotated[
    Annotated[str, Field(max_length=LONGEST)] | None,
    Field(
        repr=False,
        description="The current password. It is not needed within five minutes of a sign-in or of `POST "
        "/api/auth/reauthenticate`, which an account with a second factor has to use.",
        examples=["123456"],
    ),
]


class PasswordProof(In):
    """The current password."""

    password: CurrentPassword = None
