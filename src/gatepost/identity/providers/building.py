"""From the settings to the providers."""

from gatepost.core.clock import Clock
from gatepost.core.outbound import Outbound
from gatepost.core.settings import Settings
from gatepost.identity.providers.oauth import APIS, OAuthProvider
from gatepost.identity.providers.oidc import OidcProvider
from gatepost.identity.providers.reading import read_providers
from gatepost.identity.providers.registry import Providers


def build_providers(settings: Settings, outbound: Outbound, clock: Clock) -> Providers:
    """Return the providers that are set up; none of them is asked anything yet.

    Raises:
        SettingsError: one of them cannot work like this.
    """
    return Providers(
        OAuthProvider(provider, outbound, clock) if provider.kind in APIS else OidcProvider(provider, outbound, clock)
        for provider in read_providers(settings)
    )
