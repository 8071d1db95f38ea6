"""The output of commands: tables for people, JSON for programs. JSON is UTF-8 in every locale."""

import io
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from gatepost.core.plain_text import one_line

Json = Annotated[bool, typer.Option("--json", help="Print JSON, in UTF-8.")]

# The column widths come from the first rows, so that a table with a million rows starts at once.
MEASURED = 100
WIDEST = 60
GAP = "  "


class Table:
    """Rows below a header, or `none`. Cells cannot contain control characters."""

    def __init__(self, *heads: str) -> None:
        self._waiting: list[list[str]] = [list(heads)]
        self._widths: list[int] | None = None

    def add(self, *cells: object) -> None:
        """Add a row. It is printed by `end` at the latest."""
        row = [_cell(value) for value in cells]
        if self._widths is not None:
            self._print(row, self._widths)
            return
        self._waiting.append(row)
        if len(self._waiting) > MEASURED:
            self._measure()

    def end(self) -> None:
        """Print the remaining rows."""
        if self._widths is not None:
            return
        if len(self._waiting) == 1:
            print("none")
        else:
            self._measure()

    def _measure(self) -> None:
        self._widths = [min(max(map(len, column)), WIDEST) for column in zip(*self._waiting, strict=True)]
        for row in self._waiting:
            self._print(row, self._widths)

    def _print(self, row: Sequence[str], widths: Sequence[int]) -> None:
        print(GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    """Print a JSON document."""
    data_out().write(json.dumps(value, indent=2, ensure_ascii=False, default=_json) + "\n")


def print_json_line(value: Any) -> None:
    """Print a JSON document on one line."""
    data_out().write(json.dumps(value, ensure_ascii=False, default=_json) + "\n")


def data_out() -> Any:
    """Return the standard output for data: UTF-8 with line feeds, in every locale and on every system."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Unpaired surrogates become the escapes that JSON has for them.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return sys.stdout


def people_out() -> None:
    """Escape characters that the terminal cannot show, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_cell, value))
        case _:
            return one_line(str(value))


def _json(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
