"""What is set up: PROVIDERS_FILE, and the variables `PROVIDER_<NAME>_<KEY>`, which override it key by key."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gatepost.core.settings import Complaint, Settings, SettingsError
from gatepost.core.settings.malformed import in_words
from gatepost.identity.providers.presets import PRESETS, Kind, Preset
from gatepost.identity.providers.settings import NAME, ProviderSettings

# The permissions of users who are neither the owner nor in the group.
OTHERS, OTHERS_WRITE = 0o007, 0o002
SECRETS = ("client_secret", "private_key")
SEE = "See docs/providers.md for the keys"
COMMON = frozenset({"kind", "title", "client_id", "scopes", "second_factor_amr", "second_factor_acr"})
KEYS = frozenset(ProviderSettings.model_fields) - {"name"}
VARIABLE = re.compile(f"PROVIDER_([A-Z][A-Z0-9_]*?)_({'|'.join(sorted(map(str.upper, KEYS)))})")
# Of a kind that we know, even where the key is misspelt.
OF_PRESET = re.compile(f"PROVIDER_({'|'.join(map(str.upper, PRESETS))})_.*")

# What is said of providers: by name and key.
Said = dict[str, dict[str, Any]]


def read_providers(settings: Settings) -> tuple[ProviderSettings, ...]:
    """Return what is set up, in the order of the file.

    Raises:
        SettingsError: a provider cannot work like this; all problems are named, and no value is repeated.
    """
    reading = _Reading(settings)
    found = reading.providers()
    if reading.complaints:
        raise SettingsError(reading.complaints)
    return found


def is_provider_variable(name: str) -> bool:
    """Whether a variable of this name sets up a provider."""
    return VARIABLE.fullmatch(name.upper()) is not None


class _Reading:
    """Gathers what is said, and complaints of what is wrong with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.complaints: list[Complaint] = []
        self._in_variables = self._read_variables()
        self._in_file = self._read_file(settings.providers_file) if settings.providers_file else {}

    def providers(self) -> tuple[ProviderSettings, ...]:
        """Return the providers that nothing is wrong with."""
        names = dict.fromkeys([*self._in_file, *self._in_variables])
        return tuple(provider for name in names if (provider := self._provider(name)) is not None)

    def _read_variables(self) -> Said:
        said: Said = {}
        for variable, value in self._settings.provider_variables.items():
            if matched := VARIABLE.fullmatch(variable):
                name, key = matched[1].lower().replace("_", "-"), matched[2].lower()
                said.setdefault(name, {})[key] = value.get_secret_value()
            elif OF_PRESET.fullmatch(variable):
                self.complaints.append(Complaint(variable, "it is no key of a provider", SEE))
        return said

    def _read_file(self, path: Path) -> Said:
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            return self._refuse_file(f"{path} cannot be read ({error.strerror})", "Correct the path")
        except UnicodeDecodeError:
            return self._refuse_file(f"{path} is not TOML: it is not UTF-8", "See docs/providers.md")
        except tomllib.TOMLDecodeError as error:
            return self._refuse_file(f"{path} is not TOML: {error}", "See docs/providers.md")
        tables = document.pop("providers", {})
        if document or not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            return self._refuse_file(f"{path} has something beside tables [providers.NAME]", "Move or remove it")
        has_secrets = any(key in table for table in tables.values() for key in SECRETS)
        if path.stat().st_mode & (OTHERS if has_secrets else OTHERS_WRITE):
            self._refuse_file(f"others can read or change {path}", f"Run: chmod 640 {path}")
        return tables

    def _refuse_file(self, problem: str, remedy: str) -> Said:
        self.complaints.append(Complaint("PROVIDERS_FILE", problem, remedy))
        return {}

    def _provider(self, name: str) -> ProviderSettings | None:
        if not NAME.fullmatch(name):
            self._refuse_file(
                "a provider has a name of another form than `my-provider`", "Use a-z, 0-9 and -, at most 32"
            )
            return None
        said = {"kind": name if name in PRESETS else Kind.OIDC} | self._said(name)
        preset = self._preset(name, said)
        if preset is None:
            return None
        title = preset.title or name.replace("-", " ").title()
        try:
            provider = ProviderSettings(name=name, **{"title": title} | said)
        except ValidationError as error:
            for detail in error.errors():
                self._complain(name, str(detail["loc"][0]), in_words(detail["type"], detail["msg"]))
            return None
        if self._settings.in_production and not provider.address.startswith("https://"):
            self._complain(name, "issuer", "it is not https")
        return provider

    def _preset(self, name: str, said: dict[str, Any]) -> Preset | None:
        """Return what is known of the kind, if what is said has the right keys."""
        preset = PRESETS.get(said["kind"]) if isinstance(said["kind"], str) else None
        if preset is None:
            self._complain(name, "kind", "it is none that we know", f"Use one of: {', '.join(PRESETS)}")
            return None
        missing = (preset.required | {"client_id"}) - said.keys()
        unknown = said.keys() - (COMMON | preset.keys | preset.required)
        for key in sorted(missing):
            self._complain(name, key, "it is missing", f"Set it, or {key} in [providers.{name}] of PROVIDERS_FILE")
        for key in sorted(unknown):
            self._complain(name, key, f"it is no key of a provider of the kind {said['kind']}")
        return None if missing or unknown else preset

    def _said(self, name: str) -> dict[str, Any]:
        return self._in_file.get(name, {}) | self._in_variables.get(name, {})

    def _complain(self, name: str, key: str, problem: str, remedy: str = SEE) -> None:
        is_of_file = key in self._in_file.get(name, {}) and key not in self._in_variables.get(name, {})
        of_file = f"[providers.{name}] {key} in {self._settings.providers_file}"
        of_variable = f"PROVIDER_{name.upper().replace('-', '_')}_{key.upper()}"
        self.complaints.append(Complaint(of_file if is_of_file else of_variable, problem, remedy))
