"""The words of the pages: the same texts in each language, and none that is missing where a page or script asks."""

import re
from pathlib import Path
from string import Formatter

import pytest

import gatepost.console
from gatepost.audit.log import AuditEvent
from gatepost.console.brand import READABLE, Brand, contrast
from gatepost.console.languages import choose_language
from gatepost.console.words import Words
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


@pytest.mark.parametrize(
    "color", ["#0f766e", "#ffd400", "#ffffff", "#000000", "#ff0000", "#3b82f6", "#777777", "#fd083e"]
)
def test_any_colour_of_a_team_can_be_read(color: str) -> None:
    light, dark = Brand("Any", color, None).css.split("@media")

    for css, ground in ((light, "#f6f7f8"), (light, "#ffffff"), (dark, "#171c23"), (dark, "#0f1318")):
        shades = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))
        assert contrast(shades["accent"], ground) >= READABLE
        assert contrast(shades["accent"], _tinted(ground, shades["accent"])) >= READABLE
        assert contrast(shades["on-accent"], shades["accent"]) >= READABLE


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _tinted(ground: str, accent: str) -> str:
    """Return the ground of a notice: `--info-soft` in console.css."""
    pairs = ((int(ground[place : place + 2], 16), int(accent[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(0.93 * below + 0.07 * above):02x}" for below, above in pairs)
