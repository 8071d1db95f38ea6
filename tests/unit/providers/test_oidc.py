"""Signing in by an OpenID Provider: what is asked, what is believed, and what is refused."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from gatepost.identity.providers.profile import ProviderProfile
from gatepost.identity.providers.provider import ProviderRefused, ProviderUnavailable, Refusal
from tests.support.clock import FakeClock
from tests.support.providers.fake import Fault
from tests.support.providers.keys import SigningKey
from tests.support.providers.oidc import FakeOidc
from tests.support.providers.walk import CALLBACK, Walk
from tests.unit.providers.conftest import Connect


async def refusal(walk: Walk, answer: dict[str, str] | None = None) -> Refusal:
    """Return why a sign-in is refused."""
    with pytest.raises(ProviderRefused) as refused:
        await walk.profile(answer)
    return refused.value.reason


async def failure(walk: Walk) -> str:
    """Return why the provider cannot be asked."""
    with pytest.raises(ProviderUnavailable) as failed:
        await walk.profile()
    return str(failed.value)


async def test_profile_is_what_the_id_token_says(acme: FakeOidc, connect: Connect, clock: FakeClock) -> None:
    acme.person |= {"amr": ["pwd", "otp"], "acr": "2", "preferred_username": "jane"}

    profile = await connect(acme, trusts_email="true").profile()

    assert profile == ProviderProfile(
        issuer="https://login.acme.example/realms/a",
        subject="248289761001",
        email="jane@acme.example",
        is_email_verified=True,
        name="Jane Doe",
        username="jane",
        amr=("pwd", "otp"),
        acr="2",
        authenticated_at=clock.now(),
    )


async def test_request_has_what_ties_its_answer_to_it(acme: FakeOidc, connect: Connect) -> None:
    walk = connect(acme)

    url = urlsplit(await walk.url(login_hint="jane@acme.example"))
    sent = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert url.netloc + url.path == "login.acme.example/realms/a/authorize"
    assert len(sent.pop("code_challenge")) == 43
    assert sent == {
        "response_type": "code",
        "client_id": "gatepost",
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "state": walk.state,
        "nonce": walk.nonce,
        "code_challenge_method": "S256",
        "login_hint": "jane@acme.example",
    }


async def test_new_sign_in_is_asked_for_and_its_moment_is_told(
    acme: FakeOidc, connect: Connect, clock: FakeClock
) -> None:
    walk = connect(acme)
    first = await walk.profile()
    clock.advance(hours=1)

    assert (await walk.profile()).authenticated_at == first.authenticated_at
    assert (await walk.profile(must_prompt=True)).authenticated_at == clock.now()
    sent = parse_qs(urlsplit(await walk.url(must_prompt=True)).query)
    assert (sent["prompt"], sent["max_age"]) == (["login"], ["0"])


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
@pytest.mark.parametrize("names_it", [True, False])
async def test_each_algorithm_is_accepted_also_where_the_key_does_not_name_it(
    algorithm: str, names_it: bool, acme: FakeOidc, connect: Connect
) -> None:
    acme.key = SigningKey(algorithm)
    acme.published = [acme.key.jwk() if names_it else acme.key.jwk(alg=None)]

    assert (await connect(acme).profile()).subject == "248289761001"


async def test_new_name_of_eddsa_is_accepted(acme: FakeOidc, connect: Connect) -> None:
    acme.key = SigningKey("EdDSA")
    acme.published = [acme.key.jwk(alg="Ed25519")]
    acme.key.header = {"alg": "Ed25519"}

    assert (await connect(acme).profile()).subject == "248289761001"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.WRONG_NONCE, Refusal.NONCE),
        (Fault.NO_NONCE, Refusal.NONCE),
        (Fault.WRONG_ISSUER, Refusal.ISSUER),
        (Fault.WRONG_AUDIENCE, Refusal.AUDIENCE),
        (Fault.EXPIRED, Refusal.EXPIRED),
        (Fault.FROM_THE_FUTURE, Refusal.EXPIRED),
        (Fault.UNSIGNED, Refusal.ID_TOKEN),
        (Fault.SIGNED_AS_SECRET, Refusal.ID_TOKEN),
        (Fault.FOREIGN_KEY, Refusal.SIGNATURE),
        (Fault.WRONG_ACCESS_TOKEN_HASH, Refusal.ACCESS_TOKEN_HASH),
        (Fault.NO_SUBJECT, Refusal.ID_TOKEN),
        (Fault.NO_ISSUER_IN_ANSWER, Refusal.ANSWER_ISSUER),
        (Fault.OTHER_ISSUER_IN_ANSWER, Refusal.ANSWER_ISSUER),
    ],
)
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_token_or_answer_that_is_wrong_is_refused(
    fault: Fault, reason: Refusal, algorithm: str, acme: FakeOidc, connect: Connect
) -> None:
    acme.key, acme.fault = SigningKey(algorithm), fault

    assert await refusal(connect(acme)) is reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": ["gatepost", "another"]}, Refusal.AUDIENCE),
        ({"aud": ["gatepost"], "azp": "another"}, Refusal.AUDIENCE),
        ({"aud": []}, Refusal.AUDIENCE),
        ({"aud": None}, Refusal.AUDIENCE),
        ({"aud": {"gatepost": 1}}, Refusal.AUDIENCE),
        ({"exp": None}, Refusal.ID_TOKEN),
        ({"exp": "9999999999"}, Refusal.ID_TOKEN),
        ({"exp": 2**70}, Refusal.ID_TOKEN),
        ({"iat": None}, Refusal.ID_TOKEN),
        ({"iat": True}, Refusal.ID_TOKEN),
        ({"nbf": 9999999999}, Refusal.EXPIRED),
        ({"nbf": None, "sub": ""}, Refusal.ID_TOKEN),
        ({"sub": 5}, Refusal.ID_TOKEN),
        ({"sub": "x" * 256}, Refusal.ID_TOKEN),
        ({"sub": "248289761001 "}, Refusal.ID_TOKEN),
        ({"sub": "248289761001\x00"}, Refusal.ID_TOKEN),
        ({"iss": ["https://login.acme.example/realms/a"]}, Refusal.ISSUER),
        ({"iss": "https://login.acme.example/realms/a/"}, Refusal.ISSUER),
        ({"nonce": ["a"]}, Refusal.NONCE),
        ({"at_hash": 5}, Refusal.ACCESS_TOKEN_HASH),
    ],
)
async def test_claim_of_another_form_is_refused(
    claims: dict[str, object], reason: Refusal, acme: FakeOidc, connect: Connect
) -> None:
    acme.claims = claims

    assert await refusal(connect(acme)) is reason


async def test_several_audiences_are_accepted_where_the_token_is_made_for_us(acme: FakeOidc, connect: Connect) -> None:
    acme.claims = {"aud": ["gatepost", "another"], "azp": "gatepost"}

    assert (await connect(acme).profile()).subject == "248289761001"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["b64"], "b64": True},
        {"crit": ["x"], "x": 1},
        {"b64": False},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": ""},
        {"kid": 5},
    ],
)
async def test_header_that_asks_for_something_else_is_refused(
    header: dict[str, object], acme: FakeOidc, connect: Connect
) -> None:
    acme.key.header = header

    assert await refusal(connect(acme)) is Refusal.ID_TOKEN


async def test_key_in_the_token_is_never_used(acme: FakeOidc, connect: Connect) -> None:
    theirs, attackers = acme.key, SigningKey()
    acme.published = [theirs.jwk()]
    attackers.header = {"jwk": attackers.jwk(), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"}
    attackers.kid = theirs.kid
    acme.key = attackers

    assert await refusal(connect(acme)) is Refusal.SIGNATURE


async def test_token_without_a_kid_is_good_where_there_is_one_key(acme: FakeOidc, connect: Connect) -> None:
    acme.published = [acme.key.jwk(kid=None)]
    acme.key.header = {"kid": None}

    assert (await connect(acme).profile()).subject == "248289761001"

    acme.published = [acme.key.jwk(), SigningKey().jwk()]
    assert await refusal(connect(acme)) is Refusal.SIGNATURE


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "ES384"}, {"kty": "oct", "k": "AAAA"}, {"x": "AAAA"}])
async def test_published_key_that_is_not_fit_is_passed_over(
    change: dict[str, str], acme: FakeOidc, connect: Connect
) -> None:
    acme.published = [acme.key.jwk(**change), SigningKey().jwk(), "nonsense", {"kty": ["RSA"]}]  # type: ignore[list-item]

    assert await refusal(connect(acme)) is Refusal.SIGNATURE


async def test_new_key_is_fetched_at_once_and_again_at_most_once_a_minute(
    acme: FakeOidc, connect: Connect, clock: FakeClock
) -> None:
    walk = connect(acme)

    def fetches() -> int:
        return [path for path, _ in acme.requests].count("/realms/a/jwks")

    await walk.profile()
    clock.advance(minutes=1)
    acme.rotate()
    assert (await walk.profile()).subject == "248289761001"
    assert fetches() == 2

    acme.fault = Fault.FOREIGN_KEY
    acme.rotate()
    acme.published = []
    for _ in range(3):
        assert await refusal(walk) is Refusal.SIGNATURE
    assert fetches() == 2
    clock.advance(seconds=61)
    with pytest.raises((ProviderRefused, ProviderUnavailable)):
        await walk.profile()
    assert fetches() == 3


async def test_metadata_and_keys_are_read_once_an_hour(acme: FakeOidc, connect: Connect, clock: FakeClock) -> None:
    walk = connect(acme)
    for _ in range(3):
        await walk.profile()
    assert [path for path, _ in acme.requests].count("/realms/a/jwks") == 1

    clock.advance(hours=1)
    await walk.profile()

    assert [path for path, _ in acme.requests].count("/realms/a/jwks") == 2


async def test_provider_that_is_down_for_a_while_is_believed_as_before(
    acme: FakeOidc, connect: Connect, clock: FakeClock
) -> None:
    walk = connect(acme)
    await walk.profile()
    clock.advance(hours=2)
    acme.fault, acme.faulty = Fault.DOWN, "/realms/a/.well-known"

    assert (await walk.profile()).subject == "248289761001"

    clock.advance(days=1)
    assert await failure(walk) == "login.acme.example answers 503"


async def test_provider_that_fails_is_not_asked_again_for_five_seconds(
    acme: FakeOidc, connect: Connect, clock: FakeClock
) -> None:
    acme.fault = Fault.DOWN
    walk = connect(acme)
    assert await failure(walk) == "login.acme.example answers 503"

    acme.fault = None
    assert await failure(walk) == "login.acme.example answers 503"
    clock.advance(seconds=5)
    assert (await walk.profile()).subject == "248289761001"


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.LARGE, Fault.LARGE_COMPRESSED, Fault.REDIRECT, Fault.HTML])
@pytest.mark.parametrize("path", [".well-known", "jwks", "token", "userinfo"])
async def test_provider_that_answers_with_something_else_is_unavailable(
    fault: Fault, path: str, acme: FakeOidc, connect: Connect
) -> None:
    acme.puts_profile_in_token = False
    acme.fault, acme.faulty = fault, f"/realms/a/{path}"

    assert (await failure(connect(acme))).startswith("login.acme.example ")


async def test_provider_that_never_answers_is_unavailable(acme: FakeOidc, connect: Connect) -> None:
    acme.fault = Fault.SILENT

    assert await failure(connect(acme, seconds=0.5)) == "https://login.acme.example does not answer within 0.5 s"


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://login.acme.example/realms/a/"}, "names another issuer"),
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"issuer": None}, "names another issuer"),
        ({"authorization_endpoint": None}, "has no authorization_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint in"),
        ({"authorization_endpoint": "http://login.acme.example/authorize"}, "authorization_endpoint in"),
        ({"token_endpoint": "http://169.254.169.254/latest"}, "token_endpoint in"),
        ({"token_endpoint": "https://a:b@login.acme.example/"}, "token_endpoint in"),
        ({"jwks_uri": 5}, "has no jwks_uri"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "userinfo_endpoint in"),
        ({"code_challenge_methods_supported": ["plain"]}, "offers no PKCE with S256"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "offers neither"),
        ({"token_endpoint_auth_methods_supported": "client_secret_basic"}, "offers neither"),
    ],
)
async def test_metadata_that_cannot_be_used_are_refused_with_the_reason(
    metadata: dict[str, object], why: str, acme: FakeOidc, connect: Connect
) -> None:
    acme.metadata = metadata

    assert why in await failure(connect(acme))


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
async def test_address_in_the_metadata_is_not_followed_into_the_network(
    name: str, acme: FakeOidc, connect: Connect
) -> None:
    acme.puts_profile_in_token = False
    acme.metadata = {name: "https://10.0.0.1/secret"}
    walk = connect(acme, addresses={"10.0.0.1": ["10.0.0.1"]})

    assert await failure(walk) == "10.0.0.1 is not on the public internet"


async def test_issuer_that_the_operator_names_may_be_inside_the_network(acme: FakeOidc, connect: Connect) -> None:
    acme.puts_profile_in_token = False

    assert (await connect(acme, addresses={"login.acme.example": ["10.0.0.1"]}).profile()).email == "jane@acme.example"


async def test_credentials_go_into_a_header_encoded_as_in_a_form(acme: FakeOidc, connect: Connect) -> None:
    acme.client_id, acme.client_secret = "a:b%c+d", "ü+/&%: "

    await connect(acme).profile()

    form = next(form for path, form in acme.requests if path.endswith("/token"))
    assert form.keys() == {"grant_type", "code", "redirect_uri", "code_verifier"}


async def test_credentials_go_into_the_form_where_the_provider_wants_them_there(
    acme: FakeOidc, connect: Connect
) -> None:
    acme.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    await connect(acme).profile()

    form = next(form for path, form in acme.requests if path.endswith("/token"))
    assert (form["client_id"], form["client_secret"]) == (acme.client_id, acme.client_secret)


async def test_code_of_another_browser_is_refused_by_pkce(acme: FakeOidc, connect: Connect) -> None:
    walk = connect(acme)
    answer = await walk.answer()
    walk.verifier = "another" * 8

    assert await refusal(walk, answer) is Refusal.CODE


async def test_code_is_good_once(acme: FakeOidc, connect: Connect) -> None:
    walk = connect(acme)
    answer = await walk.answer()
    await walk.profile(answer)

    assert await refusal(walk, answer) is Refusal.CODE


async def test_address_is_asked_for_where_the_token_lacks_it(acme: FakeOidc, connect: Connect) -> None:
    acme.puts_profile_in_token = False

    profile = await connect(acme, trusts_email="true").profile()

    assert (profile.email, profile.is_email_verified, profile.name) == ("jane@acme.example", True, "Jane Doe")


async def test_how_somebody_has_signed_in_is_not_believed_from_userinfo(acme: FakeOidc, connect: Connect) -> None:
    acme.puts_profile_in_token = False
    acme.person |= {"amr": ["mfa"], "acr": "gold", "auth_time": 1_700_000_000}
    acme.claims = dict.fromkeys(("amr", "acr", "auth_time"))
    walk = connect(acme, second_factor_amr="mfa", second_factor_acr="gold")

    profile = await walk.profile()

    assert profile.email == "jane@acme.example"
    assert (profile.amr, profile.acr, profile.authenticated_at) == ((), None, None)
    assert walk.provider.has_proved_factors(profile) is False


async def test_userinfo_is_not_asked_where_the_token_has_the_address(acme: FakeOidc, connect: Connect) -> None:
    await connect(acme).profile()

    assert not [path for path, _ in acme.requests if path.endswith("/userinfo")]


async def test_access_token_that_no_header_can_have_is_refused(acme: FakeOidc, connect: Connect) -> None:
    acme.puts_profile_in_token, acme.fault = False, Fault.ODD_ACCESS_TOKEN

    assert await refusal(connect(acme)) is Refusal.TOKEN_ANSWER


async def test_userinfo_of_another_subject_is_refused(acme: FakeOidc, connect: Connect) -> None:
    acme.puts_profile_in_token, acme.fault = False, Fault.OTHER_SUBJECT

    assert await refusal(connect(acme)) is Refusal.PROFILE


async def test_clocks_may_be_a_minute_apart(acme: FakeOidc, connect: Connect, clock: FakeClock) -> None:
    walk = connect(acme)
    for apart in (-59, 59):
        acme.now = lambda apart=apart: clock.now() + timedelta(seconds=apart)  # type: ignore[misc]
        assert (await walk.profile()).subject == "248289761001"
    acme.now = lambda: clock.now() + timedelta(seconds=61)

    assert await refusal(walk) is Refusal.EXPIRED


async def test_texts_of_the_profile_are_bounded_and_on_one_line(acme: FakeOidc, connect: Connect) -> None:
    acme.person = {
        "sub": "1",
        "name": "Jane\r\nDoe\u202e" + "x" * 500,
        "preferred_username": ["jane"],
        "email": "a b@acme.example",
        "email_verified": True,
        "amr": ["otp", 5, "", "x" * 300],
        "acr": {"a": 1},
    }
    acme.claims = {"auth_time": "yesterday"}

    profile = await connect(acme, trusts_email="true").profile()

    assert profile == ProviderProfile(profile.issuer, "1", name=f"Jane Doe{'x' * 92}", amr=("otp",))


@pytest.mark.parametrize(
    ("person", "has_them"),
    [({"amr": ["mfa"]}, True), ({"acr": "gold"}, True), ({"amr": ["pwd"], "acr": "silver"}, False), ({}, False)],
)
async def test_second_factor_of_the_provider_counts_where_the_settings_believe_it(
    person: dict[str, object], has_them: bool, acme: FakeOidc, connect: Connect
) -> None:
    acme.person |= person
    trusting = connect(acme, second_factor_amr="mfa, hwk", second_factor_acr="gold")

    assert trusting.provider.has_proved_factors(await trusting.profile()) is has_them
    plain = connect(acme)
    assert plain.provider.has_proved_factors(await plain.profile()) is False


async def test_reason_is_logged_without_a_secret(
    acme: FakeOidc, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    acme.fault = Fault.WRONG_NONCE
    walk = connect(acme)
    answer = await walk.answer()
    assert await refusal(walk, answer) is Refusal.NONCE
    acme.fault = Fault.DOWN
    assert await failure(connect(acme))

    assert [record.getMessage() for record in caplog.records] == [
        "a sign-in by under-test is refused: nonce",
        "nobody can sign in by under-test now: login.acme.example answers 503",
    ]
    for secret in (walk.verifier, walk.nonce, answer["code"], acme.client_secret):
        assert secret not in caplog.text


async def test_check_tells_what_was_found_and_what_is_wrong(acme: FakeOidc, connect: Connect) -> None:
    walk = connect(acme)
    assert await walk.provider.check(redirect_uri=CALLBACK) == (
        "https://login.acme.example/realms/a has metadata and keys, and accepts client_id and its secret"
    )

    wrong = connect(acme, client_secret="wrong")
    with pytest.raises(ProviderUnavailable) as refused:
        await wrong.provider.check(redirect_uri=CALLBACK)
    assert str(refused.value) == "login.acme.example refuses client_id or its secret (invalid_client)"
