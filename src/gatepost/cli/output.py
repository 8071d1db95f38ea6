"""What commands print: tables for people, JSON for programs, which is UTF-8 whatever the locale."""

import io
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from gatepost.core.plain_text import one_line

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead, in UTF-8.")]

# The widths are those of the first rows, so that a table of a million begins at once.
MEASURED = 100
WIDEST = 60
GAP = "  "


class Table:
    """Rows under their heads, or `none`; nothing in a cell moves the cursor or ends the line."""

    def __init__(self, *heads: str) -> None:
        self._waiting: list[list[str]] = [list(heads)]
        self._widths: list[int] | None = None

    def add(self, *cells: object) -> None:
        """Add a row; it may be printed a little later, and at the latest by `end`."""
        row = [_cell(value) for value in cells]
        if self._widths is not None:
            self._print(row, self._widths)
            return
        self._waiting.append(row)
        if len(self._waiting) > MEASURED:
            self._measure()

    def end(self) -> None:
        """Print what waits."""
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
    """Print one document."""
    data_out().write(json.dumps(value, indent=2, ensure_ascii=False, default=_json) + "\n")


def print_json_line(value: Any) -> None:
    """Print one document of many, each on a line of its own."""
    data_out().write(json.dumps(value, ensure_ascii=False, default=_json) + "\n")


def data_out() -> Any:
    """Return the standard output as data wants it: UTF-8 and plain line feeds, whatever the locale and the system."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Half a surrogate pair becomes the escape that JSON has for it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return sys.stdout


def people_out() -> None:
    """Let a letter that the terminal lacks be shown by its number, instead of ending the command."""
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
