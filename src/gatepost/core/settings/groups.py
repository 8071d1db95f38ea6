"""All settings, grouped by subject. The environment variable is the attribute's name in upper case."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

from gatepost.core.db.tls import DatabaseTls
from gatepost.core.db.url import require_host
from gatepost.core.settings.types import CommaSeparated, Origins, PositiveInt, PositiveSeconds, PublicUrl

LARGEST_PORT = 65535
PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


class Environment(StrEnum):
    """Where the service runs. Production refuses values that are only safe on a developer's machine."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class JwtAlgorithm(StrEnum):
    """How access tokens are signed (RFC 7518, section 3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"
    HS256 = "HS256"


class TokenTransport(StrEnum):
    """How tokens reach a client: in the JSON body, in HttpOnly cookies, or in both."""

    BODY = "body"
    COOKIE = "cookie"
    BOTH = "both"


class RevocationMode(StrEnum):
    """How revoked access tokens are detected: with the feed in memory, or by reading the session on each request."""

    FEED = "feed"
    STRICT = "strict"


class ServerSettings(BaseModel):
    """Where the service listens and who may call it."""

    environment: Environment = Field(
        Environment.DEVELOPMENT,
        description="`development` or `production`. Production refuses unsafe values.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=LARGEST_PORT, description="Port to listen on.")
    workers: PositiveInt = Field(1, description="Worker processes.")
    public_url: PublicUrl = Field(
        "http://localhost:8080",
        description="URL at which clients reach the service. Exactly this text is the issuer of its tokens. In "
        "development the default uses PORT.",
    )
    http_in_production: bool = Field(
        False, description="Allow an http:// PUBLIC_URL in production. Passwords and tokens are then sent unencrypted."
    )
    cors_origins: Origins = Field(
        ("http://localhost:8081",),
        description="Origins of browser apps that may call the API, comma-separated, such as https://app.example.com. "
        "Empty means none, which is the default in production.",
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Addresses or networks of the reverse proxies whose X-Forwarded-* headers are trusted."
    )
    spa_dir: Path | None = Field(
        None, description="Folder with a built Vue, Angular or React app, which is served at `/` together with the API."
    )
    spa_script_sources: CommaSeparated = Field(
        (),
        description="Other origins from which that app loads scripts, comma-separated, such as https://js.stripe.com.",
    )
    shutdown_seconds: PositiveInt = Field(
        10, description="Maximum duration of a shutdown. Open requests are answered within this time."
    )
    drain_seconds: float = Field(
        1.0,
        ge=0,
        description="Part of the shutdown in which new requests are still accepted while `/readyz` answers 503.",
    )
    data_dir: Path = Field(
        Path(".gatepost"), description="Folder for the development secret and the default SQLite database."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("environment") == Environment.PRODUCTION:
            values.setdefault("cors_origins", ())
        elif PORT.fullmatch(port := str(values.get("port", ""))) and 0 < int(port) <= LARGEST_PORT:
            # With 0, the port is not known yet.
            values.setdefault("public_url", f"http://localhost:{int(port)}")
        return values


class SecretSettings(BaseModel):
    """Secrets of the service."""

    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 random characters. All other keys are derived from it. Required in production.",
    )
    secret_key_previous: SecretStr | None = Field(
        None, description="The previous SECRET_KEY, while it is being replaced."
    )


class DatabaseSettings(BaseModel):
    """Where accounts are stored. Any DB_* setting selects MySQL. Without any setting, it is SQLite in DATA_DIR."""

    database_url: SecretStr | None = Field(
        None,
        description="URL in SQLAlchemy's format, `mysql://user:password@host/name` or `sqlite:///file`. Options: "
        "docs/mysql.md.",
    )
    db_host: Annotated[str, AfterValidator(require_host)] = Field(
        "localhost", description="MySQL host, instead of DATABASE_URL."
    )
    db_port: int = Field(3306, ge=1, le=65535, description="MySQL port.")
    db_user: str = Field("root", description="MySQL user.")
    db_password: SecretStr = Field(SecretStr(""), description="MySQL password.")
    db_name: str = Field("pocket_db", description="MySQL database.")
    db_tls: DatabaseTls = Field(
        DatabaseTls.OFF,
        description="TLS to MySQL: `off`, `required` (encrypted, but any certificate is accepted), `verify` (the "
        "certificate "
        "must be valid and match the host name) or `verify_ca` (valid, for any host name).",
    )
    db_tls_ca: Path | None = Field(
        None, description="File with the CA of the server certificate (PEM). Default: the CAs of the system."
    )
    db_tls_cert: Path | None = Field(None, description="File with the client certificate for MySQL (PEM).")
    db_tls_key: Path | None = Field(
        None, description="File with the key of the client certificate, if it is not in the same file."
    )
    db_pool_size: PositiveInt = Field(10, description="Connections that a worker keeps open.")
    db_max_overflow: int = Field(10, ge=0, description="Additional connections that a worker may open.")
    db_pool_recycle_seconds: PositiveInt = Field(1800, description="Age at which a connection is replaced.")
    db_timeout_seconds: PositiveSeconds = Field(
        2.5, description="Maximum duration of a transaction, and of the wait for a connection."
    )
    sqlite_in_production: bool = Field(
        False, description="Allow SQLite in production. It only suits a single machine with few writes."
    )


class TokenSettings(BaseModel):
    """How long people stay signed in, and how their tokens are issued."""

    jwt_access_expiration_minutes: PositiveInt = Field(1440, description="Lifetime of an access token.")
    jwt_refresh_expiration_days: PositiveInt = Field(
        30, description="A session ends after this long without a refresh."
    )
    session_max_days: PositiveInt = Field(
        90, description="A session ends this long after sign-in, even if it is in use."
    )
    refresh_token_rotation: bool = Field(
        True,
        description="Each refresh returns a new refresh token. Set to `false` for clients that keep using their first "
        "one, "
        "even if it was already used.",
    )
    refresh_reuse_grace_seconds: float = Field(
        10.0,
        ge=0,
        # Shorter than any access token, so that access tokens issued in this time do not outlive the successor's.
        lt=60,
        description="Time in which the previous refresh token still returns its successor.",
    )
    jwt_algorithm: JwtAlgorithm = Field(JwtAlgorithm.ES256, description="`ES256`, `RS256` or `HS256`.")
    jwt_secret: SecretStr | None = Field(
        None, description="Shared secret for JWT_ALGORITHM=HS256, at least 32 bytes. Not used with other algorithms."
    )
    jwt_audience: str = Field("gatepost", min_length=1, description="The `aud` of access tokens.")
    token_transport: TokenTransport = Field(
        TokenTransport.BOTH,
        description="How sign-in returns tokens: `body`, `cookie` (HttpOnly) or `both`.",
    )
    revocation_mode: RevocationMode = Field(
        RevocationMode.FEED, description="`feed` (in memory) or `strict` (reads the session on each request)."
    )
    revocation_poll_seconds: PositiveSeconds = Field(
        1.0, description="How often a worker reads the revocations of other workers."
    )
    revocation_max_staleness_seconds: PositiveSeconds = Field(
        30.0, description="Protected routes answer 503 if the feed could not be read for this long."
    )


class PasswordSettings(BaseModel):
    """Requirements for passwords, and how they are stored."""

    password_min_length: int | None = Field(
        None, ge=1, le=64, description="Minimum length of a password. Default: 6 in development, 8 in production."
    )
    bcrypt_rounds: int = Field(
        12, ge=4, le=16, description="Cost of a password hash. Each additional round doubles the work."
    )
    weak_hashes_in_production: bool = Field(
        False, description="Allow BCRYPT_ROUNDS below 10 in production, for example for load tests."
    )
    password_queue_size: PositiveInt = Field(
        128, description="How many passwords may wait to be hashed. Beyond that, sign-in answers 503."
    )
    password_queue_timeout_seconds: PositiveSeconds = Field(
        5.0, description="Maximum wait to be hashed. If it would take longer, sign-in answers 503 at once."
    )
