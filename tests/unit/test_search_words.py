"""What accounts are found by: which words a name has, and how they are compared."""

import pytest

from gatepost.identity.accounts.search_words import LONGEST_WORD, MOST_TERMS, terms_of, words_of


def finds(search: str, *names: str) -> bool:
    """Whether a search finds an account with these names."""
    words = words_of(*names)
    terms = terms_of(search)
    return bool(terms) and all(any(word.startswith(term) for word in words) for term in terms)


def test_words_stand_with_what_follows_them() -> None:
    assert words_of("Jane Miller", "jane.m+x@mail.example.com") == {
        "jane", "miller", "jane.m.x", "m.x", "x", "mail.example.com", "example.com", "com",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("Jörg Müller-Lüdenscheidt", ["jorg", "MULLER", "ludenscheidt", "müller lüd", "Mu\u0308ller", "muller_lud"]),
        ("Jörg Müller-Lüdenscheidt", ["MUELLER", "joe", "mueller lued", "mueller-luedenscheidt", "mueller jorg"]),
        ("Änne.Größ@büro.example", ["aenne.groess", "anne.gross", "buero.example"]),
        ("Øyvind Ångström", ["oeyvind aangstroem", "oyvind angstrom"]),
        ("Straße", ["STRASSE", "straße", "strass"]),
        ("Łukasz Østergård", ["lukasz", "ostergard", "Łuk Øst"]),
        ("Işık İnan", ["isik", "IŞIK", "inan", "ışık", "İNAN"]),
        ("Ελένη Παπαδάκης", ["ελενη", "ΠΑΠΑΔΑΚΗΣ", "παπαδακησ"]),
        ("Ａｂｂｅｙ", ["abbey", "ABB"]),
        ("山田太郎", ["山田", "太郎", "山田太郎", "郎"]),
        ("김민수", ["김", "민수"]),
        ("Seán O'Brien", ["obrien", "o'brien", "o’b", "brien", "sean"]),
        ("anna1985", ["ANNA19"]),
        ("a_b-c.d", ["a.b", "b c", "d", "a-b-c-d"]),
        ("münchen.de xn--mnchen-3ya.de", ["münchen", "munchen.de", "xn--mnchen-3ya.de"]),
        ("x" * 80, ["x" * 64, "x" * 80]),
    ],
)
def test_spelling_does_not_matter(name: str, searches: list[str]) -> None:
    assert [search for search in searches if not finds(search, name)] == []


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("abbey", "bbey"),
        ("abbey", "abbeys"),
        ("김민수", "기"),
        ("Jane Miller", "jane smith"),
        ("jane@mail.example.com", "ample.com"),
        ("jane@mail.example.com", "mail.com"),
        ("Joe Samuel", "jo samul"),
    ],
)
def test_other_beginnings_are_not_found(name: str, search: str) -> None:
    assert not finds(search, name)


@pytest.mark.parametrize(
    "search", ["", " ", "%", "_", "\\", "...", "@", "' OR 1=1"[0:1], "\x00", "🙂", "\ud800", "\u0301"]
)
def test_what_has_no_letter_and_no_digit_is_no_word(search: str) -> None:
    assert terms_of(search) == ()


def test_search_of_any_length_has_few_terms_and_none_twice() -> None:
    many = terms_of(" ".join(f"word{number}" for number in range(200)))

    assert len(many) == MOST_TERMS
    assert terms_of("anna ann ANNA anna.m") == ("anna.m",)
    assert terms_of("x" * 10_000) == ("x" * LONGEST_WORD,)


def test_no_name_has_more_words_than_letters() -> None:
    longest = words_of("山" * 64, "a." * 31 + "aa@" + ".".join("b" * 120))

    assert len(longest) < 300
    assert len(words_of("ü." * 32)) <= 2 * 32
    assert all(0 < len(word) <= LONGEST_WORD for word in longest)
