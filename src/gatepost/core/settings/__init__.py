"""The settings: one frozen object, read from the environment and `.env`. Unsafe settings are refused."""

from gatepost.core.settings.account_groups import EmailSignIn, EmailVerification, SecondFactor, SignUp
from gatepost.core.settings.checks import load_settings
from gatepost.core.settings.complaints import Complaint, SettingsError
from gatepost.core.settings.groups import Environment, JwtAlgorithm, RevocationMode, TokenTransport
from gatepost.core.settings.model import Settings
from gatepost.core.settings.watching import LogAddresses, LogFormat, LogLevel

__all__ = [
    "Complaint",
    "EmailSignIn",
    "EmailVerification",
    "Environment",
    "JwtAlgorithm",
    "LogAddresses",
    "LogFormat",
    "LogLevel",
    "RevocationMode",
    "SecondFactor",
    "Settings",
    "SettingsError",
    "SignUp",
    "TokenTransport",
    "load_settings",
]
