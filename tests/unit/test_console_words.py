"""The words of the pages: the same texts in each language, and none that is missing where a page or script asks."""

import re
from pathlib import Path
from string import Formatter

import pytest

import gatepost.console
from gatepost.audit.log import AuditEvent
from gatepost.console.languages import choose_language
from gatepost.console.translations import Words
from gatepost.mail.languages import SUPPORTED

CONSOLE = Path(gatepost.console.__file__).parent
ENGLISH = Words("en")
# `t("…")` of a template and `say("…")` of a script, where the key stands there whole.
KEY = re.compile(r"""\b(?:t|say|find)\(\s*"([a-z_]+(?:\.[a-zA-Z_]+)+)"\s*[,)]""")


@pytest.mark.parametrize("language", SUPPORTED)
def test_each_language_has_the_same_texts_with_the_same_names_in_them(language: str) -> None:
    words = Words(language)

    assert words.keys == ENGLISH.keys
    for key, text in words.below(*{key.partition(".")[0] for key in words.keys}).items():
        assert _names(text) == _names(ENGLISH.below(key.partition(".")[0])[key]), key


@pytest.mark.parametrize("file", sorted([*CONSOLE.rglob("*.j2"), *CONSOLE.rglob("*.js")]), ids=lambda file: file.name)
def test_texts_that_a_file_asks_for_exist(file: Path) -> None:
    asked = set(KEY.findall(file.read_text(encoding="utf-8")))

    assert sorted(asked - ENGLISH.keys) == []


def test_every_event_of_the_audit_log_has_words() -> None:
    assert {f"events.{event}" for event in AuditEvent} <= ENGLISH.keys


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "language"),
    [
        (None, None, "", "en"),
        (None, None, "de", "de"),
        (None, None, "DE-ch, en;q=0.9", "de"),
        (None, None, "fr, en;q=0.3, de;q=0.8", "de"),
        (None, None, "de;q=nonsense, en;q=0.1", "en"),
        (None, "de", "en", "de"),
        ("en", "de", "de", "en"),
        ("xx", "../..", "*", "en"),
    ],
)
def test_language_is_the_chosen_one_or_the_best_of_the_browser_s(
    asked: str | None, remembered: str | None, accepted: str, language: str
) -> None:
    assert choose_language(asked=asked, remembered=remembered, accepted=accepted, default="en") == language


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
