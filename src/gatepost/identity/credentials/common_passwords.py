"""The passwords that everybody chooses, from the list of the package zxcvbn; no network is asked."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

LIST = re.compile(r'"passwords": "([^"]*)"')


@cache
def common_passwords(shortest: int) -> frozenset[str]:
    """Return the common passwords that have so many characters or more, in lower case."""
    # Read as a file: importing the package builds tables of 30 MiB that nobody here needs.
    spec = find_spec("zxcvbn")
    if spec is None or spec.origin is None:
        raise AssertionError("the package zxcvbn is not installed")
    text = Path(spec.origin).with_name("frequency_lists.py").read_text(encoding="utf-8")
    found = LIST.search(text)
    if found is None:
        raise AssertionError("this version of zxcvbn keeps its list elsewhere")
    return frozenset(word for word in found[1].split(",") if len(word) >= shortest)
