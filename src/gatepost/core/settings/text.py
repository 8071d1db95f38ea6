"""The settings as text: the example file, the documentation page, and the effective values."""

import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gatepost.core.settings.account_groups import (
    AccountSettings,
    AuditSettings,
    MailSettings,
    PasskeySettings,
    ProviderFileSettings,
)
from gatepost.core.settings.brand import BrandSettings
from gatepost.core.settings.groups import (
    DatabaseSettings,
    PasswordSettings,
    SecretSettings,
    ServerSettings,
    TokenSettings,
)
from gatepost.core.settings.limit_group import LimitSettings
from gatepost.core.settings.model import Settings
from gatepost.core.settings.watching import WatchingSettings

GROUPS: tuple[type[BaseModel], ...] = (
    ServerSettings,
    SecretSettings,
    DatabaseSettings,
    TokenSettings,
    PasswordSettings,
    LimitSettings,
    AccountSettings,
    PasskeySettings,
    ProviderFileSettings,
    MailSettings,
    AuditSettings,
    BrandSettings,
    WatchingSettings,
)

TITLES = {
    "Secret": "Secrets",
    "Token": "Sessions and tokens",
    "Password": "Passwords",
    "Limit": "Limits",
    "Account": "Accounts",
    "Passkey": "Passkeys",
    "ProviderFile": "Other providers",
    "Audit": "Audit log",
    "Watching": "Log, metrics, traces",
}
PAGE_HEAD = """# Settings

Gatepost reads settings from the environment, then from a `.env` file in the folder where the command runs
([format](env-file.md)), then from files in `/run/secrets`, one per setting (`/run/secrets/secret_key`), as Docker and
Kubernetes mount secrets. [.env.example](../.env.example) lists all settings. To try Gatepost, you need to set none of
them. With `ENVIRONMENT=production` the service refuses to start with unsafe values, and says how to fix each of them.

`gatepost settings` prints the effective settings, and `gatepost doctor` checks them. `make docs` writes this page.
"""


def example_file() -> str:
    """Return `.env.example`: every setting, commented out, with its description and default."""
    blocks = ["# Every setting of Gatepost with its default. Copy to .env and change what you need.\n"]
    for group in GROUPS:
        lines = [f"# ---- {' '.join((group.__doc__ or '').split())}"]
        for name, field in group.model_fields.items():
            lines += [f"# {line}" for line in textwrap.wrap(field.description or "", 100)]
            lines.append(f"#{name.upper()}={_default(field)}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def markdown_page() -> str:
    """Return `docs/settings.md`: a table per group."""
    blocks = [PAGE_HEAD]
    for group in GROUPS:
        rows = ["| setting | default | what it does |", "|---|---|---|"]
        for name, field in group.model_fields.items():
            default = _default(field)
            rows.append(f"| `{name.upper()}` | {f'`{default}`' if default else '–'} | {field.description} |")
        words = " ".join((group.__doc__ or "").split())
        title = group.__name__.removesuffix("Settings")
        blocks.append(f"## {TITLES.get(title, title)}\n\n{words}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(blocks)


def in_force(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each setting's name and value, secrets hidden."""
    for group in GROUPS:
        for name in group.model_fields:
            value = getattr(settings, name)
            yield name.upper(), "(hidden)" if isinstance(value, SecretStr) and value else _text(value)


def _default(field: FieldInfo) -> str:
    default = field.default
    return default.get_secret_value() if isinstance(default, SecretStr) else _text(default)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
        case Enum():
            return str(value.value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
