"""The settings object, and the values derived from the settings."""

import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Self

from pydantic import PrivateAttr, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL

from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.tls import CA, CERTIFICATE, KEY, agreed, refuse_tls
from gatepost.core.db.url import DRIVERS, read_database_url
from gatepost.core.origins import TrustedOrigins, origin_of
from gatepost.core.settings.account_groups import (
    AccountSettings,
    AuditSettings,
    EmailSignIn,
    EmailVerification,
    MailSettings,
    PasskeySettings,
    ProviderFileSettings,
)
from gatepost.core.settings.brand import BrandSettings
from gatepost.core.settings.env_file import ENV_FILE, EnvFileSource
from gatepost.core.settings.groups import (
    DatabaseSettings,
    Environment,
    PasswordSettings,
    SecretSettings,
    ServerSettings,
    TokenSettings,
)
from gatepost.core.settings.limit_group import LimitSettings
from gatepost.core.settings.mail import MailScheme, ehlo_name, parse_mail_url
from gatepost.core.settings.types import ANY_ORIGIN
from gatepost.core.settings.watching import LogFormat, WatchingSettings

# Empty means no origins.
EMPTY_IS_A_VALUE = frozenset({"cors_origins"})


class Settings(
    BaseSettings,
    BrandSettings,
    WatchingSettings,
    AuditSettings,
    MailSettings,
    ProviderFileSettings,
    PasskeySettings,
    AccountSettings,
    LimitSettings,
    PasswordSettings,
    TokenSettings,
    DatabaseSettings,
    SecretSettings,
    ServerSettings,
):
    """All settings. The environment overrides `.env`, which overrides the defaults."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )
    _provider_variables: Mapping[str, SecretStr] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[Any, ...]:
        """Treat empty values as unset, and read `.env` by our own rules."""
        env_file = EnvFileSource(settings_cls, ENV_FILE.get())
        return init_settings, *map(_without_empty, (env_settings, env_file, file_secret_settings))

    def with_provider_variables(self, variables: Mapping[str, SecretStr]) -> Self:
        """Return these settings with the variables `PROVIDER_<NAME>_<KEY>`, by their names in upper case."""
        copy = self.model_copy()
        copy._provider_variables = variables  # noqa: SLF001  of a copy of ours
        return copy

    @property
    def provider_variables(self) -> Mapping[str, SecretStr]:
        """The variables `PROVIDER_<NAME>_<KEY>`; `identity/providers/settings.py` reads them."""
        return self._provider_variables

    @property
    def in_production(self) -> bool:
        """Whether only safe values are accepted."""
        return self.environment is Environment.PRODUCTION

    @property
    def base_url(self) -> str:
        """PUBLIC_URL without a trailing slash, for building links."""
        return self.public_url.rstrip("/")

    @property
    def signs_in_by_email(self) -> bool:
        """Whether codes and links by mail sign people in."""
        if self.email_sign_in is not None:
            return self.email_sign_in is EmailSignIn.ON
        if self.email_verification is EmailVerification.OFF:
            return False
        return (
            not self.in_production or parse_mail_url(self.mail_url.get_secret_value()).scheme is not MailScheme.CONSOLE
        )

    @property
    def ehlo_name(self) -> str:
        """The host name for mail servers.

        Raises:
            ValueError: MAIL_EHLO_NAME is not a host name.
        """
        return ehlo_name(self.mail_ehlo_name, own=socket.gethostname(), public_url=self.public_url)

    @property
    def trusted_origins(self) -> TrustedOrigins:
        """The origins whose pages may call the API with cookies and be redirect targets: our own and those in
        CORS_ORIGINS.

        In development, every origin on this machine is trusted too, unless CORS_ORIGINS is empty.
        """
        named = frozenset({origin_of(self.public_url), *self.cors_origins} - {ANY_ORIGIN})
        return TrustedOrigins(named, any_on_this_machine=not self.in_production and bool(self.cors_origins))

    @property
    def log_style(self) -> LogFormat:
        """The format of the log lines."""
        return self.log_format or (LogFormat.JSON if self.in_production else LogFormat.CONSOLE)

    @property
    def keys(self) -> SecretKeys:
        """The secret that all keys are derived from; `load_settings` makes sure that there is one."""
        if self.secret_key is None:
            raise AssertionError("settings without a secret did not come from load_settings")
        previous = self.secret_key_previous
        return SecretKeys(
            self.secret_key.get_secret_value(), previous.get_secret_value() if previous is not None else None
        )

    @property
    def sqlalchemy_url(self) -> URL:
        """The database with its async driver.

        Raises:
            ValueError: DATABASE_URL is malformed, names an unsupported database or driver, or contradicts DB_TLS and
            its files.
        """
        files = {CA: self.db_tls_ca, CERTIFICATE: self.db_tls_cert, KEY: self.db_tls_key}
        named = {name: str(file) for name, file in files.items() if file is not None}
        # A default does not contradict the options of DATABASE_URL.
        tls = self.db_tls if "db_tls" in self.model_fields_set else None
        if self.database_url is not None:
            return read_database_url(self.database_url.get_secret_value(), tls=tls, files=named)
        if not self.uses_db_parts:
            refuse_tls(tls, named)
            return URL.create(DRIVERS["sqlite"], database=str(self.data_dir / "gatepost.db"))
        return URL.create(
            DRIVERS["mysql"],
            username=self.db_user,
            password=self.db_password.get_secret_value() or None,
            host=self.db_host,
            port=self.db_port,
            database=self.db_name,
            query=agreed([self.db_tls], named),
        )

    @property
    def uses_db_parts(self) -> bool:
        """Whether DB_HOST, DB_PORT, DB_USER, DB_PASSWORD or DB_NAME select the database."""
        return not self.model_fields_set.isdisjoint({"db_host", "db_port", "db_user", "db_password", "db_name"})

    @property
    def says_tls(self) -> bool:
        """Whether DB_TLS or one of its files is set."""
        return not self.model_fields_set.isdisjoint({"db_tls", "db_tls_ca", "db_tls_cert", "db_tls_key"})

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.sqlalchemy_url.get_backend_name() == "sqlite"

    @property
    def shortest_password(self) -> int:
        """The minimum length of a new password."""
        return self.password_min_length or (8 if self.in_production else 6)

    @property
    def refuses_common_passwords(self) -> bool:
        """Whether new passwords are compared with common passwords and the names of the account."""
        chosen = self.refuse_common_passwords
        return self.in_production if chosen is None else chosen

    @property
    def access_token_life(self) -> timedelta:
        """How long an access token is valid."""
        return timedelta(minutes=self.jwt_access_expiration_minutes)

    @property
    def session_idle_life(self) -> timedelta:
        """How long a session lives without a refresh."""
        return timedelta(days=self.jwt_refresh_expiration_days)

    @property
    def session_max_life(self) -> timedelta:
        """How long a session lives at most."""
        return timedelta(days=self.session_max_days)

    @property
    def refresh_reuse_grace(self) -> timedelta:
        """How long the previous refresh token still returns its successor."""
        return timedelta(seconds=self.refresh_reuse_grace_seconds)


def _without_empty(source: PydanticBaseSettingsSource) -> Callable[[], dict[str, Any]]:
    """Drop empty values, except for settings where empty has a meaning."""
    return lambda: {name: value for name, value in source().items() if value != "" or name in EMPTY_IS_A_VALUE}
