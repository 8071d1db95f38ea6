"""User names and e-mail addresses: what is one, and its canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.identity.accounts.names import (
    canonical_identifier,
    is_reserved,
    parse_email,
    parse_existing_email,
    parse_username,
)


@pytest.mark.parametrize(
    ("text", "display", "canonical"),
    [
        ("Abbey Salami", "Abbey Salami", "abbey salami"),
        ("  Abbey Salami  ", "Abbey Salami", "abbey salami"),
        ("\tAbbey  \u00a0 Salami\u3000\r\n", "Abbey Salami", "abbey salami"),
        (f"{'a ' * 20}{' ' * 99}{'b ' * 12}", "a " * 20 + ("b " * 12).strip(), "a " * 20 + ("b " * 12).strip()),
        ("ＡＢＢＥＹ", "ABBEY", "abbey"),
        ("Jose\u0301", "Jos\u00e9", "jos\u00e9"),
        ("Straße", "Straße", "straße"),
        ("o.neil-7_x", "o.neil-7_x", "o.neil-7_x"),
        ("山田 太郎", "山田 太郎", "山田 太郎"),
        ("東京Tokyo", "東京Tokyo", "東京tokyo"),
        ("Ольга Smith", "Ольга Smith", "ольга smith"),
        ("x" * 64, "x" * 64, "x" * 64),
    ],
)
def test_user_name_has_two_forms(text: str, display: str, canonical: str) -> None:
    name = parse_username(text)

    assert (name.display, name.canonical) == (display, canonical)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "words separated by single spaces"),
        (" ", "words separated by single spaces"),
        ("\t", "words separated by single spaces"),
        ("a\tb", "words separated by single spaces"),
        ("a\u200db", "words separated by single spaces"),
        ("a\x00b", "words separated by single spaces"),
        ("😀", "words separated by single spaces"),
        ("a@b", "cannot contain @"),
        ("a＠b", "cannot contain @"),
        ("x" * 65, "at most 64 characters"),
        ("pаypal", "must be in one script"),
        ("gοοgle", "must be in one script"),
    ],
)
def test_text_that_is_no_user_name(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_username(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Heba@GMail.com", "heba@gmail.com"),
        ("heba+shop@gmail.com", "heba+shop@gmail.com"),
        ("heba@MÜNCHEN.de", "heba@xn--mnchen-3ya.de"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("\u00a0 a@b.example\n", "a@b.example"),
    ],
)
def test_address_has_a_canonical_form(text: str, canonical: str) -> None:
    assert parse_email(text).canonical == canonical


@pytest.mark.parametrize(
    "text", ["", "x", "@", "a@", "@b.example", "a@b", "a b@c.example", "a\n@b.example", "a@b..example"]
)
def test_text_that_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        parse_email(text)


def test_reserved_domain_is_taken_from_another_system_and_for_no_new_account() -> None:
    wrong = []
    for text in (
        "a@b.test",
        "A@LOCALHOST",
        "a@printer.local",
        "a@x.invalid",
        "a@B.Onion",
        "a@example",
        "a@b\u00fccher.test",
    ):
        name = parse_existing_email(f" {text} ")
        canonical = text.lower().replace("b\u00fccher", "xn--bcher-kva")
        if name.canonical != canonical or not is_reserved(name) or canonical_identifier(text) != ("email", canonical):
            wrong.append((text, name))
        with pytest.raises(ValueError, match="not an e-mail address"):
            parse_email(text)

    assert wrong == []
    assert not is_reserved(parse_email("a@b.example"))
    assert not is_reserved(parse_email("a@test.com"))
    for text in ("a@intranet", "a@.test", "a@b..test", "a@test.", "@b.test", "a@-.test", "a@b.test@c.test"):
        with pytest.raises(ValueError, match="not an e-mail address"):
            parse_existing_email(text)


def test_canonical_form_of_an_address_is_bounded() -> None:
    domain = ".".join(["d" * 60] * 4)[:-8]

    assert len(parse_email(f"abc@{domain}.com").canonical) <= 254
    with pytest.raises(ValueError, match="at most 254 characters"):
        parse_existing_email(f"\ufdfa@{domain}.com")


def test_sign_in_tells_names_and_addresses_apart() -> None:
    assert canonical_identifier("Abbey Salami") == ("username", "abbey salami")
    assert canonical_identifier(" Heba@GMail.com ") == ("email", "heba@gmail.com")
    assert canonical_identifier("a@b@c") is None
    assert canonical_identifier("") is None


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_and_its_canonical_form_stays(text: str) -> None:
    found = canonical_identifier(text)

    if found is not None:
        assert canonical_identifier(found[1]) == found


@given(st.text(min_size=1, max_size=64))
def test_display_form_is_the_same_name(text: str) -> None:
    try:
        name = parse_username(text)
    except ValueError:
        return
    assert parse_username(name.display).canonical == name.canonical
