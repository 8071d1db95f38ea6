"""Reads `.env` and finds misspelt names in it. docs/env-file.md describes the format."""

import codecs
import io
import re
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LINE_END = re.compile(r"\r\n|\n|\r")
# Ratios of difflib; 1 is an exact match. Most names in the environment belong to other programs.
NEAR, VERY_NEAR = 0.7, 0.85
# A prefix that people add because other programs have one.
PREFIX = "GATEPOST_"
RENAMED = {
    "GUESS_LONGEST_WAIT_SECONDS": "GUESS_MAX_WAIT_SECONDS",
    "MAILBOX_STRANGERS_RATE": "MAILBOX_SHARED_RATE",
    "PASSWORD_QUEUE": "PASSWORD_QUEUE_SIZE",
    "PASSWORD_QUEUE_SECONDS": "PASSWORD_QUEUE_TIMEOUT_SECONDS",
}
# The trace exporter reads these itself.
OF_OTHERS = "OTEL_"
# The file that is being read. Pydantic's own parameter reads it by other rules.
ENV_FILE: ContextVar[Path | None] = ContextVar("env_file", default=None)


class EnvFileUnreadable(ValueError):
    """The file cannot be read. The message says why, and contains no value from it."""


@dataclass(frozen=True, slots=True)
class Misspelt:
    """An unknown name, where it was found, and the setting that was probably meant."""

    name: str
    place: str
    meant: str | None

    def __str__(self) -> str:
        guess = f"did you mean {self.meant}?" if self.meant else "it has no effect"
        if self.name.upper() in RENAMED:
            guess = f"it was renamed to {self.meant}"
        return f"{self.name} in {self.place} is not a setting: {guess}"


class EnvFileSource(PydanticBaseSettingsSource):
    """The settings in a `.env` file. A missing file counts as empty."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path | None) -> None:
        super().__init__(settings_cls)
        self._path = path

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the file's value of one setting."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all settings in the file."""
        said = {} if self._path is None else {name.lower(): value for name, value in read_env_file(self._path).items()}
        return {name: value for name, value in said.items() if name in self.settings_cls.model_fields}


def read_env_file(path: Path) -> dict[str, str]:
    """Return the names and values in a `.env` file, without interpolation. If a name occurs twice, the last one counts.

    Raises:
        EnvFileUnreadable: it is not UTF-8, or a line of it is not NAME=value.
    """
    # Pipes are allowed: password managers use them. A folder of this name is a virtual environment.
    if not (path.is_file() or path.is_fifo()):
        return {}
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EnvFileUnreadable(f"it cannot be read ({error.strerror})") from error
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(_decoded(content), newline="")):
        if binding.error or (binding.key is not None and binding.value is None):
            raise EnvFileUnreadable(f"line {_line(binding)} is not NAME=value, or a quote in it is not closed")
        if binding.key is not None:
            # Also moves it to the end: names may be in upper or lower case.
            values.pop(binding.key, None)
            values[binding.key] = binding.value or ""
    return values


def misspelt_names(
    known: Collection[str], *, env_file: Path, environment: Mapping[str, str]
) -> tuple[list[Misspelt], list[str]]:
    """Return misspelt names of settings, and the other unknown names in `.env`, which may be for other programs.

    `known` are the settings in upper case. A file that cannot be read counts as empty.
    """
    try:
        in_file = read_env_file(env_file) if env_file.is_file() else {}
    except EnvFileUnreadable:
        in_file = {}
    found = [Misspelt(name, str(env_file), _meant(name, known, NEAR)) for name in in_file if name.upper() not in known]
    near = [one for one in found if one.meant is not None]
    for name in sorted(environment.keys() - in_file.keys()):
        if name.upper() not in known and (meant := _meant(name, known, VERY_NEAR)):
            near.append(Misspelt(name, "the environment", meant))
    return near, [one.name for one in found if one.meant is None]


def _meant(name: str, known: Collection[str], nearness: float) -> str | None:
    upper = name.upper().replace("-", "_")
    if upper.startswith(OF_OTHERS):
        return None
    for candidate in (upper, upper.removeprefix(PREFIX), RENAMED.get(upper)):
        if candidate in known:
            return candidate
    return next(iter(get_close_matches(upper, known, n=1, cutoff=nearness)), None)


def _decoded(content: bytes) -> str:
    if content.startswith(UTF_16) or b"\0" in content:
        raise EnvFileUnreadable("it is UTF-16 or a binary file, not UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(LINE_END.findall(content[: error.start].decode("latin-1"))) + 1
        raise EnvFileUnreadable(f"line {line} is not UTF-8; the file may be Latin-1 or Windows-1252") from None


def _line(binding: Binding) -> int:
    """Return the line number of a binding, after the empty lines before it."""
    text = binding.original.string
    before: str = text[: len(text) - len(text.lstrip())]
    line: int = binding.original.line
    return line + len(LINE_END.findall(before))
