"""The words of the pages: the same texts in each language, and none that is missing where a page or script asks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import gatepost.console
from gatepost.audit.log import AuditEvent
from gatepost.console.languages import choose_language
from gatepost.console.translations import Words
from gatepost.identity.assurance.decision import Refusal
from gatepost.identity.links.mails import STOPS, LinkEnd
from gatepost.mail.languages import SUPPORTED
from gatepost.mail.outbox import MailKind

# What the pages leave out, or tell in words of its own.
NOT_SHOWN = {"reason", "before", "after", "changed", "amr", "role_ids"}
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


def test_no_line_ends_within_the_german_word_for_a_mail() -> None:
    texts = Words("de").below("account", "common", "problem", "admin_people").values()

    assert not [text for text in texts if "E-Mail" in text]
    assert [text for text in texts if text.startswith("E\N{NON-BREAKING HYPHEN}Mail-Adresse")]


@pytest.mark.parametrize("file", sorted([*CONSOLE.rglob("*.j2"), *CONSOLE.rglob("*.js")]), ids=lambda file: file.name)
def test_texts_that_a_file_asks_for_exist(file: Path) -> None:
    asked = set(KEY.findall(file.read_text(encoding="utf-8")))

    assert sorted(asked - ENGLISH.keys) == []


def test_every_event_of_the_audit_log_has_words_and_its_group_too() -> None:
    assert {f"events.{event}" for event in AuditEvent} == {key for key in ENGLISH.keys if key.startswith("events.")}
    assert {f"admin_audit.client.group.{event.partition('.')[0]}" for event in AuditEvent} <= ENGLISH.keys


def test_every_detail_and_reason_of_the_audit_log_has_words() -> None:
    sources = [ast.parse(file.read_text(encoding="utf-8")) for file in Path(gatepost.__file__).parent.rglob("*.py")]
    fields = {name for source in sources for name in _details_in(source)} - NOT_SHOWN
    reasons = {text for source in sources for text in _reasons_in(source)} | {*Refusal}
    reasons |= {end.name.lower() for end in (LinkEnd.ROLES_CHANGED, *STOPS[MailKind.INVITATION])}

    assert {"failures", "accounts", "repeated"} <= fields
    assert (
        sorted(f"admin_events.field.{name}" for name in fields if f"admin_events.field.{name}" not in ENGLISH.keys)
        == []
    )
    assert {"role_changed", "deletion_planned"} <= reasons
    assert sorted(text for text in reasons if f"admin_events.reason.{text}" not in ENGLISH.keys) == []


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


def _details_in(source: ast.Module) -> Iterator[str]:
    """Yield the names in each `details` that is passed to `record`, inline or through a variable of the file."""
    given = [node.value for node in ast.walk(source) if isinstance(node, ast.keyword) and node.arg == "details"]
    names = {"details"} | {value.id for value in given if isinstance(value, ast.Name)}
    kept = [
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id in names for one in node.targets)
    ]
    for value in (*given, *kept):
        for node in ast.walk(value):
            if isinstance(node, ast.Dict):
                yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))


def _reasons_in(source: ast.Module) -> Iterator[str]:
    """Give each `reason` that stands in a call as it is."""
    for node in ast.walk(source):
        if isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
