"""Google, Microsoft, Apple, GitHub, GitLab, Discord, LinkedIn and Slack: what each does in its own way."""

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from gatepost.identity.providers.claims import is_verified
from gatepost.identity.providers.presets import PRESETS, Kind
from gatepost.identity.providers.provider import ProviderRefused, ProviderUnavailable, Refusal
from gatepost.identity.providers.settings import ProviderSettings
from tests.support.clock import FakeClock
from tests.support.providers.discord import FakeDiscord
from tests.support.providers.fake import FakeProvider, Fault
from tests.support.providers.github import FakeGitHub
from tests.support.providers.oidc import FakeApple, FakeMicrosoft, FakeOidc, google
from tests.support.providers.walk import CALLBACK, Walk
from tests.unit.providers.conftest import Connect

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


async def sent(walk: Walk, *, must_prompt: bool = False) -> dict[str, str]:
    """Return what the browser takes along."""
    url = await walk.url(must_prompt=must_prompt)
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def refusal(walk: Walk, answer: dict[str, str] | None = None) -> Refusal:
    """Return why a sign-in is refused."""
    with pytest.raises(ProviderRefused) as refused:
        await walk.profile(answer)
    return refused.value.reason


VERIFIED: list[tuple[str, dict[str, object], dict[str, object], bool]] = [
    ("google", {"email": "a@gmail.com", "email_verified": True}, {}, True),
    ("google", {"email": "a@GoogleMail.com", "email_verified": True}, {}, True),
    ("google", {"email": "a@acme.example", "email_verified": True, "hd": "acme.example"}, {}, True),
    ("google", {"email": "a@acme.example", "email_verified": True}, {}, False),
    ("google", {"email": "a@gmail.com", "email_verified": False}, {}, False),
    ("google", {"email": "a@gmail.com.evil.example", "email_verified": True}, {}, False),
    ("microsoft", {"email": "a@acme.example", "xms_edov": True}, {}, True),
    ("microsoft", {"email": "a@acme.example", "xms_edov": "1"}, {}, True),
    ("microsoft", {"email": "a@acme.example", "xms_edov": False}, {}, False),
    ("microsoft", {"email": "a@acme.example", "xms_edov": "0"}, {}, False),
    ("microsoft", {"email": "a@acme.example", "email_verified": True}, {}, False),
    ("apple", {"email": "a@acme.example", "email_verified": "true"}, {}, True),
    ("apple", {"email": "a@acme.example", "email_verified": True}, {}, True),
    ("apple", {"email": "a@acme.example", "email_verified": "false"}, {}, False),
    ("github", {"email": "a@acme.example", "email_verified": True}, {}, True),
    ("discord", {"email": "a@acme.example", "email_verified": None}, {}, False),
    ("linkedin", {"email": "a@acme.example", "email_verified": True}, {}, True),
    ("gitlab", {"email": "a@acme.example", "email_verified": True}, {}, True),
    ("gitlab", {"email": "a@acme.example", "email_verified": True}, {"issuer": "https://git.acme.example"}, False),
    (
        "gitlab",
        {"email": "a@acme.example", "email_verified": True},
        {"issuer": "https://git.acme.example", "trusts_email": True},
        True,
    ),
    ("slack", {"email": "a@acme.example", "email_verified": True}, {}, False),
    ("slack", {"email": "a@acme.example", "email_verified": True}, {"trusts_email": True}, True),
    ("oidc", {"email": "a@acme.example", "email_verified": True}, {"issuer": "https://a.example"}, False),
    (
        "oidc",
        {"email": "a@acme.example", "email_verified": True},
        {"issuer": "https://a.example", "trusts_email": True},
        True,
    ),
    (
        "oidc",
        {"email": "a@acme.example", "email_verified": 1.0},
        {"issuer": "https://a.example", "trusts_email": True},
        True,
    ),
    ("oidc", {"email": "a@acme.example"}, {"issuer": "https://a.example", "trusts_email": True}, False),
]


@pytest.mark.parametrize(("kind", "claims", "keys", "is_good"), VERIFIED)
def test_address_counts_as_verified_by_the_rules_of_its_kind(
    kind: str, claims: dict[str, object], keys: dict[str, object], is_good: bool
) -> None:
    settings = ProviderSettings(name="a", kind=Kind(kind), title="A", client_id="a", **keys)

    assert is_verified(claims, settings) is is_good


def test_rules_of_every_kind_are_tested() -> None:
    assert {kind for kind, *_ in VERIFIED} == set(PRESETS)


async def test_google_signs_in(connect: Connect) -> None:
    walk = connect(google(), kind="google")

    profile = await walk.profile()

    assert (profile.issuer, profile.subject) == ("https://accounts.google.com", "110169484474386276334")
    assert (profile.email, profile.is_email_verified) == ("jane@gmail.com", True)
    assert (await sent(walk, must_prompt=True))["prompt"] == "select_account"


async def test_microsoft_has_an_issuer_for_each_tenant(connect: Connect) -> None:
    upstream = FakeMicrosoft()
    upstream.person |= {"email": "ceo@victim.example"}

    profile = await connect(upstream, kind="microsoft").profile()

    assert profile.issuer == "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
    # Anybody can write any address into their own directory.
    assert (profile.email, profile.is_email_verified) == ("ceo@victim.example", False)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        # The token of one tenant that names another one's issuer.
        ({"tid": "11111111-1111-1111-1111-111111111111"}, Refusal.ISSUER),
        ({"iss": "https://login.microsoftonline.com/{tenantid}/v2.0"}, Refusal.ISSUER),
        ({"tid": "{tenantid}", "iss": "https://login.microsoftonline.com/{tenantid}/v2.0"}, Refusal.TENANT),
        ({"tid": "../common", "iss": "https://login.microsoftonline.com/../common/v2.0"}, Refusal.TENANT),
        ({"tid": None}, Refusal.TENANT),
        ({"tid": ["72f988bf-86f1-41af-91ab-2d7cd011db47"]}, Refusal.TENANT),
    ],
)
async def test_microsoft_token_without_its_own_tenants_issuer_is_refused(
    claims: dict[str, object], reason: Refusal, connect: Connect
) -> None:
    assert await refusal(connect(FakeMicrosoft(claims=claims), kind="microsoft")) is reason


async def test_microsoft_key_of_one_tenant_signs_for_no_other(connect: Connect) -> None:
    upstream = FakeMicrosoft(key_issuer=f"https://login.microsoftonline.com/{CONSUMERS}/v2.0")

    assert await refusal(connect(upstream, kind="microsoft")) is Refusal.ISSUER


async def test_microsoft_tenants_may_be_limited(connect: Connect) -> None:
    upstream = FakeMicrosoft()
    allowed = f"11111111-1111-1111-1111-111111111111,{upstream.tenant}"

    assert (await connect(upstream, kind="microsoft", allowed_tenants=allowed).profile()).subject
    others = connect(upstream, kind="microsoft", allowed_tenants="11111111-1111-1111-1111-111111111111")
    assert await refusal(others) is Refusal.TENANT


async def test_microsoft_for_organizations_refuses_personal_accounts(connect: Connect) -> None:
    upstream = FakeMicrosoft("https://login.microsoftonline.com/organizations/v2.0")
    walk = connect(upstream, kind="microsoft", tenant="organizations")
    assert (await walk.profile()).subject

    upstream.tenant = CONSUMERS
    assert await refusal(walk) is Refusal.TENANT


async def test_microsoft_for_one_tenant_has_one_issuer(connect: Connect) -> None:
    tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    upstream = FakeMicrosoft(f"https://login.microsoftonline.com/{tenant}/v2.0")
    walk = connect(upstream, kind="microsoft", tenant=tenant)
    assert (await walk.profile()).issuer == upstream.base

    upstream.tenant = "11111111-1111-1111-1111-111111111111"
    assert await refusal(walk) is Refusal.ISSUER


async def test_microsoft_for_personal_accounts_is_asked_by_the_name_of_their_tenant(connect: Connect) -> None:
    upstream = FakeMicrosoft(f"https://login.microsoftonline.com/{CONSUMERS}/v2.0", tenant=CONSUMERS)

    assert (await connect(upstream, kind="microsoft", tenant="consumers").profile()).issuer == upstream.base


async def test_apple_answers_by_a_form_and_tells_the_name_once(connect: Connect) -> None:
    upstream = FakeApple(person={"sub": "001.a", "email": "x@privaterelay.appleid.com", "email_verified": "true"})
    walk = connect(upstream, kind="apple")

    first, second = await walk.profile(), await walk.profile()

    assert walk.provider.answers_by_post
    assert (await sent(walk))["response_mode"] == "form_post"
    assert (first.name, second.name) == ("Jane Doe", None)
    # The address in the form is signed by nobody.
    assert (first.email, first.is_email_verified) == ("x@privaterelay.appleid.com", True)


async def test_client_secret_of_apple_is_new_each_time_and_short_lived(connect: Connect, clock: FakeClock) -> None:
    upstream = FakeApple()
    walk = connect(upstream, kind="apple")
    await walk.profile()
    clock.advance(days=200)
    await walk.profile()

    secrets = [form["client_secret"] for path, form in upstream.requests if path == "/token"]
    lives = [jwt.decode(secret, options={"verify_signature": False}) for secret in secrets]
    assert [claims["exp"] - claims["iat"] for claims in lives] == [300, 300]


@pytest.mark.parametrize("user", ["", "{", "[]", '{"name": "Jane"}', '{"name": {"firstName": 5}}', "x" * 5000])
async def test_form_field_of_apple_with_another_form_is_no_name(user: str, connect: Connect) -> None:
    walk = connect(FakeApple(person={"sub": "001.a"}), kind="apple")
    answer = await walk.answer() | {"user": user}

    assert (await walk.profile(answer)).name is None


async def test_wrong_key_of_apple_is_told(connect: Connect) -> None:
    upstream = FakeApple()
    walk = connect(upstream, kind="apple", team_id="ANOTHER")

    with pytest.raises(ProviderUnavailable, match="refuses client_id or its secret"):
        await walk.profile()


async def test_github_tells_who_it_is_by_its_api(connect: Connect) -> None:
    walk = connect(FakeGitHub(), kind="github")

    profile = await walk.profile()

    assert (profile.issuer, profile.subject) == ("https://github.com", "583231")
    assert (profile.username, profile.name) == ("octocat", "The Octocat")
    assert (profile.email, profile.is_email_verified) == ("octocat@example.com", True)
    asked = await sent(walk)
    assert asked["scope"] == "read:user user:email"
    assert asked["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    ("emails", "email", "is_good"),
    [
        ([], None, False),
        ([{"email": "a@acme.example", "primary": False, "verified": True}], None, False),
        ([{"email": "a@acme.example", "primary": True, "verified": False}], "a@acme.example", False),
        ([{"email": "a@acme.example", "primary": "yes", "verified": True}], None, False),
        ([{"email": 5, "primary": True, "verified": True}], None, False),
        (["a@acme.example"], None, False),
    ],
)
async def test_github_address_is_the_primary_one_and_verified_as_github_says(
    emails: list[object], email: str | None, is_good: bool, connect: Connect
) -> None:
    upstream = FakeGitHub(emails=emails)  # type: ignore[arg-type]

    profile = await connect(upstream, kind="github").profile()

    assert (profile.email, profile.is_email_verified) == (email, is_good)


async def test_github_may_name_itself_in_the_answer_and_nobody_else(connect: Connect) -> None:
    upstream = FakeGitHub(names_issuer=False)
    walk = connect(upstream, kind="github")
    assert (await walk.profile()).subject == "583231"

    answer = await walk.answer() | {"iss": "https://evil.example"}
    assert await refusal(walk, answer) is Refusal.ANSWER_ISSUER
    # Not before the code is spent: it never reached GitHub.
    assert answer["code"] in upstream.codes


async def test_github_errors_come_with_200(connect: Connect) -> None:
    walk = connect(FakeGitHub(), kind="github")
    answer = await walk.answer()
    await walk.profile(answer)
    assert await refusal(walk, answer) is Refusal.CODE

    wrong = connect(FakeGitHub(), kind="github", client_secret="wrong")
    with pytest.raises(ProviderUnavailable, match=r"refuses client_id or its secret \(incorrect_client_credentials\)"):
        await wrong.profile()


@pytest.mark.parametrize("identifier", ["583231", 5.0, True, None])
async def test_github_without_a_number_is_refused(identifier: object, connect: Connect) -> None:
    upstream = FakeGitHub(person={"id": identifier, "login": "octocat"})

    assert await refusal(connect(upstream, kind="github")) is Refusal.PROFILE


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.LARGE, Fault.REDIRECT, Fault.HTML, Fault.NOT_JSON])
@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/user", "/user/emails"])
async def test_github_that_answers_with_something_else_is_unavailable(
    fault: Fault, path: str, connect: Connect
) -> None:
    with pytest.raises(ProviderUnavailable):
        await connect(FakeGitHub(fault=fault, faulty=path), kind="github").profile()


@pytest.mark.parametrize("upstream", [FakeGitHub(), FakeDiscord()])
async def test_check_of_a_provider_without_metadata_tries_our_credentials(
    upstream: FakeProvider, connect: Connect
) -> None:
    kind = "github" if isinstance(upstream, FakeGitHub) else "discord"

    assert await connect(upstream, kind=kind).provider.check(redirect_uri=CALLBACK) == (
        f"{upstream.base} accepts client_id and its secret"
    )
    with pytest.raises(ProviderUnavailable, match="refuses client_id or its secret"):
        await connect(upstream, kind=kind, client_secret="wrong").provider.check(redirect_uri=CALLBACK)


async def test_discord_tells_who_it_is_by_its_api(connect: Connect) -> None:
    profile = await connect(FakeDiscord(), kind="discord").profile()

    assert (profile.issuer, profile.subject) == ("https://discord.com", "80351110224678912")
    assert (profile.username, profile.name) == ("nelly", "Nelly")
    assert (profile.email, profile.is_email_verified) == ("nelly@example.com", True)


async def test_gitlab_may_be_ones_own(connect: Connect) -> None:
    upstream = FakeOidc("https://git.acme.example", person={"sub": "7", "email": "a@b.example", "email_verified": True})

    profile = await connect(upstream, kind="gitlab").profile()

    assert (profile.issuer, profile.subject, profile.is_email_verified) == ("https://git.acme.example", "7", False)


async def test_linkedin_has_neither_nonce_nor_pkce(connect: Connect) -> None:
    upstream = FakeOidc("https://www.linkedin.com/oauth", fault=Fault.NO_NONCE)
    upstream.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    walk = connect(upstream, kind="linkedin")

    profile = await walk.profile()

    form = next(form for path, form in upstream.requests if path.endswith("/token"))
    assert profile.issuer == "https://www.linkedin.com/oauth"
    assert "code_verifier" not in form
    assert "code_challenge" not in await sent(walk)


async def test_slack_users_are_told_apart_by_their_workspace(connect: Connect) -> None:
    upstream = FakeOidc("https://slack.com", person={"sub": "U0R7", "https://slack.com/team_id": "T0R7"})
    walk = connect(upstream, kind="slack")
    assert (await walk.profile()).subject == "T0R7/U0R7"
    assert "code_challenge" not in await sent(walk)

    del upstream.person["https://slack.com/team_id"]
    assert await refusal(walk) is Refusal.PROFILE
