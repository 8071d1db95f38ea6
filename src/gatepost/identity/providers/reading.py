"""What is set up: PROVIDERS_FILE, and the variables `PROVIDER_<NAME>_<KEY>`, which override it key by key."""

import re
import tomllib
from typing import Any

from pydantic import ValidationError

from gatepost.core.settings import Complaint, Settings, SettingsError
from gatepost.core.settings.malformed import in_words
from gatepost.identity.providers.presets import PRESETS, Kind
from gatepost.identity.providers.settings import NAME, ProviderSettings

# The permissions of users who are neither the owner nor in the group.
OTHERS, OTHERS_WRITE = 0o007, 0o002
SECRETS = ("client_secret", "private_key")
SEE = "See docs/providers.md for the keys"
COMMON = frozenset({"kind", "title", "client_id", "client_secret", "scopes", "second_factor_amr", "second_factor_acr"})
KEYS = frozenset(ProviderSettings.model_fields) - {"name"}
VARIABLE = re.compile(f"PROVIDER_([A-Z][A-Z0-9_]*?)_({'|'.join(sorted(map(str.upper, KEYS)))})")
# Of a kind that we know, even where the key is misspelt.
OF_PRESET = re.compile(f"PROVIDER_({'|'.join(map(str.upper, PRESETS))})_.*")


def read_providers(settings: Settings) -> tuple[ProviderSettings, ...]:
    """Return what is set up, in the order of the file.

    Raises:
        SettingsError: a provider cannot work like this; all problems are named, and no value is repeated.
    """
    complaints: list[Complaint] = []
    in_variables = _of_variables(settings, complaints)
    in_file = _of_file(settings, complaints)
    found = [
        _provider(name, in_file.get(name, {}), in_variables.get(name, {}), settings, complaints)
        for name in dict.fromkeys([*in_file, *in_variables])
    ]
    if complaints:
        raise SettingsError(complaints)
    return tuple(provider for provider in found if provider is not None)


def is_provider_variable(name: str) -> bool:
    """Whether a variable of this name sets up a provider."""
    return VARIABLE.fullmatch(name.upper()) is not None


def _of_variables(settings: Settings, complaints: list[Complaint]) -> dict[str, dict[str, Any]]:
    said: dict[str, dict[str, Any]] = {}
    for variable, value in settings.provider_variables.items():
        if matched := VARIABLE.fullmatch(variable):
            name, key = matched[1].lower().replace("_", "-"), matched[2].lower()
            said.setdefault(name, {})[key] = value.get_secret_value()
        elif OF_PRESET.fullmatch(variable):
            complaints.append(Complaint(variable, "it is no key of a provider", SEE))
    return said


def _of_file(settings: Settings, complaints: list[Complaint]) -> dict[str, dict[str, Any]]:
    path = settings.providers_file
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        complaints.append(Complaint("PROVIDERS_FILE", f"{path} cannot be read ({error.strerror})", "Correct the path"))
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        complaints.append(Complaint("PROVIDERS_FILE", f"{path} is not TOML: {why}", "See docs/providers.md"))
        return {}
    tables = document.get("providers", {})
    if document.keys() - {"providers"} or not (
        isinstance(tables, dict) and all(isinstance(table, dict) for table in tables.values())
    ):
        complaints.append(
            Complaint("PROVIDERS_FILE", f"{path} has something beside tables [providers.NAME]", "Move or remove it")
        )
        return {}
    has_secrets = any(key in table for table in tables.values() for key in SECRETS)
    if path.stat().st_mode & (OTHERS if has_secrets else OTHERS_WRITE):
        complaints.append(Complaint("PROVIDERS_FILE", f"others can read or change {path}", f"Run: chmod 640 {path}"))
    return tables


def _provider(
    name: str, in_file: dict[str, Any], in_variables: dict[str, Any], settings: Settings, complaints: list[Complaint]
) -> ProviderSettings | None:
    """Return the provider of this name, or complain about each key that is wrong."""

    def complain(key: str, problem: str, remedy: str = SEE) -> None:
        of_file = f"[providers.{name}] {key} in {settings.providers_file}"
        of_variable = f"PROVIDER_{name.upper().replace('-', '_')}_{key.upper()}"
        complaints.append(
            Complaint(of_file if key in in_file and key not in in_variables else of_variable, problem, remedy)
        )

    before = len(complaints)
    said = in_file | in_variables
    if not NAME.fullmatch(name):
        complaints.append(
            Complaint(
                "PROVIDERS_FILE",
                "a provider has a name of another form than `my-provider`",
                "Use a-z, 0-9 and -, at most 32",
            )
        )
        return None
    said.setdefault("kind", name if name in PRESETS else Kind.OIDC)
    preset = PRESETS.get(said["kind"]) if isinstance(said["kind"], str) else None
    if preset is None:
        complain("kind", "it is none that we know", f"Use one of: {', '.join(PRESETS)}")
        return None
    for key in sorted((preset.required | {"client_id"}) - said.keys()):
        complain(key, "it is missing", f"Set it, or {key} in [providers.{name}] of PROVIDERS_FILE")
    taken = (COMMON | preset.keys) - ({"client_secret"} - preset.required)
    for key in sorted(said.keys() - taken):
        complain(key, f"it is no key of a provider of the kind {said['kind']}")
    if len(complaints) > before:
        return None
    try:
        provider = ProviderSettings(name=name, **{"title": preset.title or name.replace("-", " ").title()} | said)
    except ValidationError as error:
        for detail in error.errors():
            complain(str(detail["loc"][0]), in_words(detail["type"], detail["msg"]))
        return None
    if settings.in_production and not provider.address.startswith("https://"):
        complain("issuer", "it is not https")
        return None
    return provider
