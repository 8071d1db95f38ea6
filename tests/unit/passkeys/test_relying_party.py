"""The relying party of passkeys: what fits PUBLIC_URL, and what no browser would accept."""

import pytest

from gatepost.identity.credentials.passkeys.relying_party import UnfitRelyingParty, relying_party

APP = "android:apk-key-hash:" + "A" * 43


@pytest.mark.parametrize(
    ("public_url", "rp_id", "name", "origin"),
    [
        ("http://localhost:8080", None, "localhost", "http://localhost:8080"),
        ("http://app.localhost:8080", None, "app.localhost", "http://app.localhost:8080"),
        ("https://auth.example.com", None, "auth.example.com", "https://auth.example.com"),
        ("https://Auth.Example.com:443/base/", "Example.COM", "example.com", "https://auth.example.com"),
        ("https://auth.example.com:8443", "auth.example.com", "auth.example.com", "https://auth.example.com:8443"),
        ("https://a.example.co.uk", "example.co.uk", "example.co.uk", "https://a.example.co.uk"),
        ("https://me.github.io", "me.github.io", "me.github.io", "https://me.github.io"),
        ("https://anmelden.münchen.example", "münchen.example", "xn--mnchen-3ya.example", None),
        ("https://intranet", None, "intranet", "https://intranet"),
        ("https://auth.corp.internal", "corp.internal", "corp.internal", "https://auth.corp.internal"),
    ],
)
def test_own_host_or_a_domain_above_it_is_taken(
    public_url: str, rp_id: str | None, name: str, origin: str | None
) -> None:
    party = relying_party(public_url, rp_id=rp_id)

    assert party.id == name
    assert party.origins == {origin or "https://anmelden.xn--mnchen-3ya.example"}
    assert party.related_origins == []


@pytest.mark.parametrize(
    ("public_url", "rp_id", "setting"),
    [
        ("http://127.0.0.1:8080", None, "PUBLIC_URL"),
        ("https://192.0.2.1", None, "PUBLIC_URL"),
        ("https://[2001:db8::1]", None, "PUBLIC_URL"),
        ("http://auth.example.com", None, "PUBLIC_URL"),
        ("http://localhost.example.com", None, "PUBLIC_URL"),
        ("https://auth.example.com.", None, "PUBLIC_URL"),
        ("https://", None, "PUBLIC_URL"),
        ("ftp://auth.example.com", None, "PUBLIC_URL"),
        ("https://auth.example.com", "other.example", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "login.auth.example.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "ample.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "com", "PASSKEY_RP_ID"),
        ("https://auth.example.co.uk", "co.uk", "PASSKEY_RP_ID"),
        ("https://me.github.io", "github.io", "PASSKEY_RP_ID"),
        ("https://auth.internal", "internal", "PASSKEY_RP_ID"),
        ("http://app.localhost", "localhost", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "https://auth.example.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "example.com:443", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "example.com/", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "example.com.", "PASSKEY_RP_ID"),
        ("https://auth.example.com", ".example.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "*.example.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "user@example.com", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "192.0.2.1", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "[::1]", "PASSKEY_RP_ID"),
        ("https://auth.example.com", "exam ple.com", "PASSKEY_RP_ID"),
    ],
)
def test_what_no_browser_takes_is_refused_by_the_name_of_its_setting(
    public_url: str, rp_id: str | None, setting: str
) -> None:
    with pytest.raises(UnfitRelyingParty) as refused:
        relying_party(public_url, rp_id=rp_id)

    assert refused.value.setting == setting
    assert str(refused.value) == f"{setting}: {refused.value.problem}"


def test_other_origins_are_written_as_browsers_send_them() -> None:
    origins = [
        "https://App.example.com/",
        "https://shop.example:443",
        "http://localhost:3000",
        "capacitor://localhost",
        APP,
    ]

    party = relying_party("https://auth.example.com", rp_id="example.com", origins=origins)

    assert party.origins == {
        "https://auth.example.com",
        "https://app.example.com",
        "https://shop.example",
        "http://localhost:3000",
        "capacitor://localhost",
        APP,
    }
    # Pages under the RP ID need no leave of it.
    assert party.related_origins == ["https://shop.example"]


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/path",
        "https://*.example.com",
        "http://app.example.com",
        "https://192.0.2.1",
        "https://[::1]",
        "https://app.example.com.",
        "android:apk-key-hash:short",
        APP + "A",
        "android:com.example",
        "ios:bundle-id:com.example",
        "capacitor://local host",
    ],
)
def test_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(UnfitRelyingParty, match="PASSKEY_ORIGINS"):
        relying_party("https://auth.example.com", origins=[origin])
