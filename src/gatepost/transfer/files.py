"""Reads accounts from JSON lines, as `gatepost export` writes them."""

import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from gatepost.admin.accounts.schemas import can_be_role_name
from gatepost.admin.roles.schemas import PERMISSION
from gatepost.core.strict_json import StrictJsonError, loads
from gatepost.transfer.importing import Chunk, ImportedRole
from gatepost.transfer.records import Conflict, Row

CHUNK = 500
STDIN = "-"
ALL = "*"


class FileUnreadable(ValueError):
    """The whole file cannot be used; the message says why."""


class JsonLines:
    """A UTF-8 file with a JSON object per line: an account, or a role if `type` is `role`."""

    total: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = "jsonl"

    async def chunks(self, *, now: datetime) -> AsyncIterator[Chunk]:
        """Read the whole file once, in order; a line that cannot be read becomes a conflict."""
        chunk = Chunk()
        with opened(self._path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    _add(chunk, line, place=f"line {number}", now=now)
                if len(chunk.rows) >= CHUNK:
                    yield chunk
                    chunk = Chunk()
        yield chunk


def opened(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file for reading; `-` is standard input."""
    return nullcontext(sys.stdin.buffer) if str(path) == STDIN else path.open("rb")


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
            chunk.conflicts.append(Conflict("line_refused", place, "its type must be account or role"))


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
    chunk.roles.append(ImportedRole(str(name), str(description), tuple(permissions), is_full=True))
