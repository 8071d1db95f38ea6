"""What each kind of provider brings, so that it need not be written in the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of provider: any OpenID Provider by its issuer, or one that we know."""

    OIDC = "oidc"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    APPLE = "apple"
    GITHUB = "github"
    GITLAB = "gitlab"
    DISCORD = "discord"
    LINKEDIN = "linkedin"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a kind.

    `required` keys have to be set, beside `client_id`; `keys` may be, beside those of every kind. Of a kind that
    follows the standards, all else is read from the provider itself. What the others leave out is here: `has_nonce` is
    false where ID tokens never have the nonce, `has_pkce` where a `code_verifier` fails, and `answer_issuer` is the
    `iss` of the answer (RFC 9207) of those without metadata. `prompt` asks for a new sign-in, or for as much as there
    is.
    """

    title: str
    issuer: str = ""
    scopes: str = "openid profile email"
    keys: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset({"client_secret"})
    answers_by_post: bool = False
    has_nonce: bool = True
    has_pkce: bool = True
    answer_issuer: str = ""
    prompt: str | None = "login"


PRESETS: Mapping[str, Preset] = {
    Kind.OIDC: Preset("", keys=frozenset({"trusts_email"}), required=frozenset({"client_secret", "issuer"})),
    Kind.GOOGLE: Preset("Google", "https://accounts.google.com", prompt="select_account"),
    Kind.MICROSOFT: Preset(
        "Microsoft", "https://login.microsoftonline.com/{tenant}/v2.0", keys=frozenset({"tenant", "allowed_tenants"})
    ),
    Kind.APPLE: Preset(
        "Apple",
        "https://appleid.apple.com",
        scopes="openid name email",
        required=frozenset({"team_id", "key_id", "private_key"}),
        answers_by_post=True,
        prompt=None,
    ),
    Kind.GITHUB: Preset(
        "GitHub",
        "https://github.com",
        "read:user user:email",
        answer_issuer="https://github.com/login/oauth",
        prompt="select_account",
    ),
    Kind.GITLAB: Preset("GitLab", "https://gitlab.com", keys=frozenset({"issuer", "trusts_email"})),
    Kind.DISCORD: Preset(
        "Discord", "https://discord.com", "identify email", answer_issuer="https://discord.com", prompt="consent"
    ),
    # Their documentation has no nonce, and PKCE for native apps alone, where LinkedIn has enabled it.
    Kind.LINKEDIN: Preset("LinkedIn", "https://www.linkedin.com/oauth", has_nonce=False, has_pkce=False, prompt=None),
    # PKCE is for apps that have turned it on; the nonce ties the answer to the request.
    Kind.SLACK: Preset("Slack", "https://slack.com", keys=frozenset({"trusts_email"}), has_pkce=False, prompt=None),
}
