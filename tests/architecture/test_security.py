"""The security page names existing tests, answers every requirement, and is true of the program."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gatepost.app import create_app
from gatepost.core.settings import Settings

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
ROW = re.compile(r"^\| ([\d., –]+) \| ([12]) \| (.+) \| (.+) \|$", re.MULTILINE)
# How many requirements of levels 1 and 2 the sections of ASVS 5.0.0 have, in order, by their levels; 3 is not answered.
LEVELS = {
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
}  # fmt: skip
# What shows a requirement besides a test: a document, this page, a file of the code, or a plain statement.
OTHERWISE = re.compile(
    r"\]\(|\babove\b|does not apply|\*\*(no|in part|yours)\*\*|there are none|\.(py|js)`|^256$|standard error|^SHA-256"
)
ASSERTING = re.compile(r"assert|refused|raises|expect")
TOKENS = {"access_token", "accessToken"}
# Code that asks for tokens to be issued, whatever form the answer has.
MAKERS = {
    "identity/assurance/opening.py:issue",
    "identity/sessions/tokens.py:_pair",
    "identity/sessions/tokens.py:access_of",
    "flows/session/router.py:refresh",
    "flows/oauth/token/router.py:token",
}


def test_every_test_that_is_named_exists_and_can_fail() -> None:
    named = sorted(set(TEST.findall(PAGE)))

    assert len(named) > 90
    for path, name in named:
        found = [one for one in ast.walk(_parsed(path)) if _is_function(one) and one.name == name]  # type: ignore[attr-defined]
        assert len(found) == 1, f"{path}::{name}"
        called = (ast.unparse(node.func) for node in ast.walk(found[0]) if isinstance(node, ast.Call))
        asserts = any(isinstance(node, ast.Assert) for node in ast.walk(found[0]))
        assert asserts or any(ASSERTING.search(call) for call in called), f"{path}::{name} looks at nothing"


def test_every_requirement_of_its_chapters_has_one_answer_at_its_level() -> None:
    answered = [(number, level) for numbers, level, *_ in ROW.findall(PAGE) for number in _numbers(numbers)]
    wanted = {
        f"{section}.{number}": level
        for section, levels in LEVELS.items() for number, level in enumerate(levels, start=1) if level != "3"
    }  # fmt: skip

    assert [number for number, count in Counter(number for number, _ in answered).items() if count > 1] == []
    assert dict(answered) == wanted


def test_every_answer_is_a_test_or_says_what_else_it_is() -> None:
    for numbers, _, _, shown in ROW.findall(PAGE):
        assert TEST.search(shown) or OTHERWISE.search(shown), numbers


def test_files_of_the_code_that_are_named_exist() -> None:
    named = set(re.findall(r"`([a-z_]+/[\w/-]+\.(?:py|js))`", PAGE))

    assert named
    assert [name for name in named if not (CHECKOUT / "src/gatepost" / name).is_file()] == []


def test_numbers_of_settings_are_the_defaults() -> None:
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    said = re.findall(r"`([A-Z][A-Z_]+)` \((\d+)\)", PAGE)

    assert len(said) > 3
    assert {name: int(number) for name, number in said} == {name: defaults[name] for name, _ in said}


def test_every_way_to_a_token_is_listed() -> None:
    section = PAGE.partition("### The ways in")[2].partition("###")[0]
    listed = set(re.findall(r"`(POST /api/\S+)`", section))
    app = create_app(Settings(_env_file=None, secret_key="only for describing the routes"))
    giving = {
        f"{method} {route.path}" for route in _routes(app.routes) for method in route.methods or () if _gives(route)
    }

    assert giving == listed


def test_tokens_are_made_for_the_listed_ways_alone() -> None:
    source = CHECKOUT / "src/gatepost"
    making = {
        f"{path.relative_to(source).as_posix()}:{function.name}"
        for path in source.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and re.search(r"(tokens|access)\.(issue|refresh)$", ast.unparse(call.func))
    }

    assert making == MAKERS


def _numbers(text: str) -> Iterator[str]:
    """Yield the numbers of a row: `6.6.1–6.6.3, 7.1.1` is four."""
    for part in text.split(", "):
        first, _, last = part.partition("–")
        section, _, start = first.rpartition(".")
        end = int((last or first).rpartition(".")[2])
        yield from (f"{section}.{number}" for number in range(int(start), end + 1))


def _routes(routes: object) -> Iterator[APIRoute]:
    for route in routes if isinstance(routes, list) else []:
        if isinstance(route, APIRoute):
            yield route


def _gives(route: APIRoute) -> bool:
    """Whether an answer has an access token."""
    models = get_args(route.response_model) or (route.response_model,)
    fields = [
        field for model in models if isinstance(model, type) and issubclass(model, BaseModel)
        for field in model.model_fields.items()
    ]  # fmt: skip
    return any(TOKENS & {name, field.alias} for name, field in fields)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _parsed(path: str) -> ast.Module:
    file = CHECKOUT / "tests" / path
    if not file.is_file():
        pytest.fail(f"there is no {file}")
    return ast.parse(file.read_text(encoding="utf-8"))
