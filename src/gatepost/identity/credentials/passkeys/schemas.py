"""JSON of challenges and of responses to them, wherever one is taken."""

from typing import Annotated, Any, Self

from pydantic import Field

from gatepost.http.schemas import Out
from gatepost.identity.credentials.passkeys.options import Asked

# The engine reads it (`responses.py`), and says of whatever is wrong the same.
Credential = Annotated[
    dict[str, Any],
    Field(
        description="What `PublicKeyCredential.toJSON()` returns.",
        examples=[{"id": "kS3Zt0qf", "rawId": "kS3Zt0qf", "type": "public-key", "response": {}}],
    ),
]
ChallengeId = Annotated[
    str,
    Field(min_length=1, max_length=64, description="From the options; works once.", examples=["5nGz2V8m1kQ"]),
]


class OptionsResponse(Out):
    """What to call a browser with."""

    challenge_id: str = Field(description="For the answer, within ten minutes.", examples=["5nGz2V8m1kQ"])
    public_key: dict[str, Any]

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """Show what is asked."""
        challenge_id, public_key = asked
        return cls(challenge_id=challenge_id, public_key=public_key)


class RequestOptionsResponse(OptionsResponse):
    """What to call `navigator.credentials.get()` with, by `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    public_key: dict[str, Any] = Field(examples=[{"challenge": "…", "rpId": "example.com"}])


class CreationOptionsResponse(OptionsResponse):
    """What to call `navigator.credentials.create()` with, by `PublicKeyCredential.parseCreationOptionsFromJSON()`."""

    public_key: dict[str, Any] = Field(examples=[{"challenge": "…", "rp": {"id": "example.com"}}])
