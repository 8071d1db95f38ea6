"""From what a provider says to a profile."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatepost.core.plain_text import one_line
from gatepost.identity.providers.presets import Kind
from gatepost.identity.providers.profile import ProviderProfile, is_key
from gatepost.identity.providers.provider import ProviderRefused, Refusal
from gatepost.identity.providers.settings import ProviderSettings

LONGEST_EMAIL = 254
LONGEST_NAME = 100
LONGEST_WORD = 255
MOST_WORDS = 20
ONE_AT = re.compile(r"[^@\s]+@[^@\s]+")
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
# Google answers for these, and for the domains of Workspace (`hd`); of others it only knows that a mail arrived once.
GOOGLE_DOMAINS = ("@gmail.com", "@googlemail.com")
GITLAB_COM = "https://gitlab.com"


def profile_of(
    claims: Mapping[str, Any], settings: ProviderSettings, *, issuer: str, name: str | None = None
) -> ProviderProfile:
    """Return the profile of verified claims; what is not of its type is left out. `name` is for where they have none.

    Raises:
        ProviderRefused: PROFILE; there is no subject.
    """
    subject = _subject(claims, settings)
    if not is_key(subject):
        raise ProviderRefused(Refusal.PROFILE, "no subject")
    email = claims.get("email")
    has_email = isinstance(email, str) and len(email) <= LONGEST_EMAIL and ONE_AT.fullmatch(email) is not None
    amr, acr, moment = claims.get("amr"), claims.get("acr"), claims.get("auth_time")
    return ProviderProfile(
        issuer=issuer,
        subject=subject,
        email=email if has_email else None,
        is_email_verified=has_email and is_verified(claims, settings),
        name=_words(claims.get("name") or name),
        username=_words(claims.get("preferred_username")),
        amr=tuple(filter(_is_word, amr[:MOST_WORDS])) if isinstance(amr, list) else (),
        acr=acr if _is_word(acr) else None,
        authenticated_at=datetime.fromtimestamp(moment, UTC) if type(moment) is int and 0 <= moment < LATEST else None,
    )


def is_verified(claims: Mapping[str, Any], settings: ProviderSettings) -> bool:
    """Whether the provider vouches that the address in `email` is this person's, as far as this kind can be believed.

    docs/providers.md has the rules as a table, with their reasons.
    """
    said = claims.get("email_verified") in (True, "true")
    match settings.kind:
        case Kind.GOOGLE:
            hosted = isinstance(claims.get("hd"), str)
            return said and (hosted or str(claims.get("email", "")).lower().endswith(GOOGLE_DOMAINS))
        case Kind.MICROSOFT:
            # Everybody can put any address into `email`; this claim says that the domain's owner has proved it.
            return claims.get("xms_edov") in (True, 1, "1", "true")
        case Kind.APPLE | Kind.GITHUB | Kind.DISCORD | Kind.LINKEDIN:
            return said
        case Kind.GITLAB if settings.address == GITLAB_COM:
            return said
        case _:
            return said and settings.trusts_email


def _subject(claims: Mapping[str, Any], settings: ProviderSettings) -> object:
    if settings.kind is not Kind.SLACK:
        return claims.get("sub")
    # Slack's ids of users are unique in a workspace.
    team = claims.get("https://slack.com/team_id")
    return f"{team}/{claims.get('sub')}" if _is_word(team) else None


def _words(value: object) -> str | None:
    return (one_line(value).strip()[:LONGEST_NAME] or None) if isinstance(value, str) else None


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_WORD
