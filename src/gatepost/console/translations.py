"""The texts of the pages, from `texts/<language>/<subject>.toml`; the key of a text is `subject.section.name`."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "texts"
# Browsers may break a line after a plain hyphen, and "E-" alone at the end of a line is hard to read.
KEPT_TOGETHER = {"E-Mail": "E\N{NON-BREAKING HYPHEN}Mail"}


class Words:
    """All texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = {
            key: text
            for file in sorted((FOLDER / language).glob("*.toml"))
            for key, text in _flat(file.stem, tomllib.loads(file.read_text(encoding="utf-8")))
        }

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its `{names}` replaced.

        Raises:
            KeyError: there is no such text, or a value for it is missing.
        """
        text = self._texts[key]
        return text.format_map(values) if values else text

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all texts."""
        return frozenset(self._texts)

    def below(self, *prefixes: str) -> Mapping[str, str]:
        """Return the texts whose keys start with these prefixes, for a page's script."""
        starts = tuple(f"{prefix}." for prefix in prefixes)
        return {key: text for key, text in self._texts.items() if key.startswith(starts)}


@cache
def words_of(language: str) -> Words:
    """Return the texts in a language; each process reads them once."""
    return Words(language)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", _kept_together(str(value))


def _kept_together(text: str) -> str:
    for word, whole in KEPT_TOGETHER.items():
        text = text.replace(word, whole)
    return text
