"""The providers that are set up."""

from collections.abc import Iterable, Sequence

from gatepost.identity.providers.provider import Provider


class Providers:
    """All providers, by name and in the order of the settings."""

    def __init__(self, providers: Iterable[Provider] = ()) -> None:
        self.listed: Sequence[Provider] = tuple(providers)
        self._by_name = {provider.name: provider for provider in self.listed}

    def get(self, name: str) -> Provider | None:
        """Return the provider of this name, or None."""
        return self._by_name.get(name)
