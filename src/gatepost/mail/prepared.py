"""What the outbox asks of who knows the accounts: the words and links of a mail, at the moment of sending."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatepost.mail.models import OutboxMail


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail that is ready for its template: to whom, in which language, and what the template is given."""

    address: str
    language: str
    template: str
    context: Mapping[str, Any] = field(repr=False)


class PreparesMail(Protocol):
    """Makes a mail of the outbox ready."""

    def prepare(self, mail: OutboxMail) -> Awaitable[PreparedMail | None]:
        """Return what to send; None where there is nothing to send any more, or nobody to send it to."""
        ...
