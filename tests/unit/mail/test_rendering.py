"""The words of mails: every kind in every language, replaced templates, and words that other people choose."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gatepost.core.colors import Palette
from gatepost.mail.errors import TemplateBroken
from gatepost.mail.examples import TEST_MAIL, example
from gatepost.mail.outbox import MailKind
from gatepost.mail.rendering import BUILT_IN, Templates
from tests.support.clock import FakeClock

PUBLIC_URL = "https://accounts.example.com"
LANGUAGES = ("de", "en")
WITHOUT_LINK = (MailKind.ADDRESS_CODE, MailKind.CONFIRMATION_CODE)


def _context(kind: MailKind, **changes: Any) -> Mapping[str, Any]:
    made_up = example(kind, language="en", public_url=PUBLIC_URL, clock=FakeClock())
    return {**made_up.context, **changes}


def _templates(folder: Path | None = None, *, default_language: str = "en") -> Templates:
    return Templates(folder, default_language=default_language, product="Gatepost")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", MailKind)
def test_every_kind_is_there_in_every_language_in_text_and_html(kind: MailKind, language: str) -> None:
    context = _context(kind)

    mail = _templates().render(kind, language=language, context=context)

    assert (mail.language, mail.html is not None) == (language, True)
    assert mail.subject
    assert mail.html is not None
    links = [value for name, value in context.items() if name.endswith("link")]
    assert len(links) == (kind not in WITHOUT_LINK)
    for text in (mail.text, mail.html):
        for word in (*links, *(context.get(name) for name in ("username", "address", "invited_by", "code"))):
            assert not word or word in text
        assert "{{" not in text
        assert "{%" not in text
    assert all(f'href="{link}"' in mail.html for link in links)
    assert context.get("code", "no code") not in mail.subject
    assert "\n\n\n" not in mail.text


@pytest.mark.parametrize("kind", [kind for kind in MailKind if "device" in _context(kind)])
def test_german_mail_names_the_device_in_german(kind: MailKind) -> None:
    for device, german in (("Firefox on Linux", "Firefox unter Linux"), ("Unknown device", "Unbekanntes Gerät")):
        mail = _templates().render(kind, language="de", context=_context(kind, device=device))

        assert mail.html is not None
        for text in (mail.text, mail.html):
            assert german in text
            assert device not in text


@pytest.mark.parametrize("kind", [*MailKind, TEST_MAIL])
def test_html_loads_nothing_from_elsewhere(kind: str) -> None:
    context = _context(MailKind(kind)) if kind != TEST_MAIL else {}

    html = _templates().render(kind, language="en", context=context).html

    assert html is not None
    assert not [word for word in ("<img", "src=", "<link", "<script", "url(", "@import") if word in html]


def test_languages_have_the_same_templates() -> None:
    assert tuple(_templates().languages()) == LANGUAGES
    names = {language: {path.name for path in (BUILT_IN / language).iterdir()} for language in LANGUAGES}

    assert names["de"] == names["en"]
    assert {f"{kind}.txt.j2" for kind in MailKind} <= names["en"]


@pytest.mark.parametrize(
    ("wanted", "default", "chosen"),
    [
        ("de", "en", "de"),
        ("de-AT", "en", "de"),
        ("DE-at-1996", "en", "de"),
        ("fr-CA", "de", "de"),
        ("fr", "de-CH", "de"),
        ("fr", "fr", "en"),
        ("", "en", "en"),
        ("../../etc", "en", "en"),
        ("de/../../x", "en", "en"),
    ],
)
def test_nearest_language_is_chosen(wanted: str, default: str, chosen: str) -> None:
    mail = _templates(default_language=default).render(
        MailKind.NEW_DEVICE, language=wanted, context=_context(MailKind.NEW_DEVICE)
    )

    assert mail.language == chosen


@pytest.mark.parametrize(("language", "device"), [("en", "Firefox on Linux"), ("de", "Firefox unter Linux")])
@pytest.mark.parametrize("kind", [MailKind.NEW_DEVICE, MailKind.PASSWORD_CHANGED, MailKind.EMAIL_CHANGED])
def test_device_is_told_in_the_language_of_the_mail(kind: MailKind, language: str, device: str) -> None:
    mail = _templates().render(kind, language=language, context=_context(kind))

    assert device in mail.text
    assert device in (mail.html or "")


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "November 23, 2026, 7:03\u202fPM UTC"),
        ("en-GB", "23 November 2026, 19:03 UTC"),
        ("de-AT", "23. November 2026, 19:03 UTC"),
        ("fr", "November 23, 2026, 7:03\u202fPM UTC"),
    ],
)
def test_moments_are_written_as_the_language_does(language: str, written: str) -> None:
    at = FakeClock().now().replace(year=2026, month=11, day=23, hour=19, minute=3)

    mail = _templates().render(MailKind.NEW_DEVICE, language=language, context=_context(MailKind.NEW_DEVICE, at=at))

    assert written in mail.text


def test_template_of_the_folder_replaces_one_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "new_device.txt.j2").write_text(
        '{% extends "de/layout.txt.j2" %}{% block subject %}Achtung{% endblock %}{% block body %}Neu.{% endblock %}'
    )
    templates = _templates(tmp_path)

    german = templates.render(MailKind.NEW_DEVICE, language="de", context=_context(MailKind.NEW_DEVICE))
    english = templates.render(MailKind.NEW_DEVICE, language="en", context=_context(MailKind.NEW_DEVICE))
    other = templates.render(MailKind.RESET_PASSWORD, language="de", context=_context(MailKind.RESET_PASSWORD))

    assert (german.subject, german.text) == ("Achtung", "Guten Tag Abbey Salami,\n\nNeu.\n\nGatepost\n")
    assert english.subject == "New sign-in to your account"
    assert other.subject == "Passwort zurücksetzen"


def test_folder_adds_a_language_and_text_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "reset_password.txt.j2").write_text(
        "{% block subject %}Mot de passe{% endblock %}\n{{ link }}\n{{ expires_at | moment }}\n"
    )
    templates = _templates(tmp_path)

    mail = templates.render(MailKind.RESET_PASSWORD, language="fr-CA", context=_context(MailKind.RESET_PASSWORD))

    assert templates.languages() == ["de", "en", "fr"]
    assert (mail.language, mail.html) == ("fr", None)
    assert f"{PUBLIC_URL}/set-password#token=gpt_example" in mail.text


@pytest.mark.parametrize("broken", ["{{ lnik }}", "{% if %}", "{{ link | unknown }}", '{% extends "nowhere" %}'])
def test_broken_template_is_told_by_name(tmp_path: Path, broken: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "new_device.txt.j2").write_text("{% block subject %}x{% endblock %}" + broken)

    with pytest.raises(TemplateBroken, match=r"new_device|nowhere"):
        _templates(tmp_path).render(MailKind.NEW_DEVICE, language="en", context=_context(MailKind.NEW_DEVICE))


def test_missing_context_is_not_a_mail_without_a_link() -> None:
    context = {name: value for name, value in _context(MailKind.RESET_PASSWORD).items() if name != "link"}

    with pytest.raises(TemplateBroken, match="link"):
        _templates().render(MailKind.RESET_PASSWORD, language="en", context=context)


@pytest.mark.parametrize(
    "name", ["<b>Abbey</b>", '"><script>alert(1)</script>', "{{ link }}", "Abbey & <i>Co</i>", "' onclick='x"]
)
def test_words_of_people_are_text_in_html(name: str) -> None:
    mail = _templates().render(
        MailKind.NEW_DEVICE, language="en", context=_context(MailKind.NEW_DEVICE, username=name, device=name)
    )

    assert mail.html is not None
    assert not [tag for tag in ("<b>", "<script", "<i>", "Hello '") if tag in mail.html]
    assert mail.html.count("https://") == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name",
    [
        "You won! https://evil.example/win", "www.evil.example", "evil.example", "evil.example/win", "//evil.example",
        "Claim prize at evil.com. Thanks", "evil.com, or so", "(evil.com)", "evil.com!", "e.vil.co", "EVIL.COM",
        "evil.xn--p1ai", "evil\u3002com", "evil\uff0ecom", "evil\u2024com", "evil\uff61com", "evil.c\u200dom",
        "evil\u200b.com", "evil.\u2060com", "evil\u202e.com", "prize@evil", "mailto:evil", "tel:evil", "192.0.2.1",
        "evil\\share", "Call 0800 123 4567", "+49 (170) 1234567", "\u0664\u0664 \u0663\u0663 \u0662\u0662 \u0661\u0661",
        "www.evil",
    ],
)  # fmt: skip
def test_words_of_people_make_no_link(name: str, language: str) -> None:
    for kind in (MailKind.RESET_PASSWORD, MailKind.SET_PASSWORD, MailKind.NEW_DEVICE, MailKind.INVITATION):
        words = dict.fromkeys(("username", "device", "invited_by"), name) | {"roles": [name, "user"]}
        mail = _templates().render(kind, language=language, context={**_context(kind), **words})

        assert mail.html is not None
        for text in (mail.subject, mail.text, mail.html):
            assert not [word for word in ("evil", "EVIL", "0800", "170", "192.0.2", "\u0664") if word in text]
            assert "\u2060" not in text
        assert "Hello," in mail.text or "Guten Tag," in mail.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_people_are_told_from_ours(language: str) -> None:
    words = {"username": "Your account is blocked", "invited_by": "The administration"}
    quoted = {"en": "\u201c{}\u201d", "de": "\u201e{}\u201c"}[language]
    for kind, name in (
        (MailKind.SET_PASSWORD, "username"), (MailKind.SIGN_UP_TAKEN, "username"), (MailKind.INVITATION, "invited_by"),
    ):  # fmt: skip
        mail = _templates().render(kind, language=language, context={**_context(kind), **words})
        assert quoted.format(words[name]) in mail.text
        assert mail.html is not None
        assert quoted.format(f"<bdi>{words[name]}</bdi>") in mail.html


def test_ordinary_name_stays_as_it_is() -> None:
    for name in (
        "Abbey Salami",
        "Dr. Jörg",
        "李小龍",
        "J.R. Hartley",
        "O'Hara",
        "ジョン・スミス",
        "نام\u200cه",
        "Abbey 2024",
    ):
        context = _context(MailKind.SET_PASSWORD, username=name)
        assert f"Hello {name}," in _templates().render(MailKind.SET_PASSWORD, language="en", context=context).text


def test_words_of_people_cannot_add_lines_or_turn_the_writing() -> None:
    name = "Abbey\r\n\r\nClick here\u2028now\x1b[31m\u202egnihsihp" + "x" * 1000

    mail = _templates().render(MailKind.NEW_DEVICE, language="en", context=_context(MailKind.NEW_DEVICE, username=name))

    first = mail.text.splitlines()[0]
    assert first.startswith("Hello Abbey Click here now [31mgnihsihpxxx")
    assert len(first) < 300


def test_button_has_the_colour_of_the_team_and_text_that_can_be_read_on_it() -> None:
    for color, text in (("#ffd400", "#000000"), ("#1d1d8f", "#ffffff")):
        palette = Palette(color)
        templates = Templates(product="Gatepost", palette=palette)
        for language in LANGUAGES:
            html = templates.render(
                MailKind.VERIFY_EMAIL, language=language, context=_context(MailKind.VERIFY_EMAIL)
            ).html
            assert html is not None
            assert f"background: {color}; color: {text};" in html
            assert f"color: {palette.light_link};" in html
            assert f"a.address {{ color: {palette.dark_link} !important; }}" in html
