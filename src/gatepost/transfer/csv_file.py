"""Reads accounts from a CSV file."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from gatepost.transfer.files import CHUNK, FileUnreadable, opened
from gatepost.transfer.importing import Chunk
from gatepost.transfer.records import COLUMNS, Conflict, Row

NAME = re.compile(r"[a-z][a-z _-]{0,30}")


class CsvFile:
    """A CSV file (RFC 4180) in UTF-8 whose first line names the columns."""

    total: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = "csv"

    async def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read the whole file once, in order; a line that cannot be read becomes a conflict.

        Raises:
            FileUnreadable: the first line names no columns, or an unknown one.
        """
        # Bytes that are not UTF-8 become lone surrogates, so that only their line is refused.
        with opened(self._path) as file:
            reader = csv.reader(
                io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline=""), strict=True
            )
            columns = _columns(reader)
            chunk = Chunk()
            for number, cells in _lines(reader):
                place = f"line {number}"
                if isinstance(cells, str):
                    chunk.conflicts.append(Conflict("line_refused", place, cells))
                elif len(cells) != len(columns):
                    reason = f"it has {len(cells)} cells and the first line {len(columns)}"
                    chunk.conflicts.append(Conflict("line_refused", place, reason))
                elif any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
                    chunk.conflicts.append(Conflict("line_refused", place, "it is not UTF-8"))
                else:
                    chunk.rows.append(Row.read(dict(zip(columns, cells, strict=True)), place=place, now=now))
                if len(chunk.rows) >= CHUNK:
                    yield chunk
                    chunk = Chunk()
            yield chunk


def _columns(reader: Any) -> list[str]:
    try:
        first = next(reader, None)
        if first is None:
            raise FileUnreadable("the file is empty; the first line must name each column")
        if any("\udc80" <= letter <= "\udcff" for name in first for letter in name):
            raise FileUnreadable("the first line is not UTF-8; save the file as UTF-8")
        columns = [name.strip().lower() for name in first]
    except csv.Error as error:
        raise FileUnreadable(f"the first line is not CSV: {error}") from error
    unknown = sorted(set(columns) - COLUMNS)
    if unknown or len(set(columns)) != len(columns) or not {"username", "email"} <= set(columns):
        # A first line that has no column names may contain an address or a hash.
        named = [name for name in unknown if NAME.fullmatch(name)]
        hint = f"; no column is called {', '.join(named)}" if named else ""
        raise FileUnreadable(
            f"the first line must name each column once, separated by commas, including username and email{hint}; the "
            f"columns are {', '.join(sorted(COLUMNS))}"
        )
    return columns


def _lines(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each line's number with its cells, or with what is wrong with it."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"it is not CSV: {error}"
            continue
        if cells:
            yield number, cells
