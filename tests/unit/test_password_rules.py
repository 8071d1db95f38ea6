"""Passwords that attackers try first."""

import sys

import pytest

from gatepost.identity.accounts.errors import PasswordNotAllowed
from gatepost.identity.credentials.common_passwords import common_passwords
from gatepost.identity.credentials.password_rules import PasswordRules

NAMES = ("Abbey Salami", "heba.lotfi84@gmail.com")
RULES = PasswordRules(shortest=8, refuses_common=True)


def refused(password: str, names: tuple[str, ...] = NAMES) -> bool:
    """Whether the rules refuse a password."""
    try:
        RULES.check(password, names=names)
    except PasswordNotAllowed:
        return True
    return False


def test_list_holds_more_than_the_3000_that_match_the_shortest_length() -> None:
    assert len(common_passwords(8)) > 3000
    assert min(map(len, common_passwords(8))) == 8
    # Its own tables would cost more memory than the rest of a worker.
    assert "zxcvbn" not in sys.modules


@pytest.mark.parametrize("password", ["password", "PassWord", "12345678", "qwertyuiop", "trustno1", "ｐａｓｓｗｏｒｄ"])
def test_common_password_is_refused_however_it_is_written(password: str) -> None:
    assert refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "Abbey Salami", "abbeysalami", "AbbeySalami1999", "abbey2024!", "2024salami", "imalas yebba", "ＡＢＢＥＹ-2024",
        "heba.lotfi84", "heba.lotfi84@gmail.com", "hebalotfi84", "Lotfi-1984", "gatepost", "Gatepost2026", "xxsalami99",
        "Heba12xyz",
    ],
)  # fmt: skip
def test_password_that_is_a_name_and_little_else_is_refused(password: str) -> None:
    assert refused(password)


@pytest.mark.parametrize("password", ["correct horse", "abbey road tunes", "salami and cheese", "93 x 41 = 3813"])
def test_password_of_other_words_is_accepted(password: str) -> None:
    assert not refused(password)


@pytest.mark.parametrize("names", [("Al", "al@ab.cd"), ("李", "x@example.com"), ("", "")])
def test_short_names_forbid_nothing(names: tuple[str, ...]) -> None:
    assert not refused("always correct", names)


def test_names_of_any_script_and_case_are_found() -> None:
    assert refused("ΟΔΥΣΣΕΑΣ-1999", ("Οδυσσέας".replace("έ", "ε"), "x@example.com"))
    assert refused("straßenbahn1", ("STRASSENBAHN", "x@example.com"))


def test_nothing_of_this_without_the_setting() -> None:
    PasswordRules(shortest=6).check("123456", names=("123456", "123456@example.com"))
