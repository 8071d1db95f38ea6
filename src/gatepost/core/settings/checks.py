"""What makes a configuration unsafe or impossible: every complaint at once, each with its remedy."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError as UnreadableSource

from gatepost.core.crypto.secrets import SecretFileError, development_secret
from gatepost.core.db.tls import TlsUnusable, tls_context
from gatepost.core.settings.account_groups import EmailVerification
from gatepost.core.settings.brand import logo_problem
from gatepost.core.settings.env_file import ENV_FILE, EnvFileUnreadable
from gatepost.core.settings.groups import JwtAlgorithm
from gatepost.core.settings.mail import MailScheme, MailUrl, parse_mail_url, read_sender
from gatepost.core.settings.model import Settings
from gatepost.core.settings.types import ANY_ORIGIN

# Where Docker and Kubernetes mount secrets: a file for each setting, named like it.
SECRETS_FOLDER = Path("/run/secrets")
# What docker-compose.yml gives a database on one's own machine.
EXAMPLE_DB_PASSWORD = "gatepost-local"  # noqa: S105  an example, refused in production
SHORTEST_SECRET = 32
FEWEST_DIFFERENT_CHARACTERS = 10
WEAK_ROUNDS = 10
# What a folder lets its group and all others do.
OTHERS = 0o077
# Access tokens have room for so many bytes of issuer and audience.
LONGEST_NAMES = 256
PLACEHOLDER = re.compile(r"change.?me|secret.?key|password|example|placeholder|default|gatepost", re.IGNORECASE)
SCRIPT_SOURCE = re.compile(r"https?://[A-Za-z0-9.*:\[\]-]+")
REDIS_URL = re.compile(r"redis(s|\+unix)?://\S")
NEW_SECRET = "put in the output of: openssl rand -base64 48"  # noqa: S105  a command, not a secret


@dataclass(frozen=True, slots=True)
class Complaint:
    """One setting that cannot stay as it is."""

    setting: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.problem}. {self.remedy}."


class SettingsError(Exception):
    """The service does not start with these settings; `complaints` lists all that is wrong."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("\n".join(str(complaint) for complaint in complaints))
        self.complaints = tuple(complaints)


def load_settings(*, env_file: Path | None = Path(".env"), secrets_folder: Path = SECRETS_FOLDER) -> Settings:
    """Read the settings, and in development the secret that is kept in DATA_DIR.

    The environment wins over `env_file`, and that over the files in `secrets_folder`.

    Raises:
        SettingsError: a value is malformed, or not safe in production.
    """
    reading = ENV_FILE.set(env_file)
    try:
        settings = Settings(_secrets_dir=secrets_folder if secrets_folder.is_dir() else None)
    except ValidationError as error:
        raise SettingsError([_malformed(detail) for detail in error.errors()]) from None
    except EnvFileUnreadable as error:
        remedy = "The rules are in docs/env-file.md: UTF-8, and NAME=value on each line"
        raise SettingsError([Complaint(str(env_file), str(error), remedy)]) from None
    except UnreadableSource:
        unreadable = Complaint(
            str(secrets_folder), "a file in it cannot be read", "Let the user of the service read it, as UTF-8"
        )
        raise SettingsError([unreadable]) from None
    finally:
        ENV_FILE.reset(reading)
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
    """Say what makes a secret guessable, or None."""
    if len(secret) < SHORTEST_SECRET:
        return f"it has fewer than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_DIFFERENT_CHARACTERS:
        return f"it has fewer than {FEWEST_DIFFERENT_CHARACTERS} different characters"
    if PLACEHOLDER.search(secret):
        return "it looks like a placeholder"
    return None


def _malformed(detail: object) -> Complaint:
    match detail:
        case {"loc": (str(name), *_), "msg": str(message)}:
            return Complaint(name.upper(), message.removeprefix("Value error, "), f"See {name.upper()} in .env.example")
    raise AssertionError("a settings error without a field")


def _complaints(settings: Settings) -> Iterator[Complaint]:
    yield from _database(settings)
    yield from _jwt(settings)
    yield from _secrets(settings)
    yield from _mail(settings)
    if settings.brand_logo is not None and (problem := logo_problem(settings.brand_logo)):
        yield Complaint("BRAND_LOGO", problem, "Name an SVG, PNG, JPEG or WebP file, or remove the setting")
    yield from _spa(settings)
    yield from _network(settings)
    if settings.session_max_life < settings.session_idle_life:
        yield Complaint("SESSION_MAX_DAYS", "it is below JWT_REFRESH_EXPIRATION_DAYS", "Raise it, or lower the other")
    if not settings.signup_reveals_taken and settings.email_verification is not EmailVerification.REQUIRED:
        yield Complaint(
            "SIGNUP_REVEALS_TAKEN",
            "`false` hides nothing while who signs up can sign in at once",
            "Set EMAIL_VERIFICATION=required as well",
        )
    if settings.otel_exporter_otlp_endpoint and find_spec("opentelemetry.sdk") is None:
        yield Complaint(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "traces need packages that are not installed", "pip install 'gatepost[otel]'"
        )
    if not settings.in_production:
        return
    yield from _weak(settings)
    if ANY_ORIGIN in settings.cors_origins:
        yield Complaint(
            "CORS_ORIGINS",
            "`*` opens the API to every web site",
            "Name the origins of your apps, comma-separated",
        )


def _database(settings: Settings) -> Iterator[Complaint]:
    try:
        tls_context(settings.sqlalchemy_url)
    except ValueError as error:
        if isinstance(error, TlsUnusable) and settings.says_tls:
            yield Complaint("DB_TLS", str(error), "docs/mysql.md tells what it and its files are")
        else:
            yield Complaint("DATABASE_URL", str(error), "Use mysql://user:password@host/name or sqlite:///file")
        return
    if settings.in_production and settings.uses_sqlite and not settings.sqlite_in_production:
        yield Complaint(
            "DATABASE_URL",
            "it is SQLite, which serves one machine",
            "Set DATABASE_URL to MySQL, or SQLITE_IN_PRODUCTION=true",
        )
    if settings.in_production and settings.sqlalchemy_url.password == EXAMPLE_DB_PASSWORD:
        yield Complaint(
            "DB_PASSWORD",
            "it is the one of the example, which everybody knows",
            "Give the database's user another, such as the output of: openssl rand -hex 24",
        )


def _jwt(settings: Settings) -> Iterator[Complaint]:
    if len(f"{settings.public_url}{settings.jwt_audience}".encode()) > LONGEST_NAMES:
        yield Complaint(
            "PUBLIC_URL",
            "with JWT_AUDIENCE it is too long for access tokens, which both stand in",
            f"Let both together have at most {LONGEST_NAMES} bytes",
        )
    uses_secret = settings.jwt_algorithm is JwtAlgorithm.HS256
    if uses_secret and settings.jwt_secret is None:
        yield Complaint("JWT_SECRET", "HS256 needs it", "Set it, or use JWT_ALGORITHM=ES256")
    elif uses_secret and settings.jwt_secret and (weak := weakness(settings.jwt_secret.get_secret_value())):
        yield Complaint("JWT_SECRET", weak, f"Instead {NEW_SECRET}")
    elif not uses_secret and settings.jwt_secret is not None:
        yield Complaint("JWT_SECRET", "only HS256 uses it", "Remove it, or set JWT_ALGORITHM=HS256")


def _secrets(settings: Settings) -> Iterator[Complaint]:
    if settings.secret_key is None:
        if settings.in_production:
            yield Complaint("SECRET_KEY", "production needs it", f"To make one, {NEW_SECRET}")
    elif settings.in_production and (weak := weakness(settings.secret_key.get_secret_value())):
        yield Complaint("SECRET_KEY", weak, f"Instead {NEW_SECRET}")
    previous = settings.secret_key_previous
    if settings.in_production and previous and (weak := weakness(previous.get_secret_value())):
        # What it signed is still believed.
        yield Complaint("SECRET_KEY_PREVIOUS", weak, "Remove it; people sign in again")


def _weak(settings: Settings) -> Iterator[Complaint]:
    """Complain of what protects too little in production, and was not allowed on purpose."""
    if not settings.public_url.startswith("https://") and not settings.http_in_production:
        yield Complaint(
            "PUBLIC_URL",
            "it is not https, so that all on the way read passwords and tokens",
            "Set it to the https:// address at which clients reach the service, or HTTP_IN_PRODUCTION=true",
        )
    if settings.bcrypt_rounds < WEAK_ROUNDS and not settings.weak_hashes_in_production:
        yield Complaint(
            "BCRYPT_ROUNDS",
            f"it is below {WEAK_ROUNDS}: a stolen table of hashes is guessed quickly",
            "Leave it at 12, or set WEAK_HASHES_IN_PRODUCTION=true",
        )


def _network(settings: Settings) -> Iterator[Complaint]:
    for proxy in settings.trusted_proxies:
        try:
            is_everybody = proxy == "*" or ipaddress.ip_network(proxy).prefixlen == 0
        except ValueError:
            yield Complaint(
                "TRUSTED_PROXIES",
                f"`{proxy}` is no address and no network",
                "Write 192.0.2.10, 192.0.2.8/29 or their like in IPv6, comma-separated",
            )
            continue
        if is_everybody:
            yield Complaint(
                "TRUSTED_PROXIES",
                f"`{proxy}` lets every caller forge its address",
                "Name your proxies' addresses or networks",
            )
    url = settings.redis_url
    if url is not None and not REDIS_URL.match(url.get_secret_value()):
        yield Complaint("REDIS_URL", "it is of no form that is known", "Use redis://, rediss:// or redis+unix://")


def _mail(settings: Settings) -> Iterator[Complaint]:
    try:
        url = parse_mail_url(settings.mail_url.get_secret_value())
    except ValueError as error:
        yield Complaint("MAIL_URL", str(error), "Use console:, smtp://user:password@host:587 or smtps://…:465")
    else:
        if settings.in_production:
            yield from _exposed_mail(settings, url)
    try:
        read_sender(settings.mail_from)
    except ValueError as error:
        yield Complaint("MAIL_FROM", str(error), "Use the address that your mail server lets you send from")
    try:
        _ = settings.ehlo_name
    except ValueError as error:
        yield Complaint("MAIL_EHLO_NAME", str(error), "Use a full host name such as auth.example.com, or [192.0.2.1]")
    if settings.mail_templates is not None and not settings.mail_templates.is_dir():
        yield Complaint("MAIL_TEMPLATES", "there is no such folder", "Make it, or remove the setting")


def _exposed_mail(settings: Settings, url: MailUrl) -> Iterator[Complaint]:
    """Complain of mails that others can read in production: their links open accounts."""
    if url.scheme is MailScheme.CONSOLE and not settings.console_mail_in_production:
        yield Complaint(
            "MAIL_URL",
            "mails, and links that open accounts, would be printed into the log",
            "Set it to smtp://user:password@host:587 or smtps://…:465, or CONSOLE_MAIL_IN_PRODUCTION=true",
        )
    if url.is_plain_to_elsewhere and not settings.plain_smtp_in_production:
        yield Complaint(
            "MAIL_URL",
            "starttls=no lets mails, and links that open accounts, cross the network unencrypted",
            "Remove starttls=no, or set PLAIN_SMTP_IN_PRODUCTION=true",
        )
    if url.scheme is MailScheme.FILE and url.folder.is_dir() and url.folder.stat().st_mode & OTHERS:
        yield Complaint(
            "MAIL_URL",
            f"others on this machine can look into {url.folder.absolute()}, where links that open accounts are",
            f"chmod 700 {url.folder.absolute()}",
        )


def _spa(settings: Settings) -> Iterator[Complaint]:
    folder = settings.spa_dir
    if folder is not None and not folder.is_dir():
        yield Complaint("SPA_DIR", f"there is no folder {folder.absolute()}", "Build the app, or remove the setting")
    elif folder is not None and not (folder / "index.html").is_file():
        yield Complaint(
            "SPA_DIR",
            f"{folder.absolute()} has no index.html",
            "Name the folder that the build writes, such as dist; Angular's is dist/NAME/browser",
        )
    # Each would end up in a header, where a semicolon begins a directive of its own.
    if not all(SCRIPT_SOURCE.fullmatch(source) for source in settings.spa_script_sources):
        yield Complaint("SPA_SCRIPT_SOURCES", "it has what is no origin", "Write it as https://js.stripe.com")
