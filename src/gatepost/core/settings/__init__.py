"""The settings: one frozen object, read from the environment and `.env`, refused while it is unsafe."""

from gatepost.core.settings.checks import Complaint, SettingsError, load_settings
from gatepost.core.settings.groups import Environment, JwtAlgorithm, RevocationMode, TokenTransport
from gatepost.core.settings.model import Settings

__all__ = [
    "Complaint",
    "Environment",
    "JwtAlgorithm",
    "RevocationMode",
    "Settings",
    "SettingsError",
    "TokenTransport",
    "load_settings",
]
