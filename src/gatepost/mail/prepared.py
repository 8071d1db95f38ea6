"""The interface between the outbox and the code that prepares the content of a mail at the moment of sending."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatepost.mail.models import OutboxMail


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail that is ready to be rendered: recipient, language, template, and the values for the template."""

    address: str
    language: str
    template: str
    context: Mapping[str, Any] = field(repr=False)


class PreparesMail(Protocol):
    """Prepares a mail of the outbox."""

    def prepare(self, mail: OutboxMail) -> Awaitable[PreparedMail | None]:
        """Return what to send; None if there is no longer anything to send, or nobody to send it to."""
        ...
