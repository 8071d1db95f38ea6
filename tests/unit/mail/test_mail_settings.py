"""MAIL_URL and MAIL_FROM, as they are read."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from gatepost.core.settings import SettingsError, load_settings
from gatepost.core.settings.mail import MailScheme, MailUrl, ehlo_name, parse_mail_url, read_sender


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("console:", MailUrl(MailScheme.CONSOLE)),
        ("file:mail", MailUrl(MailScheme.FILE, folder=Path("mail"))),
        ("file:/var/mail", MailUrl(MailScheme.FILE, folder=Path("/var/mail"))),
        ("file:///var/mail", MailUrl(MailScheme.FILE, folder=Path("/var/mail"))),
        ("smtp://mail.example", MailUrl(MailScheme.SMTP, host="mail.example", port=587, starttls=True)),
        ("smtp://localhost:1025", MailUrl(MailScheme.SMTP, host="localhost", port=1025)),
        ("smtp://127.0.0.1", MailUrl(MailScheme.SMTP, host="127.0.0.1", port=587)),
        ("smtp://[::1]:25", MailUrl(MailScheme.SMTP, host="::1", port=25)),
        ("smtp://localhost?starttls=yes", MailUrl(MailScheme.SMTP, host="localhost", port=587, starttls=True)),
        ("smtp://mail.example:25?starttls=no", MailUrl(MailScheme.SMTP, host="mail.example", port=25)),
        (
            "smtps://me%40example.com:p%3Aw@mail.example",
            MailUrl(MailScheme.SMTPS, host="mail.example", port=465, username="me@example.com", password="p:w"),
        ),
    ],
)
def test_mail_url_is_read(text: str, url: MailUrl) -> None:
    assert parse_mail_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "", "mail.example", "http://user:hunter2@mail.example", "file:", "file://", "smtp:", "smtp://", "smtp://:25",
        "smtp://user:hunter2@mail.example:port", "smtp://user:hunter2@mail.example:99999", "smtp://[::1",
        "smtp://user@mail.example", "smtp://user:hunter2@mail.example/inbox", "smtp://user:hunter2#x@mail.example",
        "smtp://user:hunter2@mail.example?starttls=maybe", "smtp://user:hunter2@mail.example?tls=no",
        "smtps://user:hunter2@mail.example?starttls=no",
    ],
)  # fmt: skip
def test_malformed_mail_url_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(it|smtps|starttls|the)\b") as refused:
        parse_mail_url(text)

    assert "hunter2" not in str(refused.value)


def test_plain_connection_to_elsewhere_is_noticed() -> None:
    assert parse_mail_url("smtp://mail.example?starttls=no").is_plain_to_elsewhere
    assert not parse_mail_url("smtp://mail.example").is_plain_to_elsewhere
    assert not parse_mail_url("smtps://mail.example").is_plain_to_elsewhere
    assert not parse_mail_url("smtp://localhost:1025").is_plain_to_elsewhere


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("no-reply@example.com", "", "no-reply@example.com"),
        ("Gatepost <no-reply@localhost>", "Gatepost", "no-reply@localhost"),
        ('"Acme, Inc." <hello@acme.example>', "Acme, Inc.", "hello@acme.example"),
        ("Bücher <post@example.com>", "Bücher", "post@example.com"),
    ],
)
def test_sender_is_read(text: str, name: str, address: str) -> None:
    sender = read_sender(text)

    assert (sender.display_name, sender.addr_spec) == (name, address)


@pytest.mark.parametrize(
    "text",
    ["", "Gatepost", "Gatepost <>", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "a@", "@b"],
)
def test_what_is_not_one_sender_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not one address"):
        read_sender(text)


def test_service_does_not_start_with_mail_settings_that_cannot_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MAIL_URL", "smpt://user:hunter2@mail.example")
    monkeypatch.setenv("MAIL_FROM", "nobody")
    monkeypatch.setenv("MAIL_TEMPLATES", str(tmp_path / "missing"))

    with pytest.raises(SettingsError) as refused:
        load_settings(env_file=None)

    assert [complaint.setting for complaint in refused.value.complaints] == ["MAIL_URL", "MAIL_FROM", "MAIL_TEMPLATES"]
    assert "hunter2" not in str(refused.value)


def test_default_mail_settings_are_accepted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    assert load_settings(env_file=None).mail_url == SecretStr("console:")


def test_domain_of_a_sender_is_written_in_ascii() -> None:
    for text, domain in (
        ("Post <post@Bücher.example>", "xn--bcher-kva.example"),
        ("post@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("post@mail.local", "mail.local"),
    ):
        assert read_sender(text).domain == domain
    for text in (
        "post@-x.example",
        "post@a_b.example",
        "post@xn--\u2028.example",
        "jörg@example.com",
        "x" * 65 + "@y.example",
    ):
        with pytest.raises(ValueError, match=r"no valid host name|not one address|all ASCII"):
            read_sender(text)


def test_name_that_servers_are_given_is_never_an_invalid_one() -> None:
    public = "https://auth.example.com:8443/"
    for own, public_url, name in (
        ("mx1.example.com", public, "mx1.example.com"),
        ("3f2a9c", public, "auth.example.com"),
        ("my_host.example.com", public, "auth.example.com"),
        ("büro.example", "http://localhost:8080", "xn--bro-hoa.example"),
        ("laptop", "http://localhost:8080", "[127.0.0.1]"),
        ("laptop", "http://192.0.2.7", "[127.0.0.1]"),
        ("laptop", "http://[2001:db8::1]", "[127.0.0.1]"),
        ("-x.example", "http://bücher.example", "xn--bcher-kva.example"),
        ("", "http://localhost", "[127.0.0.1]"),
    ):
        assert ehlo_name(None, own=own, public_url=public_url) == name


def test_name_that_is_chosen_is_taken_or_refused() -> None:
    for chosen, name in (
        ("mail.example.com", "mail.example.com"), ("bücher.example", "xn--bcher-kva.example"),
        ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"), ("localhost", "localhost"),
    ):  # fmt: skip
        assert ehlo_name(chosen, own="x", public_url="http://localhost") == name
    for chosen in (
        "two words", "a\r\nMAIL FROM:<x>", "my_host", "[nonsense]", "[2001:db8::1]", "[192.0.2.1", "a" * 64,
        "192.0.2.1",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="no valid host name"):
            ehlo_name(chosen, own="x", public_url="http://localhost")


def test_name_that_cannot_be_given_keeps_the_service_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_EHLO_NAME", "two words")

    with pytest.raises(SettingsError, match="MAIL_EHLO_NAME: it has no valid host name"):
        load_settings(env_file=None)
