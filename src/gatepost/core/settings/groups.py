"""Every setting, by subject. The name in the environment is the attribute's name in upper case."""

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
    """Where the service runs. Production refuses settings that are only safe on a developer's machine."""

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
    """How a revoked access token is noticed: by the feed in memory, or by reading the session each time."""

    FEED = "feed"
    STRICT = "strict"


class ServerSettings(BaseModel):
    """Where the service listens and who may call it."""

    environment: Environment = Field(
        Environment.DEVELOPMENT,
        description="`development` or `production`; production refuses unsafe values.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=LARGEST_PORT, description="Port to listen on.")
    workers: PositiveInt = Field(1, description="Worker processes.")
    public_url: PublicUrl = Field(
        "http://localhost:8080",
        description="URL at which clients reach the service; exactly this is the issuer of its tokens. The default in"
        " development uses PORT.",
    )
    http_in_production: bool = Field(
        False,
        description="Allow a PUBLIC_URL of http:// in production: anybody in between can read passwords and tokens.",
    )
    cors_origins: Origins = Field(
        ("http://localhost:8081",),
        description="Origins of browser apps that may call the API, comma-separated, such as https://app.example.com; "
        "empty means none, which is the default in production.",
    )
    trusted_proxies: CommaSeparated = Field(
        (), description="Addresses or networks of the reverse proxies whose X-Forwarded-* are trusted."
    )
    spa_dir: Path | None = Field(
        None, description="Folder with a built Vue, Angular or React app, served at `/` beside the API."
    )
    spa_script_sources: CommaSeparated = Field(
        (), description="Other origins whose scripts that app loads, comma-separated, such as https://js.stripe.com."
    )
    shutdown_seconds: PositiveInt = Field(
        10, description="Longest time a shutdown may take; requests in flight are answered within it."
    )
    drain_seconds: float = Field(
        1.0, ge=0, description="Part of that time in which requests are still accepted while `/readyz` answers 503."
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
            # Port 0 means any free port, which is not known yet.
            values.setdefault("public_url", f"http://localhost:{int(port)}")
        return values


class SecretSettings(BaseModel):
    """Secret keys."""

    secret_key: SecretStr | None = Field(
        None,
        description="At least 32 random characters; every other key is derived from it. Required in production.",
    )
    secret_key_previous: SecretStr | None = Field(None, description="The former SECRET_KEY, while you replace it.")


class DatabaseSettings(BaseModel):
    """Where the accounts are stored. Any DB_* selects MySQL; without any, SQLite in DATA_DIR is used."""

    database_url: SecretStr | None = Field(
        None,
        description="An SQLAlchemy URL, `mysql://user:password@host/name` or `sqlite:///file`; docs/mysql.md lists "
        "its options.",
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
        description="TLS to MySQL: `off`, `required` (encrypted, server not verified), `verify` (certificate and host"
        " name verified) or `verify_ca` (certificate verified).",
    )
    db_tls_ca: Path | None = Field(
        None, description="File with the CA of the server's certificate (PEM); default: the CAs of the system."
    )
    db_tls_cert: Path | None = Field(None, description="File with the client certificate for MySQL (PEM).")
    db_tls_key: Path | None = Field(
        None, description="File with the key of the client certificate, unless it is in the same file."
    )
    db_pool_size: PositiveInt = Field(10, description="Connections that a worker keeps open.")
    db_max_overflow: int = Field(10, ge=0, description="Additional connections that a worker may open.")
    db_pool_recycle_seconds: PositiveInt = Field(1800, description="Age at which a connection is replaced.")
    db_timeout_seconds: PositiveSeconds = Field(
        2.5, description="Longest time that a transaction, or the wait for a connection, may take."
    )
    sqlite_in_production: bool = Field(False, description="Allow SQLite in production: one machine, few writes.")


class TokenSettings(BaseModel):
    """How long people stay signed in, and how tokens are issued."""

    jwt_access_expiration_minutes: PositiveInt = Field(1440, description="Lifetime of an access token.")
    jwt_refresh_expiration_days: PositiveInt = Field(
        30, description="Time without a refresh after which a session ends."
    )
    session_max_days: PositiveInt = Field(90, description="Maximum age of a session, even if it is in use.")
    refresh_token_rotation: bool = Field(
        True,
        description="Each refresh returns a new refresh token; `false` for clients that keep their first one, even if"
        " it was used already.",
    )
    refresh_reuse_grace_seconds: float = Field(
        10.0,
        ge=0,
        # Shorter than any access token's life: tokens issued in this time end with the successor's access token.
        lt=60,
        description="Time in which a repeated refresh with the previous token gets the same successor.",
    )
    jwt_algorithm: JwtAlgorithm = Field(JwtAlgorithm.ES256, description="`ES256`, `RS256` or `HS256`.")
    jwt_secret: SecretStr | None = Field(
        None, description="The shared secret of HS256, at least 32 bytes; only with JWT_ALGORITHM=HS256."
    )
    jwt_audience: str = Field("gatepost", min_length=1, description="The `aud` of access tokens.")
    token_transport: TokenTransport = Field(
        TokenTransport.BOTH,
        description="How sign-in returns tokens: in the `body`, in an HttpOnly `cookie`, or `both`.",
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
    """Password rules and hashing."""

    password_min_length: int | None = Field(
        None, ge=1, le=64, description="Minimum length of a password; by default 6 in development and 8 in production."
    )
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="Cost of a password hash; each step doubles the time.")
    weak_hashes_in_production: bool = Field(
        False, description="Allow BCRYPT_ROUNDS below 10 in production, as for load tests."
    )
    password_queue_size: PositiveInt = Field(
        128, description="Passwords that may wait to be hashed; above that, sign-in answers 503."
    )
    password_queue_timeout_seconds: PositiveSeconds = Field(
        5.0, description="Longest wait to be hashed; if it would take longer, sign-in answers 503 immediately."
    )
