"""User names for people who have not chosen one."""

from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.identity.accounts.names import LONGEST_USERNAME, parse_username
from gatepost.identity.registration.usernames import suggestions


@pytest.mark.parametrize(
    ("hints", "first"),
    [
        (["ada", "lovelace@acme.example"], ["ada", "lovelace"]),
        (["Ada  Lovelace", None], ["Ada Lovelace"]),
        (["ada@acme.example", "ada.l@home.example"], ["ada", "ada.l"]),
        (["", "pаypal", "a\tb", "o.neil+shop@acme.example"], ["o.neil+shop"]),
    ],
)
def test_what_hints_say_comes_first_as_it_is(hints: list[str | None], first: list[str]) -> None:
    assert [name.display for name in islice(suggestions(*hints), len(first))] == first


def test_then_come_names_with_other_digits_each_time() -> None:
    names = [name.display for name in suggestions("ada")]
    others = [name.display for name in suggestions("ada")]

    assert len(set(names[1:] + others[1:])) == len(names[1:] + others[1:]) >= 2
    assert all(name.startswith("ada-") for name in names[1:])


def test_whose_hints_are_no_names_is_a_user() -> None:
    assert all(name.display.startswith("user-") for name in suggestions(None, "", "😀@acme.example"))


@given(st.text(max_size=80))
@example("x" * LONGEST_USERNAME)
@example("ﷺ" * 3)
@example("אבג٣")
@example("a" * 54 + " b")
def test_whatever_the_hint_there_is_a_name_with_digits_that_can_be_one(hint: str) -> None:
    last = [*suggestions(hint)][-1]

    assert parse_username(last.display) == last
    assert last.display[-1].isdigit()
