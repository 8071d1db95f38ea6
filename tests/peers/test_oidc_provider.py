"""Signing in by a certified provider of others, npm's `oidc-provider`, over real connections."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from gatepost.core.outbound import Outbound
from gatepost.core.settings import Settings
from gatepost.identity.providers.building import build_providers
from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import Provider, ProviderRefused, ProviderUnavailable, Refusal
from tests.support.clock import FakeClock
from tests.support.providers.fake import FakeProvider
from tests.support.providers.peer import (
    CLIENT_ID,
    CLIENT_SECRET,
    Peer,
    install_peer,
    running_peer,
    sign_in_at_peer,
)
from tests.support.providers.walk import CALLBACK, Walk

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def program_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the program is installed."""
    return install_peer(tmp_path_factory.mktemp("peer"))


@pytest.fixture(scope="module")
def peer(program_folder: Path) -> Iterator[Peer]:
    """Give the running program."""
    with running_peer(program_folder, CALLBACK) as peer:
        yield peer


@pytest.fixture
def clock() -> FakeClock:
    """Return our clock; the program has that of the machine."""
    return FakeClock()


@pytest.fixture
def provider(peer: Peer, clock: FakeClock) -> Provider:
    """Return the program as a provider of ours."""
    return provider_at(peer.issuer, clock)


def provider_at(issuer: str, clock: FakeClock, *, client_secret: str = CLIENT_SECRET) -> Provider:
    """Return a provider of ours."""
    values = {"ISSUER": issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": client_secret, "TRUSTS_EMAIL": "true"}
    settings = Settings(_env_file=None).with_provider_variables({
        f"PROVIDER_PEER_{name}": SecretStr(value) for name, value in values.items()
    })  # fmt: skip
    (provider,) = build_providers(settings, Outbound(allows_http=True, seconds=60), clock).listed
    return provider


async def answered(walk: Walk, *, must_prompt: bool = False) -> dict[str, str]:
    """Sign in there as jane, and return what comes back."""
    back = await sign_in_at_peer(await walk.url(must_prompt=must_prompt), "jane")
    assert back.startswith(f"{CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def walk_of(provider: Provider) -> Walk:
    """Return a sign-in by this provider; there is no fake to go to."""
    return Walk(provider, FakeProvider(""))


async def test_person_is_known_after_discovery_code_pkce_nonce_and_userinfo(provider: Provider, peer: Peer) -> None:
    walk = walk_of(provider)

    answer = await answered(walk)
    profile = await walk.profile(answer)

    assert answer["iss"] == peer.issuer
    # The address is in userinfo alone.
    assert profile == ProviderProfile(
        issuer=peer.issuer,
        subject="jane",
        email="jane@acme.example",
        is_email_verified=True,
        name="The jane",
        username="jane",
        authenticated_at=profile.authenticated_at,
    )


async def test_new_sign_in_has_the_moment_of_it(provider: Provider, clock: FakeClock) -> None:
    walk = walk_of(provider)

    profile = await walk.profile(await answered(walk, must_prompt=True))

    assert profile.authenticated_at is not None
    assert profile.authenticated_at >= clock.now()


@pytest.mark.parametrize("changed", ["nonce", "verifier"])
async def test_answer_to_another_request_is_refused(changed: str, provider: Provider) -> None:
    walk = walk_of(provider)
    answer = await answered(walk)
    setattr(walk, changed, "another" * 8)

    with pytest.raises(ProviderRefused) as refused:
        await walk.profile(answer)
    assert refused.value.reason is {"nonce": Refusal.NONCE, "verifier": Refusal.CODE}[changed]


async def test_answer_without_its_issuer_or_with_another_is_refused(provider: Provider) -> None:
    walk = walk_of(provider)
    answer = await answered(walk)

    for said in ({}, {"iss": "https://evil.example"}):
        without = {name: value for name, value in answer.items() if name != "iss"} | said
        with pytest.raises(ProviderRefused) as refused:
            await walk.profile(without)
        assert refused.value.reason is Refusal.ANSWER_ISSUER
    # The code was not spent on them.
    assert (await walk.profile(answer)).subject == "jane"


async def test_refusal_at_the_provider_comes_back_as_an_error(provider: Provider) -> None:
    walk = walk_of(provider)

    back = await sign_in_at_peer(await walk.url(), "jane", refuses=True)

    said = parse_qs(urlsplit(back).query)
    assert (said["error"], said["state"]) == (["access_denied"], [walk.state])


async def test_keys_that_changed_meanwhile_are_fetched(program_folder: Path, clock: FakeClock) -> None:
    with running_peer(program_folder, CALLBACK) as peer:
        walk = walk_of(provider_at(peer.issuer, clock))
        await walk.profile(await answered(walk))

        peer.start_again()
        walk = walk_of(walk.provider)
        answer = await answered(walk)
        clock.advance(seconds=61)

        assert (await walk.profile(answer)).subject == "jane"


async def test_check_finds_out_whether_the_secret_is_right(provider: Provider, peer: Peer, clock: FakeClock) -> None:
    assert "accepts client_id and its secret" in await provider.check(redirect_uri=CALLBACK)

    with pytest.raises(ProviderUnavailable, match="refuses client_id or its secret"):
        await provider_at(peer.issuer, clock, client_secret="wrong").check(redirect_uri=CALLBACK)
