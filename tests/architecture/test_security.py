"""The security page names tests that there are, and speaks of every requirement once."""

import re
from collections import Counter
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ROW = re.compile(r"^\| ([\d., –]+) \| ([12]) \| (.+) \| (.+) \|$", re.MULTILINE)


def test_every_test_that_is_named_exists() -> None:
    named = set(TEST.findall(PAGE))

    assert named
    assert [f"{path}::{name}" for path, name in sorted(named) if f"def {name}(" not in _source(path)] == []


def test_every_requirement_has_an_answer() -> None:
    rows = ROW.findall(PAGE)
    numbers = Counter(number for number, *_ in rows)

    assert len(rows) == len(re.findall(r"^\| \d", PAGE, re.MULTILINE))
    assert [number for number, count in numbers.items() if count > 1] == []


def _source(path: str) -> str:
    file = CHECKOUT / "tests" / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""
