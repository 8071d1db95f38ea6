"""A provider of ours, and the fake that it speaks with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from gatepost.core.outbound import Outbound
from gatepost.core.settings import Settings
from gatepost.identity.providers.building import build_providers
from gatepost.identity.providers.presets import PRESETS
from gatepost.identity.providers.provider import Provider
from tests.support.clock import FakeClock
from tests.support.providers.fake import FakeProvider
from tests.support.providers.github import HOSTS, FakeGitHub
from tests.support.providers.internet import Internet
from tests.support.providers.oidc import FakeApple, FakeOidc
from tests.support.providers.walk import Walk

Connect = Callable[..., Walk]


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of both sides."""
    return FakeClock()


@pytest.fixture
def connect(clock: FakeClock) -> Connect:
    """Return what sets up a fake as a provider.

    The arguments are keys of its settings, addresses of names, and how long an answer may take: as long as a busy
    machine needs, unless a test is about that.
    """

    def connect(
        upstream: FakeProvider,
        addresses: Mapping[str, Sequence[str]] | None = None,
        seconds: float = 60,
        **keys: str,
    ) -> Walk:
        upstream.now = clock.now
        hosts = HOSTS if isinstance(upstream, FakeGitHub) else (urlsplit(upstream.base).netloc,)
        internet = Internet(dict.fromkeys(hosts, upstream))
        internet.addresses |= addresses or {}
        return Walk(provider_of(upstream, internet.outbound(seconds=seconds), clock, **keys), upstream)

    return connect


@pytest.fixture
def acme() -> FakeOidc:
    """Return any OpenID Provider."""
    person = {"sub": "248289761001", "name": "Jane Doe", "email": "jane@acme.example", "email_verified": True}
    return FakeOidc("https://login.acme.example/realms/a", person=person)


def provider_of(upstream: FakeProvider, outbound: Outbound, clock: FakeClock, **keys: str) -> Provider:
    """Return the provider that these settings make of a fake."""
    variables = credentials(upstream) | keys
    settings = Settings(_env_file=None, secret_key=SecretStr("x" * 40)).with_provider_variables({
        f"PROVIDER_UNDER_TEST_{key.upper()}": SecretStr(value) for key, value in variables.items()
    })  # fmt: skip
    (provider,) = build_providers(settings, outbound, clock).listed
    return provider


def credentials(upstream: FakeProvider) -> dict[str, Any]:
    """Return the settings that a kind needs at least."""
    if isinstance(upstream, FakeApple):
        own = {"team_id": upstream.team_id, "key_id": upstream.team_key.kid, "private_key": upstream.team_key.pem}
    else:
        own = {"client_secret": upstream.client_secret}
        preset = next((preset for preset in PRESETS.values() if preset.issuer == upstream.base), None)
        if preset is None and "microsoftonline" not in upstream.base:
            own |= {"issuer": upstream.base}
    return {"client_id": upstream.client_id} | own
