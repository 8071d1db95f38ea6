"""Checks the settings: lists everything that is unsafe or impossible, each with its remedy."""

import ipaddress
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError as UnreadableSource

from gatepost.core.crypto.secrets import SecretFileError, development_secret
from gatepost.core.db.tls import TlsUnusable, tls_context
from gatepost.core.settings.account_groups import EmailVerification
from gatepost.core.settings.brand import logo_problem
from gatepost.core.settings.complaints import Complaint, SettingsError
from gatepost.core.settings.env_file import EnvFileUnreadable
from gatepost.core.settings.groups import JwtAlgorithm
from gatepost.core.settings.mail_checks import mail_complaints
from gatepost.core.settings.malformed import in_words
from gatepost.core.settings.model import Settings
from gatepost.core.settings.sources import read_settings
from gatepost.core.settings.types import ANY_ORIGIN

# Where Docker and Kubernetes mount secrets: one file per setting, with its name.
SECRETS_FOLDER = Path("/run/secrets")
# The password of the database in docker-compose.yml.
EXAMPLE_DB_PASSWORD = "gatepost-local"  # noqa: S105  an example, refused in production
SHORTEST_SECRET = 32
FEWEST_DIFFERENT_CHARACTERS = 10
WEAK_ROUNDS = 10
# The room for issuer and audience in access tokens, in bytes.
LONGEST_NAMES = 256
PLACEHOLDER = re.compile(r"change.?me|secret.?key|password|example|placeholder|default|gatepost", re.IGNORECASE)
SCRIPT_SOURCE = re.compile(r"https?://[A-Za-z0-9.*:\[\]-]+")
REDIS_URL = re.compile(r"redis(s|\+unix)?://\S")
NEW_SECRET = "use the output of: openssl rand -base64 48"  # noqa: S105  a command, not a secret


def load_settings(*, env_file: Path | None = Path(".env"), secrets_folder: Path = SECRETS_FOLDER) -> Settings:
    """Read the settings, and in development the secret stored in DATA_DIR.

    The environment overrides `env_file`, which overrides the files in `secrets_folder`.

    Raises:
        SettingsError: a value is malformed, or not safe in production.
    """
    try:
        settings = read_settings(env_file, secrets_folder)
    except ValidationError as error:
        raise SettingsError([_malformed(detail) for detail in error.errors()]) from None
    except EnvFileUnreadable as error:
        remedy = "It must be UTF-8, with NAME=value on each line. See docs/env-file.md"
        raise SettingsError([Complaint(str(env_file), str(error), remedy)]) from None
    except UnreadableSource:
        remedy = "Make it UTF-8, and readable for the user of the service"
        raise SettingsError([Complaint(str(secrets_folder), "a file in it cannot be read", remedy)]) from None
    if complaints := list(_complaints(settings)):
        raise SettingsError(complaints)
    if settings.secret_key is not None:
        return settings
    try:
        secret = development_secret(settings.data_dir)
    except SecretFileError as error:
        raise SettingsError([Complaint("SECRET_KEY", "no secret to start with", str(error).rstrip("."))]) from None
    return settings.model_copy(update={"secret_key": SecretStr(secret)})


def weakness(secret: str) -> str | None:
    """Return what makes a secret guessable, or None."""
    if len(secret) < SHORTEST_SECRET:
        return f"it has fewer than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS:
        return f"it has fewer than {FEWEST_DIFFERENT_CHARACTERS} different characters"
    if PLACEHOLDER.search(secret):
        return "it looks like a placeholder"
    return None


def _malformed(detail: object) -> Complaint:
    match detail:
        case {"loc": (str(name), *_), "type": str(kind), "msg": str(message)}:
            return Complaint(name.upper(), in_words(kind, message), f"See {name.upper()} in .env.example")
    raise AssertionError("a settings error without a field")


def _complaints(settings: Settings) -> Iterator[Complaint]:
    yield from _database(settings)
    yield from _jwt(settings)
    yield from _secrets(settings)
    yield from mail_complaints(settings)
    if settings.brand_logo is not None and (problem := logo_problem(settings.brand_logo)):
        yield Complaint("BRAND_LOGO", problem, "Use an SVG, PNG, JPEG or WebP file, or remove the setting")
    yield from _spa(settings)
    yield from _network(settings)
    if settings.session_max_life < settings.session_idle_life:
        yield Complaint(
            "SESSION_MAX_DAYS",
            "it is below JWT_REFRESH_EXPIRATION_DAYS",
            "Increase it, or decrease JWT_REFRESH_EXPIRATION_DAYS",
        )
    if not settings.signup_reveals_taken and settings.email_verification is not EmailVerification.REQUIRED:
        yield Complaint(
            "SIGNUP_REVEALS_TAKEN",
            "`false` hides nothing if people can sign in directly after sign-up",
            "Set EMAIL_VERIFICATION=required as well",
        )
    if settings.otel_exporter_otlp_endpoint and find_spec("opentelemetry.sdk") is None:
        yield Complaint(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "tracing requires packages that are not installed",
            "pip install 'gatepost[otel]'",
        )
    if not settings.in_production:
        return
    yield from _weak(settings)
    if ANY_ORIGIN in settings.cors_origins:
        yield Complaint(
            "CORS_ORIGINS",
            "`*` opens the API to every web site",
            "List the origins of your apps, comma-separated",
        )


def _database(settings: Settings) -> Iterator[Complaint]:
    try:
        tls_context(settings.sqlalchemy_url)
    except ValueError as error:
        if isinstance(error, TlsUnusable) and settings.says_tls:
            yield Complaint("DB_TLS", str(error), "See docs/mysql.md for DB_TLS and its files")
        else:
            yield Complaint("DATABASE_URL", str(error), "Use mysql://user:password@host/name or sqlite:///file")
        return
    if settings.in_production and settings.uses_sqlite and not settings.sqlite_in_production:
        yield Complaint(
            "DATABASE_URL",
            "it is SQLite, which only suits a single machine",
            "Set DATABASE_URL to a MySQL database, or set SQLITE_IN_PRODUCTION=true",
        )
    if settings.in_production and settings.sqlalchemy_url.password == EXAMPLE_DB_PASSWORD:
        yield Complaint(
            "DB_PASSWORD",
            "it is the password from the example, which is public",
            "Give the database user another password, such as the output of: openssl rand -hex 24",
        )


def _jwt(settings: Settings) -> Iterator[Complaint]:
    if len(f"{settings.public_url}{settings.jwt_audience}".encode()) > LONGEST_NAMES:
        yield Complaint(
            "PUBLIC_URL",
            "together with JWT_AUDIENCE it is too long for access tokens",
            f"Shorten them to {LONGEST_NAMES} bytes in total",
        )
    uses_secret = settings.jwt_algorithm is JwtAlgorithm.HS256
    if uses_secret and settings.jwt_secret is None:
        yield Complaint("JWT_SECRET", "HS256 requires it", "Set it, or use JWT_ALGORITHM=ES256")
    elif uses_secret and settings.jwt_secret and (weak := weakness(settings.jwt_secret.get_secret_value())):
        yield Complaint("JWT_SECRET", weak, f"Instead, {NEW_SECRET}")
    elif not uses_secret and settings.jwt_secret is not None:
        yield Complaint("JWT_SECRET", "only HS256 uses it", "Remove it, or set JWT_ALGORITHM=HS256")


def _secrets(settings: Settings) -> Iterator[Complaint]:
    if settings.secret_key is None:
        if settings.in_production:
            yield Complaint("SECRET_KEY", "it is required in production", f"To create one, {NEW_SECRET}")
    elif settings.in_production and (weak := weakness(settings.secret_key.get_secret_value())):
        yield Complaint("SECRET_KEY", weak, f"Instead, {NEW_SECRET}")
    previous = settings.secret_key_previous
    if settings.in_production and previous and (weak := weakness(previous.get_secret_value())):
        # Values that it signed are still accepted.
        yield Complaint("SECRET_KEY_PREVIOUS", weak, "Remove it. People must then sign in again")


def _weak(settings: Settings) -> Iterator[Complaint]:
    """Complain about weak protection in production that was not allowed on purpose."""
    if not settings.public_url.startswith("https://") and not settings.http_in_production:
        yield Complaint(
            "PUBLIC_URL",
            "it is not https, so passwords and tokens are sent unencrypted",
            "Set it to the https:// URL at which clients reach the service, or set HTTP_IN_PRODUCTION=true",
        )
    if settings.bcrypt_rounds < WEAK_ROUNDS and not settings.weak_hashes_in_production:
        yield Complaint(
            "BCRYPT_ROUNDS",
            f"it is below {WEAK_ROUNDS}, so stolen password hashes can be cracked quickly",
            "Leave it at 12, or set WEAK_HASHES_IN_PRODUCTION=true",
        )


def _network(settings: Settings) -> Iterator[Complaint]:
    for proxy in settings.trusted_proxies:
        try:
            is_everybody = proxy == "*" or ipaddress.ip_network(proxy).prefixlen == 0
        except ValueError:
            yield Complaint(
                "TRUSTED_PROXIES",
                f"`{proxy}` is neither an address nor a network",
                "Use IPv4 or IPv6 addresses or networks, such as 192.0.2.10 or 192.0.2.8/29, comma-separated",
            )
            continue
        if is_everybody:
            yield Complaint(
                "TRUSTED_PROXIES",
                f"`{proxy}` lets every caller forge its address",
                "List the addresses or networks of your proxies",
            )
    url = settings.redis_url
    if url is not None and not REDIS_URL.match(url.get_secret_value()):
        yield Complaint("REDIS_URL", "it has an unknown form", "Use redis://, rediss:// or redis+unix://")


def _spa(settings: Settings) -> Iterator[Complaint]:
    folder = settings.spa_dir
    if folder is not None and not folder.is_dir():
        yield Complaint(
            "SPA_DIR", f"the folder {folder.absolute()} does not exist", "Build the app, or remove the setting"
        )
    elif folder is not None and not (folder / "index.html").is_file():
        yield Complaint(
            "SPA_DIR",
            f"{folder.absolute()} has no index.html",
            "Use the output folder of the build, such as dist, or dist/NAME/browser for Angular",
        )
    # Each ends up in a header, where a semicolon would start a new directive.
    if not all(SCRIPT_SOURCE.fullmatch(source) for source in settings.spa_script_sources):
        yield Complaint(
            "SPA_SCRIPT_SOURCES", "it contains an invalid origin", "Use origins such as https://js.stripe.com"
        )
