"""The ways in besides passwords and passkeys, as the pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatepost.identity.providers.provider import Provider

NEUTRAL_MARK = "marks/oidc.svg"


@dataclass(frozen=True, slots=True)
class WaysIn:
    """Other providers, in the order in which they are set up, and whether mails bring codes."""

    providers: Sequence[Provider] = ()
    by_mail: bool = False

    def shown(self) -> Sequence[Mapping[str, str]]:
        """Return what the pages show of each provider; `mark` is the file with the mark of its kind."""
        return [
            {"name": provider.name, "title": provider.title, "mark": f"marks/{provider.kind}.svg"}
            for provider in self.providers
        ]
