"""The ways in besides passwords and passkeys, as the pages show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

NEUTRAL = "oidc"
# Drawn by the rules of each brand; every other kind has the neutral one.
MARKED = ("apple", "discord", "github", "gitlab", "google", "linkedin", "microsoft", "slack")


class ListedProvider(Protocol):
    """A provider that is set up."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class WaysIn:
    """Other providers, in the order in which they are set up, and whether mails bring codes."""

    providers: Sequence[ListedProvider] = ()
    by_mail: bool = False

    def shown(self) -> Sequence[Mapping[str, str]]:
        """Return what the pages show of each provider; `mark` is the name of a file."""
        return [
            {"name": provider.name, "title": provider.title, "mark": mark_of(provider.kind)}
            for provider in self.providers
        ]


def mark_of(kind: str = NEUTRAL) -> str:
    """Return the file with the mark of a kind of provider."""
    return f"marks/{kind if kind in MARKED else NEUTRAL}.svg"
