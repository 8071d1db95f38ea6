"""`.env`, read: what a line may look like, and names in it that were misspelt. docs/env-file.md has the rules."""

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
# Of difflib: 1 is the same word. Names in the environment belong to other programs, most of them.
NEAR, VERY_NEAR = 0.7, 0.85
# How people write our names where each program has a prefix of its own.
PREFIX = "GATEPOST_"
RENAMED = {
    "GUESS_LONGEST_WAIT_SECONDS": "GUESS_MAX_WAIT_SECONDS",
    "MAILBOX_STRANGERS_RATE": "MAILBOX_SHARED_RATE",
    "PASSWORD_QUEUE": "PASSWORD_QUEUE_SIZE",
    "PASSWORD_QUEUE_SECONDS": "PASSWORD_QUEUE_TIMEOUT_SECONDS",
}
# The exporter of traces reads these itself.
OF_OTHERS = "OTEL_"
# The file that settings which are made now are read from. Pydantic's own parameter reads it by other rules.
ENV_FILE: ContextVar[Path | None] = ContextVar("env_file", default=None)


class EnvFileUnreadable(ValueError):
    """The file cannot be read; the message says why, and holds no value of it."""


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A name that is no setting's, where it stands, and the setting that was meant, if one is near."""

    name: str
    place: str
    meant: str | None

    def __str__(self) -> str:
        guess = f"did you mean {self.meant}?" if self.meant else "it does nothing"
        if self.name.upper() in RENAMED:
            guess = f"it was renamed to {self.meant}"
        return f"{self.name} in {self.place} is no setting: {guess}"


class EnvFileSource(PydanticBaseSettingsSource):
    """The settings of a `.env`; no file is an empty one."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path | None) -> None:
        super().__init__(settings_cls)
        self._path = path

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what the file says of one setting."""
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return what the file says of all settings."""
        said = {} if self._path is None else {name.lower(): value for name, value in read_env_file(self._path).items()}
        return {name: value for name, value in said.items() if name in self.settings_cls.model_fields}


def read_env_file(path: Path) -> dict[str, str]:
    """Return the names and values of a `.env`, as they are: nothing is filled in. Of two alike the last one counts.

    Raises:
        EnvFileUnreadable: it is not UTF-8, or a line of it is not NAME=value.
    """
    # A pipe will do, as password managers make one; a folder of this name is a virtual environment.
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
            # Last in the order, too: settings are named in either case.
            values.pop(binding.key, None)
            values[binding.key] = binding.value or ""
    return values


def misspelt_names(
    known: Collection[str], *, env_file: Path, environment: Mapping[str, str]
) -> tuple[list[Misspelt], list[str]]:
    """Return names that are near to a setting's and none, and the other names of `.env`, which may be for others.

    `known` are the settings in capitals. A file that cannot be read has no names.
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
        raise EnvFileUnreadable("it is UTF-16, or no text at all, and not UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(LINE_END.findall(content[: error.start].decode("latin-1"))) + 1
        raise EnvFileUnreadable(f"line {line} is not UTF-8; the file may be Latin-1 or Windows-1252") from None


def _line(binding: Binding) -> int:
    """Return where a line begins, past the empty ones before it."""
    text = binding.original.string
    before: str = text[: len(text) - len(text.lstrip())]
    line: int = binding.original.line
    return line + len(LINE_END.findall(before))
