"""User names and e-mail addresses: what is one, and its canonical form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.accounts.names import canonical_identifier, parse_email, parse_username


@pytest.mark.parametrize(
    ("text", "display", "canonical"),
    [
        ("Abbey Salami", "Abbey Salami", "abbey salami"),
        ("  Abbey Salami  ", "Abbey Salami", "abbey salami"),
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
        ("", "words joined by single spaces"),
        (" ", "words joined by single spaces"),
        ("a  b", "words joined by single spaces"),
        ("a\tb", "words joined by single spaces"),
        ("a\u200db", "words joined by single spaces"),
        ("a\x00b", "words joined by single spaces"),
        ("😀", "words joined by single spaces"),
        ("a@b", "has no @"),
        ("a＠b", "has no @"),
        ("x" * 65, "at most 64 characters"),
        ("pаypal", "written in one script"),
        ("gοοgle", "written in one script"),
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
    ],
)
def test_address_has_a_canonical_form(text: str, canonical: str) -> None:
    assert parse_email(text).canonical == canonical


@pytest.mark.parametrize(
    "text", ["", "x", "@", "a@", "@b.example", "a@b", "a b@c.example", "a@b.example\n", "a@b..example"]
)
def test_text_that_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        parse_email(text)


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
