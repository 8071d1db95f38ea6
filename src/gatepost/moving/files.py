"""Accounts in files: CSV, and JSON lines as `gatepost export` writes them."""

import csv
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from gatepost.admin.schemas import PERMISSION, can_be_role_name
from gatepost.core.strict_json import StrictJsonError, loads
from gatepost.moving.importing import Chunk, NewRole
from gatepost.moving.records import COLUMNS, Conflict, Row

CHUNK = 500
ALL = "*"


class FileUnreadable(ValueError):
    """The file as a whole is not what it should be; the message says why."""


class JsonLines:
    """A file with a JSON object a line, in UTF-8: accounts, and roles where `type` is `role`."""

    total: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = "jsonl"

    async def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read everything, once and in order; a line that cannot be read is a conflict."""
        chunk = Chunk()
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    _add(chunk, line, place=f"line {number}", now=now)
                if len(chunk.rows) >= CHUNK:
                    yield chunk
                    chunk = Chunk()
        yield chunk


class CsvFile:
    """A CSV file (RFC 4180) in UTF-8 whose first line names the columns."""

    total: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = "csv"

    async def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read everything, once and in order; a line that cannot be read is a conflict.

        Raises:
            FileUnreadable: the first line names no columns, or one that we do not know.
        """
        # What is not UTF-8 becomes a lone surrogate, so that the line is named and no other one is lost.
        with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            reader = csv.reader(text, strict=True)
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
        columns = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise FileUnreadable(f"the first line is not CSV: {error}") from error
    unknown = sorted(set(columns) - COLUMNS)
    if unknown or len(set(columns)) != len(columns) or not {"username", "email"} <= set(columns):
        raise FileUnreadable(
            "the first line names each column once, username and email among them; the columns are "
            + ", ".join(sorted(COLUMNS))
        )
    return columns


def _lines(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Give each line's number with its cells, or with what is wrong with it."""
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


def _add(chunk: Chunk, line: bytes, *, place: str, now: datetime) -> None:
    try:
        value = loads(line.removeprefix(b"\xef\xbb\xbf") if place == "line 1" else line)
    except StrictJsonError as error:
        chunk.conflicts.append(Conflict("line_refused", place, f"the JSON cannot be read: {error}"))
        return
    if not isinstance(value, dict):
        chunk.conflicts.append(Conflict("line_refused", place, "it is not a JSON object"))
        return
    match value.pop("type", "account"):
        case "account":
            chunk.rows.append(Row.read(value, place=place, now=now))
        case "role":
            _add_role(chunk, value, place=place)
        case _:
            chunk.conflicts.append(Conflict("line_refused", place, "its type is neither account nor role"))


def _add_role(chunk: Chunk, value: dict[str, Any], *, place: str) -> None:
    name, permissions = value.get("name"), value.get("permissions", [])
    description = value.get("description", "")
    is_role = (
        set(value) <= {"name", "permissions", "description"}
        and isinstance(name, str)
        and can_be_role_name(name)
        and isinstance(description, str)
        and len(description) <= 255
        and isinstance(permissions, list)
        and all(isinstance(word, str) and (word == ALL or re.fullmatch(PERMISSION, word)) for word in permissions)
    )
    if not is_role:
        reason = f"a role has a name, a description and permissions, not {json.dumps(sorted(value))[:200]}"
        chunk.conflicts.append(Conflict("role_refused", place, reason))
        return
    chunk.roles.append(NewRole(str(name), str(description), tuple(permissions), is_full=True))
