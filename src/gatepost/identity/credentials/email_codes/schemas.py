"""JSON of codes by mail."""

from typing import Self

from pydantic import Field

from gatepost.http.schemas import MessageResponse
from gatepost.identity.credentials.email_codes.method import RESEND_AFTER


class CodeSentResponse(MessageResponse):
    """A message for the user. A new code makes the one void that may be on its way."""

    resend_after: int = Field(description="Seconds to wait for the mail before another one.", examples=[60])

    @classmethod
    def of(cls, message: str) -> Self:
        """Answer with a message."""
        return cls(message=message, resend_after=int(RESEND_AFTER.total_seconds()))
