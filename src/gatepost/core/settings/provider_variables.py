"""The variables `PROVIDER_<NAME>_<KEY>`: their names are not known beforehand, as those of settings are."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from gatepost.core.settings.env_file import read_env_file

PREFIX = "PROVIDER_"


def provider_variables(*, env_file: Path | None, secrets_folder: Path) -> Mapping[str, SecretStr]:
    """Return these variables by their names in upper case; the sources and their order are those of the settings.

    Raises:
        EnvFileUnreadable: the file cannot be read.
        OSError, UnicodeDecodeError: a file in the folder cannot be read.
    """
    in_folder = {
        path.name: path.read_text(encoding="utf-8").strip()
        for path in (sorted(secrets_folder.iterdir()) if secrets_folder.is_dir() else ())
        if path.name.upper().startswith(PREFIX) and path.is_file()
    }
    in_file = read_env_file(env_file) if env_file is not None else {}
    return {
        name.upper(): SecretStr(value)
        for source in (in_folder, in_file, os.environ)
        for name, value in source.items()
        if name.upper().startswith(PREFIX) and value
    }
