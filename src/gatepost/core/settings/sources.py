"""Where settings come from: the environment, then `.env`, then a folder with a file for each."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import SettingsError as UnreadableSource

from gatepost.core.settings.env_file import ENV_FILE, read_env_file
from gatepost.core.settings.model import Settings

# Of variables whose names are not known beforehand, as those of settings are: `PROVIDER_<NAME>_<KEY>`.
PROVIDER = "PROVIDER_"


def read_settings(env_file: Path | None, secrets_folder: Path) -> Settings:
    """Read all settings, unchecked, and the variables of providers.

    Raises:
        ValidationError: a value is malformed.
        EnvFileUnreadable, UnreadableSource: a file cannot be read.
    """
    reading = ENV_FILE.set(env_file)
    try:
        settings = Settings(_secrets_dir=secrets_folder if secrets_folder.is_dir() else None)
    finally:
        ENV_FILE.reset(reading)
    return settings.with_provider_variables(_provider_variables(env_file, secrets_folder))


def _provider_variables(env_file: Path | None, secrets_folder: Path) -> Mapping[str, SecretStr]:
    """Return these variables by their names in upper case; empty ones count as unset."""
    in_file = read_env_file(env_file) if env_file is not None else {}
    return {
        name.upper(): SecretStr(value)
        for source in (_in_folder(secrets_folder), in_file, os.environ)
        for name, value in source.items()
        if name.upper().startswith(PROVIDER) and value
    }


def _in_folder(folder: Path) -> Mapping[str, str]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    try:
        return {
            path.name: path.read_text(encoding="utf-8").strip()
            for path in files
            if path.name.upper().startswith(PROVIDER) and path.is_file()
        }
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableSource("a file of a provider") from error
